"""What a queue does with a message that is sent twice. It is tried out: to read the queue's settings takes
the right to manage it, which Lightning is not given."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusReceiver, ServiceBusSender
from azure.servicebus.exceptions import MessageNotFoundError

from backend.bus.azure.handlers import TROUBLE, shut, unavailable
from backend.bus.azure.namespace import Namespace
from backend.bus.codec import encode_event_whole
from backend.contracts.events import Event, new_id
from backend.contracts.ports import Remark
from backend.contracts.security import SYSTEM

AWAY = timedelta(hours=1)
"""So far off that it is taken back long before it arrives."""


async def remarks_on(namespace: Namespace, now: datetime) -> Sequence[Remark]:
    """Raises `Unavailable`."""
    try:
        found = await asyncio.gather(
            *(_finds_duplicates(namespace, queue, now) for queue in namespace.queues)
        )
    except (*TROUBLE, TimeoutError) as error:
        raise unavailable(error) from error
    return [
        Remark(
            "bus",
            f"The queue {queue} (SERVICEBUS_QUEUE) finds no duplicates: a step sent twice is done twice.",
            "Make it anew with duplicate detection, of an hour at least; a queue cannot be changed in this.",
        )
        for queue, finds in zip(namespace.queues, found, strict=True)
        if not finds
    ]


async def _finds_duplicates(namespace: Namespace, queue: str, now: datetime) -> bool:
    """Whether of two messages with one id, due much later, one is there."""
    # Should it ever arrive, it is news of a thread without any.
    thread = f"doctor-{new_id()}"
    event = Event(new_id(), "thread.updated", SYSTEM.user_id, now, {"thread_id": thread})
    session = f"thread:{thread}" if queue == namespace.queue else None
    sender = namespace.sender(queue)
    receiver = namespace.plain(queue, session)
    try:
        await asyncio.gather(sender.__aenter__(), receiver.__aenter__())
        return await _is_there_once(sender, receiver, event, now + AWAY)
    finally:
        await asyncio.gather(shut(sender), shut(receiver))


async def _is_there_once(
    sender: ServiceBusSender, receiver: ServiceBusReceiver, event: Event, due: datetime
) -> bool:
    numbers: list[int] = []
    session = receiver.session.session_id if receiver.session is not None else None
    try:
        for _ in range(2):
            message = ServiceBusMessage(
                encode_event_whole(event), message_id=event.id, session_id=session
            )
            numbers += await sender.schedule_messages(message, due)
        there = await receiver.peek_messages(100, sequence_number=min(numbers))
        return sum(message.message_id == event.id for message in there) < 2
    finally:
        for number in numbers:
            with contextlib.suppress(MessageNotFoundError):
                await sender.cancel_scheduled_messages(number)
