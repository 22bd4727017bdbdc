"""Sending to a queue: whatever waits at the same time goes in one message of messages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from azure.servicebus import ServiceBusMessage, ServiceBusMessageBatch
from azure.servicebus.aio import ServiceBusSender
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusQuotaExceededError

from backend.bus.azure.handlers import TROUBLE, Background, shut, unavailable
from backend.bus.azure.namespace import Namespace
from backend.bus.azure.parcels import Parcel
from backend.contracts.errors import Unavailable

PATIENCE_S = (0.1, 0.4, 1.0, 2.0)
"""Pauses between tries: duplicate detection makes it safe to send again what may have arrived."""


@dataclass(slots=True, eq=False)
class _Waiting:
    parcels: Sequence[Parcel]
    sent: asyncio.Future[None]


class Outbox:
    """Sends to one of the queues. What is sent to one session goes in the order it was given.

    A batch has messages of one session only: Service Bus promises no more.
    """

    def __init__(self, namespace: Namespace, queue: str, background: Background, most: int = 2):
        """`most`: senders, each a connection of its own, opened when all others are busy."""
        self._namespace = namespace
        self._queue = queue
        self._background = background
        self._most = most
        self._waiting: deque[_Waiting] = deque()
        self._sending: set[str | None] = set()
        self._busy = 0
        self._idle: list[ServiceBusSender] = []

    async def send(self, parcels: Sequence[Parcel]) -> None:
        """Durable on return. Raises `Unavailable`; what has arrived then is known by its ids."""
        by_session: dict[str | None, list[Parcel]] = {}
        for parcel in parcels:
            by_session.setdefault(parcel.session, []).append(parcel)
        waiting = [
            _Waiting(group, asyncio.get_running_loop().create_future())
            for group in by_session.values()
        ]
        self._waiting.extend(waiting)
        self._start()
        # each is heard: a second failure must not go unretrieved
        results = await asyncio.gather(*(w.sent for w in waiting), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _start(self) -> None:
        if self._busy < self._most and self._waiting:
            self._busy += 1
            self._background.start(self._work())

    async def _work(self) -> None:
        sender = self._idle.pop() if self._idle else None
        try:
            while group := self._next():
                self._start()
                try:
                    sender = await self._send_patiently(sender, group)
                finally:
                    self._sending.discard(group[0].parcels[0].session)
                    _settle(group, Unavailable("The bus is closed."))
        finally:
            self._busy -= 1
            if sender is not None:
                self._idle.append(sender)

    def _next(self) -> list[_Waiting]:
        """All that waits for one session, for which nothing is under way. The plain queue has no order
        to keep."""
        for first in self._waiting:
            session = first.parcels[0].session
            if session is None or session not in self._sending:
                group = [w for w in self._waiting if w.parcels[0].session == session]
                self._waiting = deque(w for w in self._waiting if w.parcels[0].session != session)
                if session is not None:
                    self._sending.add(session)
                return group
        return []

    async def _send_patiently(
        self, sender: ServiceBusSender | None, group: list[_Waiting]
    ) -> ServiceBusSender | None:
        for pause in (*PATIENCE_S, None):
            try:
                sender = sender or self._namespace.sender(self._queue)
                await self._send_all(sender, [p for waiting in group for p in waiting.parcels])
            except (*TROUBLE, TimeoutError) as error:
                if sender is not None:
                    self._background.start(shut(sender))
                    sender = None
                certain = isinstance(error, MessageSizeExceededError | ServiceBusQuotaExceededError)
                if pause is None or certain:
                    _settle(group, unavailable(error))
                    return None
                await asyncio.sleep(pause)
            except Unavailable as error:
                _settle(group, error)
                return None
            else:
                _settle(group, None)
                return sender
        return sender

    async def _send_all(self, sender: ServiceBusSender, parcels: Sequence[Parcel]) -> None:
        messages = [_message(parcel) for parcel in parcels]
        if len(messages) == 1:
            await sender.send_messages(messages[0])
            return
        batch: ServiceBusMessageBatch = await sender.create_message_batch()
        for message in messages:
            try:
                batch.add_message(message)
            except ValueError:
                if not len(batch):
                    raise
                await sender.send_messages(batch)
                batch = await sender.create_message_batch()
                batch.add_message(message)
        await sender.send_messages(batch)

    async def close(self) -> None:
        for waiting in self._waiting:
            if not waiting.sent.done():
                waiting.sent.set_exception(Unavailable("The bus is closed."))
        self._waiting.clear()
        senders, self._idle = self._idle, []
        await asyncio.gather(*(shut(sender) for sender in senders))


def _settle(group: Sequence[_Waiting], error: Exception | None) -> None:
    for waiting in group:
        if waiting.sent.done():
            continue
        if error is None:
            waiting.sent.set_result(None)
        else:
            waiting.sent.set_exception(error)


def _message(parcel: Parcel) -> ServiceBusMessage:
    return ServiceBusMessage(
        parcel.body,
        message_id=parcel.id,
        session_id=parcel.session,
        scheduled_enqueue_time_utc=parcel.due,
        content_type="application/json",
    )
