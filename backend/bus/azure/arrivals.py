"""What a message is when it arrives: something new, something done before, something too early."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from azure.servicebus import ServiceBusReceivedMessage

from backend.bus.azure.handlers import TROUBLE
from backend.bus.azure.inbox import HOSTED, Held, Inbox, delivery
from backend.bus.azure.letters import Letters
from backend.bus.azure.parcels import Parcel, Via, packed, unpacked
from backend.bus.azure.settling import Settling
from backend.bus.azure.taps import Tap
from backend.bus.codec import encode_event_whole
from backend.bus.encoded import events_json
from backend.bus.settling import lane_of
from backend.contracts.errors import LightningError, NotFound
from backend.contracts.events import Event
from backend.contracts.ports import Blobs, DeadLetter, Delivery, Output

log = structlog.get_logger()

EARLY_S = 1.0


class Arrivals:
    def __init__(
        self,
        letters: Letters,
        settling: Settling,
        blobs: Blobs,
        inbox: Inbox,
        send: Callable[[Parcel], Awaitable[None]],
    ) -> None:
        self._letters = letters
        self._settling = settling
        self._blobs = blobs
        self._inbox = inbox
        self._clock = inbox.clock
        self._send = send

    async def arrived(self, tap: Tap, message: ServiceBusReceivedMessage) -> bool:
        """Called by the tap alone, which does nothing else meanwhile. False: the tap was closed first, and
        the message is still its own."""
        body = b"".join(message.body)
        while tap.open:
            try:
                return await self._take_in(tap, message, body)
            except LightningError as error:
                log.warning("message.waits", error=error.message)
                await asyncio.sleep(0.5)
        return False

    async def _take_in(self, tap: Tap, message: ServiceBusReceivedMessage, body: bytes) -> bool:
        held = await self.look_at(
            body,
            message_id=message.message_id or "",
            session=message.session_id,
            failed=message.delivery_count or 0,
            unchecked=tap.unchecked,
            given_up=_why_dead(message) if tap.dead else None,
        )
        if held is None:
            assert tap.receiver is not None
            with contextlib.suppress(*TROUBLE):
                await tap.receiver.complete_message(message)
            return True
        if not tap.open:
            return False
        tap.unchecked = False
        held.source, held.message = tap, message
        if message.locked_until_utc is not None:
            held.lock = message.locked_until_utc - self._clock()
        self._inbox.put(held)
        return True

    async def look_at(
        self,
        body: bytes,
        *,
        message_id: str,
        session: str | None,
        failed: int,
        unchecked: bool = False,
        given_up: str | None = None,
    ) -> Held | None:
        """The message, to be handled; None when there is nothing to do about it but to complete it.

        `failed` deliveries were there before. `unchecked`: perhaps one that nobody counted, too, as who had
        a session before may have been cut off. `given_up` is why Service Bus did so. Raises `Unavailable`.
        """
        try:
            event, via = await unpacked(body, self._blobs)
        except (NotFound, ValueError) as unreadable:
            await self._bury(body, message_id, session, failed, unreadable)
            return None
        stream = None if session is None else via.stream or session
        error = None if given_up is None else _given_up(given_up)
        held = Held(None, None, event, stream, via, failed + via.attempts + 1, error=error)
        if (unchecked or error or held.attempt > 1) and await self._is_done(held):
            return None
        if error is not None:
            return None if await self._letters.read(event.id) else held
        return None if await self._is_early(held, message_id) else held

    async def again(self, held: Held, delay_s: float) -> None:
        """Send what a queue does not hold back by itself, to arrive later with its attempts."""
        via = replace(held.via, attempts=held.attempt)
        due = self._clock() + timedelta(seconds=delay_s)
        await self._send_again(held, f"{held.event.id}~{held.attempt}", due, via)

    async def _is_done(self, held: Held) -> bool:
        """Whether an earlier delivery got as far as the log; then what may be missing is made good."""
        if held.stream is None:
            return await self._settling.catch_up_work(held.event.id, held.via.origin)
        return await self._settling.catch_up(held.stream, held.event.id)

    async def _is_early(self, held: Held, message_id: str) -> bool:
        due = held.via.due and datetime.fromisoformat(held.via.due)
        if not due or (due - self._clock()).total_seconds() < EARLY_S:
            return False
        await self._send_again(held, f"{message_id}~", due, replace(held.via, due=None))
        return True

    async def _send_again(self, held: Held, id: str, due: datetime, via: Via) -> None:
        """As another message, or it would be taken for a duplicate; always the same other one."""
        (event_json,) = (await events_json([held.event], self._blobs)).values()
        output = Output(held.event, lane_of(held.stream), held.stream, due)
        await self._send(await packed(output, event_json, self._blobs, self._clock(), via, id))

    async def _bury(
        self, body: bytes, message_id: str, session: str | None, failed: int, error: Exception
    ) -> None:
        text = body[:10_000].decode("utf-8", "replace")
        event = Event(message_id, "unread", "", self._clock(), {"body": text})
        said = {"code": "EXEC_MESSAGE_UNREADABLE", "message": f"It cannot be read: {error}"}
        letter = DeadLetter(Delivery(event, lane_of(session), session, "", failed + 1), said)
        await self._letters.bury(letter, encode_event_whole(event), self._clock())


def hosted(held: Held) -> Delivery:
    """Leased by a host, which completes the message itself."""
    held.token = f"{HOSTED}{held.via.origin or ''}"
    return delivery(held)


def _given_up(why: str) -> LightningError:
    return LightningError(
        f"Service Bus gave it up: {why or 'it does not say why.'}",
        code="EXEC_DELIVERY_GIVEN_UP",
        hint="See what keeps workers from handling it, then replay it.",
    )


def _why_dead(message: ServiceBusReceivedMessage) -> str:
    said = message.dead_letter_reason, message.dead_letter_error_description
    return ": ".join(filter(None, said))
