"""The bus on Azure: delivery by Service Bus, the log in Cosmos DB. Decision 15."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.exceptions import (
    MessageAlreadySettled,
    MessageLockLostError,
    SessionLockLostError,
)

from backend.bus.azure.arrivals import Arrivals, hosted
from backend.bus.azure.following import Following
from backend.bus.azure.inbox import Held, Inbox
from backend.bus.azure.log import Log
from backend.bus.azure.namespace import TROUBLE, Background, Namespace
from backend.bus.azure.outbox import Outbox
from backend.bus.azure.parcels import Parcel, Via, packed
from backend.bus.azure.reception import Reception, Want
from backend.bus.azure.settling import Documents, Settling, acknowledged, line_of
from backend.bus.azure.taps import Tap
from backend.bus.checks import check
from backend.bus.encoded import Encoded, events_json, events_of
from backend.bus.settling import lane_of
from backend.contracts.errors import Invalid, LightningError, Unavailable
from backend.contracts.events import Event, utc_now
from backend.contracts.ports import (
    Blobs,
    DeadLetter,
    Delivery,
    History,
    Output,
    Settled,
    Settlement,
)
from backend.stores.azure.items import Items
from backend.stores.documents import body_of

T = TypeVar("T")
log = structlog.get_logger()

HELD_S = 15.0
"""A released message of the work queue is kept here that long; later it is sent again, with a due time."""
PATIENCE_S = 5.0
LOST = (MessageLockLostError, SessionLockLostError, MessageAlreadySettled)


class AzureBus:
    """`Bus` on a `Namespace` and the items of the log; documents of settlements go to `store`.

    Log and delivery are two services: a settlement is appended, then sent, then completed.
    """

    fuses = False

    def __init__(
        self,
        namespace: Namespace,
        items: Callable[[], Items],
        store: Documents,
        *,
        blobs: Blobs,
        clock: Callable[[], datetime] = utc_now,
        idle_s: float = 2.0,
        most_streams: int = 64,
        senders: int = 2,
    ) -> None:
        """`most_streams` are held at once, each with a connection of its own; `senders` each queue has at
        most. After `idle_s` without anybody to receive, others may have what is not leased."""
        self._namespace = namespace
        self._items = items
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._background = Background()
        self._inbox = Inbox(clock)
        self._streams = Outbox(namespace, namespace.queue, self._background, senders)
        self._work = Outbox(namespace, namespace.work_queue, self._background, senders)
        self._reception = Reception(
            namespace,
            self._inbox,
            self._arrived,
            self._background,
            clock=clock,
            idle_s=idle_s,
            most_streams=most_streams,
        )
        self._answered: dict[int, tuple[Settlement, Settled]] = {}
        self._log: Log
        self._following: Following
        self._settling: Settling
        self._arrivals: Arrivals
        self._closed = False

    async def start(self) -> None:
        """The store's account is started before."""
        self._log = Log(self._items(), self._blobs)
        self._following = Following(self._log, lambda shown: self._settling.apply(shown))
        self._settling = Settling(
            self._log,
            self._store,
            self._inbox,
            send=self._send,
            complete=self._complete,
            changed=self._following.changed,
        )
        self._arrivals = Arrivals(
            self._log, self._settling, self._blobs, self._send_one, self._clock
        )
        self._namespace.open()
        try:
            await self._namespace.verify()
        except BaseException:
            await self._namespace.close()
            raise
        self._reception.start()

    async def close(self) -> None:
        """End followers and receivers; give back what is leased, for others to take at once."""
        if self._closed:
            return
        self._closed = True
        self._following.close()
        self._inbox.changed.set()
        await self._reception.close()
        await asyncio.gather(self._streams.close(), self._work.close())
        await self._background.ended(PATIENCE_S)
        await self._namespace.close()

    # --- out --------------------------------------------------------------------------------------

    async def publish(self, outputs: Sequence[Output]) -> None:
        self._check_open()
        check(outputs)
        events = await events_json((output.event for output in outputs), self._blobs)
        await self._send([(output, events[id(output.event)]) for output in outputs], Via())

    async def _send(self, outputs: Sequence[tuple[Output, bytes]], via: Via) -> None:
        now = self._clock()
        parcels = [
            await packed(output, event_json, self._blobs, now, via)
            for output, event_json in outputs
            if output.lane != "log"
        ]
        streams = [parcel for parcel in parcels if parcel.session is not None]
        work = [parcel for parcel in parcels if parcel.session is None]
        await asyncio.gather(self._streams.send(streams), self._work.send(work))

    # --- in ---------------------------------------------------------------------------------------

    async def receive(self, limit: int, *, work: bool = True) -> Sequence[Delivery]:
        with self._reception.wanting(Want(limit, work)):
            while True:
                self._check_open()
                self._inbox.changed.clear()
                found = self._inbox.take(limit, work=work)
                if found:
                    return found
                await self._rest()

    async def _rest(self) -> None:
        due = self._inbox.next_due()
        rest = None if due is None else max(0.0, (due - self._clock()).total_seconds())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest):
                await self._inbox.changed.wait()

    async def _arrived(self, tap: Tap, message: ServiceBusReceivedMessage) -> None:
        """Called by the tap alone, which does nothing else meanwhile."""
        body = b"".join(message.body)
        while tap.open:
            try:
                await self._take_in(tap, message, body)
                return
            except LightningError as error:
                log.warning("message.waits", error=error.message)
                await asyncio.sleep(0.5)

    async def _take_in(self, tap: Tap, message: ServiceBusReceivedMessage, body: bytes) -> None:
        held = await self._arrivals.look_at(
            body,
            message_id=message.message_id or "",
            session=message.session_id,
            failed=message.delivery_count or 0,
            unchecked=tap.unchecked,
        )
        if held is None:
            assert tap.receiver is not None
            with contextlib.suppress(*TROUBLE):
                await tap.receiver.complete_message(message)
            return
        tap.unchecked = False
        held.source, held.message = tap, message
        if message.locked_until_utc is not None:
            held.lock = message.locked_until_utc - self._clock()
        self._inbox.put(held)

    async def delivery_of(
        self, body: bytes, *, message_id: str, session_id: str | None, delivery_count: int
    ) -> Delivery | None:
        """A message that a host received, such as Azure Functions, which will complete it too; settling
        the delivery leaves that to the host. `delivery_count` is from 1. None: it needs no handling any
        more."""
        held = await self._arrivals.look_at(
            body, message_id=message_id, session=session_id, failed=delivery_count - 1
        )
        return None if held is None else hosted(held)

    # --- settle -----------------------------------------------------------------------------------

    async def settle(self, settlements: Sequence[Settlement], keep: int = 0) -> Sequence[Settled]:
        self._check_open()
        for settlement in settlements:
            check(settlement.outputs)
            _check_size(settlement)
        events = await events_json(events_of(settlements), self._blobs)
        bodies = {
            id(document): body_of(document)
            for settlement in settlements
            for document in settlement.documents
        }
        return await self._kept_going(self._settle(settlements, Encoded(events, bodies)))

    async def _settle(
        self, settlements: Sequence[Settlement], encoded: Encoded
    ) -> Sequence[Settled]:
        lines: dict[str, list[Settlement]] = {}
        for settlement in settlements:
            lines.setdefault(line_of(settlement), []).append(settlement)
        answers = await asyncio.gather(
            *(self._settle_line(line, encoded) for line in lines.values()), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [self._answered.pop(id(settlement))[1] for settlement in settlements]

    async def _settle_line(self, line: Sequence[Settlement], encoded: Encoded) -> None:
        """What is answered is remembered until all are: a caller who hears `Unavailable` asks again, and
        what was done then must not look lost."""
        for settlement in line:
            if id(settlement) not in self._answered:
                settled = await self._settling.settle(settlement, encoded)
                self._answered[id(settlement)] = (settlement, settled)

    async def _complete(self, held: Held) -> None:
        """Acknowledge, if that can be: what was settled is so, and is found done if it comes again."""
        self._inbox.done(held)
        tap, message = held.source, held.message
        if isinstance(tap, Tap) and message is not None:
            with contextlib.suppress(*LOST, TimeoutError, LightningError):
                async with asyncio.timeout(PATIENCE_S):
                    await self._complete_patiently(tap, message)
            tap.nudge()

    async def _complete_patiently(self, tap: Tap, message: ServiceBusReceivedMessage) -> None:
        while True:
            try:
                return await tap.call(lambda receiver: receiver.complete_message(message))
            except LOST:
                raise
            except TROUBLE:
                await asyncio.sleep(0.2)

    async def claim(self, delivery: Delivery, key: str, outputs: Sequence[Output] = ()) -> bool:
        """A claim is forgotten when the stream of its delivery, or else of its first output, is
        pruned. A lost lease claims nothing."""
        self._check_open()
        check(outputs)
        if self._inbox.held(delivery) is None or await self._log.claimed(key):
            return False
        # Sent before it is claimed: cut off in between, it is sent again, and is the same.
        await self.publish(outputs)
        stream = delivery.stream or next((o.stream for o in outputs if o.stream), None)
        return await self._log.claim(key, stream)

    async def release(self, delivery: Delivery, delay_s: float) -> None:
        """A stream's message is held back here, with its session, so that nobody overtakes it."""
        held = self._inbox.held(delivery)
        if held is None:
            return
        if held.stream is not None or (held.source is not None and delay_s <= HELD_S):
            if held.source is not None:
                self._inbox.give_back(held, delay_s)
            return
        await self._arrivals.again(held, delay_s)
        await self._complete(held)

    async def _send_one(self, parcel: Parcel) -> None:
        await (self._work if parcel.session is None else self._streams).send([parcel])

    # --- log --------------------------------------------------------------------------------------

    async def decided(self, stream: str, event_id: str) -> bool:
        return await self._log.decided(stream, event_id)

    async def history(self, stream: str, cursor: str | None = None, limit: int = 1000) -> History:
        return await self._log.history(stream, cursor, limit)

    def follow(
        self, streams: Mapping[str, str | None]
    ) -> AsyncGenerator[Mapping[str, History], None]:
        return self._following.follow(streams)

    # --- dead letters, retention ------------------------------------------------------------------

    async def dead_letters(self, limit: int = 100) -> Sequence[DeadLetter]:
        return await self._log.letters(limit)

    async def replay(self, event_id: str) -> bool:
        letter = await self._log.letter(event_id)
        if letter is None:
            return False
        event_json: bytes = letter["event"].encode()
        output = Output(Event(event_id, "", "", self._clock()), lane_of(letter["of"]), letter["of"])
        # Another message than the dead one, and the same one for whoever else replays it now.
        id = f"{event_id}~{letter['position']}"
        parcel = await packed(output, event_json, self._blobs, self._clock(), None, id)
        await self._send_one(parcel)
        return await self._log.unbury(letter)

    async def prune(self, streams: Sequence[str]) -> None:
        for stream in streams:
            await self._log.forget(stream)

    # --- this process -----------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The bus is closed.")

    async def _kept_going(self, work: Coroutine[Any, Any, T]) -> T:
        """Finish `work` even if the caller is cancelled: half a settlement is good for nobody."""
        return await asyncio.shield(self._background.start(work))


def _check_size(s: Settlement) -> None:
    acks = {delivery.event.id for delivery in acknowledged(s)}
    if len(acks) > 1 or len(s.commits) > 1 or s.undisturbed:
        raise Invalid("This bus takes one ack and one commit.", code="EXEC_SETTLEMENT_INVALID")
