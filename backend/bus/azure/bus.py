"""The bus on Azure: delivery by Service Bus, the log in Cosmos DB. Decision 15."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from backend.bus.azure.arrivals import Arrivals, hosted
from backend.bus.azure.completing import complete
from backend.bus.azure.following import Following
from backend.bus.azure.handlers import Background
from backend.bus.azure.inbox import Inbox
from backend.bus.azure.letters import Letters
from backend.bus.azure.log import Log
from backend.bus.azure.namespace import Namespace
from backend.bus.azure.parcels import Via, packed
from backend.bus.azure.probing import remarks_on
from backend.bus.azure.reception import Limits, Reception, Want
from backend.bus.azure.sending import Sending
from backend.bus.azure.settling import Documents, Settling, acknowledged
from backend.bus.azure.verifying import verify
from backend.bus.checks import check
from backend.bus.encoded import Encoded, events_json, events_of
from backend.bus.settling import lane_of
from backend.contracts.errors import Invalid, Unavailable
from backend.contracts.events import Event, utc_now
from backend.contracts.ports import (
    Blobs,
    DeadLetter,
    Delivery,
    History,
    Output,
    Remark,
    Settled,
    Settlement,
)
from backend.stores.azure.items import Items
from backend.stores.documents import body_of

HELD_S = 15.0
"""A released message of the work queue is kept here that long; later it is sent again, with a due time."""
PATIENCE_S = 5.0


class AzureBus:
    """`Bus` on a `Namespace` and the items of the log, whose account was started before; documents of
    settlements go to `store`.

    Log and delivery are two services: a settlement is appended, then sent, then completed.
    """

    fuses = False

    def __init__(
        self,
        namespace: Namespace,
        items: Items,
        store: Documents,
        *,
        blobs: Blobs,
        clock: Callable[[], datetime] = utc_now,
        idle_s: float = 2.0,
        most_streams: int = 64,
        senders: int = 2,
        look_s: float = 60.0,
    ) -> None:
        """`most_streams` are held at once, each with a connection of its own; `senders` each queue has at
        most. After `idle_s` without anybody to receive, others may have what is not leased. Each `look_s`
        what Service Bus itself gave up is looked for."""
        self._namespace = namespace
        self._blobs = blobs
        self._clock = clock
        self._closed = False
        self._background = Background()
        self._inbox = Inbox(clock)
        self._log = Log(items, blobs)
        self._letters = Letters(items, blobs)
        self._following = Following(self._log, lambda shown: self._settling.apply(shown))
        self._sending = Sending(namespace, blobs, self._background, clock, senders)
        self._settling = Settling(
            self._log,
            self._letters,
            store,
            self._inbox,
            send=self._sending.send,
            complete=partial(complete, self._inbox),
            changed=self._following.changed,
        )
        self._arrivals = Arrivals(
            self._letters, self._settling, blobs, self._inbox, self._sending.send_one
        )
        self._limits = Limits(idle_s, most_streams, look_s)
        self._reception = Reception(
            namespace, self._inbox, self._arrivals.arrived, self._background, self._limits
        )

    async def start(self) -> None:
        self._namespace.open()
        try:
            await verify(self._namespace)
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
        await self._sending.close()
        await self._background.ended(PATIENCE_S)
        await self._namespace.close()

    # --- out --------------------------------------------------------------------------------------

    async def publish(self, outputs: Sequence[Output]) -> None:
        self._check_open()
        check(outputs)
        events = await events_json((output.event for output in outputs), self._blobs)
        await self._sending.send([(output, events[id(output.event)]) for output in outputs], Via())

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

    async def delivery_of(
        self,
        body: bytes,
        *,
        message_id: str,
        session_id: str | None,
        delivery_count: int,
        given_up: str | None = None,
    ) -> Delivery | None:
        """A message that a host received, such as Azure Functions, which will complete it too; settling
        the delivery leaves that to the host. `delivery_count` is from 1; `given_up` says why, when it lay
        among the queue's own dead letters. None: it needs no handling any more."""
        held = await self._arrivals.look_at(
            body,
            message_id=message_id,
            session=session_id,
            failed=delivery_count - 1,
            given_up=given_up,
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
        settling = self._settling.settle_all(settlements, Encoded(events, bodies))
        # Finished even if the caller is cancelled: half a settlement is good for nobody.
        return await asyncio.shield(self._background.start(settling))

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
        await complete(self._inbox, held)

    # --- log --------------------------------------------------------------------------------------

    async def decided(self, stream: str, event_id: str) -> bool:
        return await self._log.decided(stream, event_id)

    async def history(self, stream: str, cursor: str | None = None, limit: int = 1000) -> History:
        return await self._log.history(stream, cursor, limit)

    async def head(self, stream: str) -> str:
        return await self._log.head(stream)

    def follow(
        self, streams: Mapping[str, str | None]
    ) -> AsyncGenerator[Mapping[str, History], None]:
        return self._following.follow(streams)

    # --- dead letters, retention ------------------------------------------------------------------

    async def dead_letters(self, limit: int = 100) -> Sequence[DeadLetter]:
        return await self._letters.list(limit)

    async def replay(self, event_id: str) -> bool:
        letter = await self._letters.read(event_id)
        if letter is None:
            return False
        event_json: bytes = letter["event"].encode()
        output = Output(Event(event_id, "", "", self._clock()), lane_of(letter["of"]), letter["of"])
        # Another message than the dead one, and the same one for whoever else replays it now.
        id = f"{event_id}~{letter['position']}"
        parcel = await packed(output, event_json, self._blobs, self._clock(), None, id)
        await self._sending.send_one(parcel)
        return await self._letters.unbury(letter)

    async def prune(self, streams: Sequence[str]) -> None:
        for stream in streams:
            await self._log.forget(stream)

    # --- this process -----------------------------------------------------------------------------

    async def examine(self) -> Sequence[Remark]:
        """What an operator should know of the queues, tried out on them. Raises `Unavailable`."""
        self._check_open()
        return await remarks_on(self._namespace, self._clock())

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The bus is closed.")


def _check_size(s: Settlement) -> None:
    acks = {delivery.event.id for delivery in acknowledged(s)}
    if len(acks) > 1 or len(s.commits) > 1 or s.undisturbed:
        raise Invalid("This bus takes one ack and one commit.", code="EXEC_SETTLEMENT_INVALID")
