"""The bus on a SQL database: log and queue in the same transactions."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import (
    AsyncGenerator,
    Callable,
    Collection,
    Coroutine,
    Mapping,
    Sequence,
)
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from backend.bus.checks import check
from backend.bus.codec import decode_event, refers, restored
from backend.bus.encoded import Encoded, events_json, events_of
from backend.bus.leasing import Row, lease
from backend.bus.letters import Letters
from backend.bus.log import Log
from backend.bus.owning import Owner
from backend.bus.settling import READY, Desk, keys_of, lane_of, streams_of, token
from backend.contracts.errors import NotFound, Unavailable
from backend.contracts.events import utc_now
from backend.contracts.ports import (
    Blobs,
    DeadLetter,
    Delivery,
    History,
    Output,
    Settled,
    Settlement,
)
from backend.stores.database import Connection, Database, Job
from backend.stores.documents import body_of, micros

T = TypeVar("T")

MICROS = 1_000_000
FALLBACK_S = 1.0
"""How often a waiting receiver looks although nobody woke it."""


class SqlBus:
    """`Bus` on a `Database`. Every lease belongs to this process's boot: `owner` is its name (None:
    the first that is free), `lease_s` how long others wait for a sign of life before they take over
    what it leased. The next process of the same name takes over at once."""

    fuses = True

    def __init__(
        self,
        database: Database,
        *,
        blobs: Blobs,
        owner: str | None = None,
        clock: Callable[[], datetime] = utc_now,
        lease_s: float = 15.0,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._lease_s = lease_s
        self._owner = Owner(database, owner, clock, lease_s)
        self._log = Log(database, blobs)
        self._letters = Letters(database, blobs)
        self._wake = asyncio.Event()
        self._orphans: deque[Delivery] = deque()
        self._unread: deque[Delivery] = deque()
        self._resting = 0
        self._heart: asyncio.Task[None] | None = None
        self._closed = False

    async def start(self) -> None:
        await self._owner.begin()
        self._database.on_elsewhere(self._hear)
        self._heart = asyncio.create_task(self._stay_alive())

    @property
    def owner(self) -> str:
        """The name this process runs under."""
        return self._owner.name

    @property
    def epoch(self) -> int:
        return self._owner.epoch

    async def close(self) -> None:
        """End followers and receivers; give back what is leased, for others to take at once."""
        if self._closed or self._heart is None:
            return
        self._closed = True
        self._heart.cancel()
        await asyncio.wait([self._heart])
        self._wake.set()
        self._log.close()
        with contextlib.suppress(Unavailable):
            await self._owner.end()
        await self._owner.leave()

    # --- delivery ---------------------------------------------------------------------------------

    async def publish(self, outputs: Sequence[Output]) -> None:
        check(outputs)
        kept, _ = await self._kept_safe(self._publish(outputs))
        self._orphans.extend(kept)
        self._wake.set()

    async def _publish(self, outputs: Sequence[Output]) -> tuple[list[Delivery], None]:
        events = await events_json((output.event for output in outputs), self._blobs)
        keep = self._resting

        def job(connection: Connection) -> list[Delivery]:
            if keep:
                self._owner.revive(connection)
            desk = self._desk(connection, keep)
            desk.look_at_outputs(outputs)
            kept = desk.queue(outputs, events)
            desk.write()
            return kept

        return await self._write(job, partial(streams_of, outputs)), None

    async def receive(self, limit: int, *, work: bool = True) -> Sequence[Delivery]:
        while not self._closed:
            if self._unread:
                read, _ = await self._kept_safe(self._read_again())
                self._orphans.extend(read)
            if self._orphans:
                return [self._orphans.popleft() for _ in range(min(limit, len(self._orphans)))]
            # Cleared before looking: what is published from now on wakes us again.
            self._wake.clear()
            found, next_due = await self._kept_safe(self._lease(limit, work))
            if found:
                return found
            if not self._orphans:
                # What is published here meanwhile is leased to this receiver with its first commit.
                self._resting = limit if work else 0
                try:
                    await self._rest(next_due)
                finally:
                    self._resting = 0
        raise Unavailable("The bus is closed.")

    async def _lease(self, limit: int, work: bool) -> tuple[list[Delivery], int | None]:
        epoch = self._owner.epoch

        def job(connection: Connection) -> tuple[list[Row], int | None]:
            self._owner.revive(connection)
            return lease(connection, epoch, self._now(), limit, work=work)

        rows, next_due = await self._write(job)
        found = []
        for seq, stream, attempt, body in rows:
            event = decode_event(body)
            delivery = Delivery(
                event, lane_of(stream), stream, token(seq, epoch, attempt + 1), attempt + 1
            )
            if refers(event):
                whole = await self._with_contents(delivery)
                if whole is None:
                    continue
                delivery = whole
            found.append(delivery)
        return found, next_due

    async def _with_contents(self, delivery: Delivery) -> Delivery | None:
        """The delivery with its large values; None when it comes later, as one cannot be read now, or
        (then it is a dead letter) never, as one is gone or damaged."""
        try:
            return replace(delivery, event=await restored(delivery.event, self._blobs))
        except Unavailable:
            self._unread.append(delivery)
            return None
        except (NotFound, ValueError):
            error = {"code": "EXEC_BLOB_MISSING", "message": "A stored value is gone."}
            try:
                await self.settle([Settlement(dead=(DeadLetter(delivery, error),))])
            except Unavailable:
                self._unread.append(delivery)
            return None

    async def _read_again(self) -> tuple[list[Delivery], None]:
        """What could not be read is leased all the same: it is this process's to try again."""
        waiting = [self._unread.popleft() for _ in range(len(self._unread))]
        found = [await self._with_contents(delivery) for delivery in waiting]
        return [delivery for delivery in found if delivery is not None], None

    async def _rest(self, next_due: int | None) -> None:
        rest = FALLBACK_S
        if next_due is not None:
            rest = min(rest, max(0.0, (next_due - self._now()) / MICROS))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest):
                await self._wake.wait()

    async def settle(self, settlements: Sequence[Settlement], keep: int = 0) -> Sequence[Settled]:
        for settlement in settlements:
            check(settlement.outputs)
        return await self._kept_safe(self._settle(settlements, keep))

    async def _settle(self, settlements: Sequence[Settlement], keep: int) -> Sequence[Settled]:
        events = await events_json(events_of(settlements), self._blobs)
        bodies = {
            id(document): body_of(document)
            for settlement in settlements
            for document in settlement.documents
        }
        encoded = Encoded(events, bodies)

        def job(connection: Connection) -> tuple[list[Settled], bool]:
            if keep:
                self._owner.revive(connection)
            desk = self._desk(connection, keep)
            desk.look(settlements)
            settled = [desk.settle(settlement, encoded) for settlement in settlements]
            return settled, desk.write()

        settled, ready = await self._write(job, partial(keys_of, settlements))
        # Looking for work costs a transaction: only when there is some, or a new due time.
        if ready:
            self._wake.set()
        self._announce(settlements, settled)
        return settled

    def _announce(self, settlements: Sequence[Settlement], settled: Sequence[Settled]) -> None:
        for settlement, result in zip(settlements, settled, strict=True):
            if result.outcome == "ok":
                for commit in settlement.commits:
                    self._log.changed(commit.stream)

    async def claim(self, delivery: Delivery, key: str, outputs: Sequence[Output] = ()) -> bool:
        """A claim is forgotten when the stream of its delivery, or else of its first output, is
        pruned. A lost lease claims nothing."""
        check(outputs)
        events = await events_json((output.event for output in outputs), self._blobs)
        stream = delivery.stream or next((o.stream for o in outputs if o.stream), None)

        def job(connection: Connection) -> bool:
            desk = self._desk(connection, 0)
            desk.look([Settlement(acks=(delivery,), outputs=tuple(outputs))])
            if not desk.holds(delivery):
                return False
            claimed = connection.execute(
                "INSERT INTO claims (key, stream) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (key, stream),
            )
            if claimed.rowcount == 0:
                return False
            desk.queue(outputs, events)
            desk.write()
            return True

        claimed = await self._write(job, partial(streams_of, outputs))
        if claimed and outputs:
            self._wake.set()
        return claimed

    async def release(self, delivery: Delivery, delay_s: float) -> None:
        due = self._now() + int(delay_s * MICROS) if delay_s > 0 else 0

        def job(connection: Connection) -> None:
            desk = self._desk(connection, 0)
            desk.look([Settlement(acks=(delivery,))])
            if desk.holds(delivery):
                connection.execute(
                    "UPDATE messages SET epoch = NULL, due = ? WHERE event_id = ?",
                    (due, delivery.event.id),
                )
                connection.tell([READY])

        await self._write(job)
        self._wake.set()

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
        return self._log.follow(streams)

    # --- dead letters, retention ------------------------------------------------------------------

    async def dead_letters(self, limit: int = 100) -> Sequence[DeadLetter]:
        return await self._letters.list(limit)

    async def replay(self, event_id: str) -> bool:
        replayed = await self._letters.replay(event_id)
        self._wake.set()
        return replayed

    async def prune(self, streams: Sequence[str]) -> None:
        await self._log.forget(streams)

    # --- this process -----------------------------------------------------------------------------

    async def _write(self, job: Job[T], streams: Callable[[], set[str]] = set) -> T:
        """What this process has leased stays so until the job is done."""
        if self._database.dialect.alone:
            return await self._database.write(job)
        return await self._database.write(job, streams() | {self._owner.key})

    def _desk(self, connection: Connection, keep: int) -> Desk:
        return Desk(connection, self._owner.epoch, self._now(), keep)

    def _now(self) -> int:
        return micros(self._clock())

    def _hear(self, topics: Collection[str] | None) -> None:
        """Of other processes: what they committed to, and whether they leave something to be leased."""
        if topics is None or READY in topics:
            self._wake.set()
        if topics is None:
            self._log.anything_changed()
        else:
            for stream in topics:
                self._log.changed(stream)

    async def beat(self) -> None:
        """The sign of life, given by itself three times a lease; takes over what others lost."""
        if await self._owner.beat():
            self._wake.set()

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            with contextlib.suppress(Unavailable):
                await self.beat()

    async def _kept_safe(self, work: Coroutine[Any, Any, T]) -> T:
        """Finish `work` even if the caller is cancelled; leases nobody waits for any more go to the
        next receiver."""
        task = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._adopt)
            raise

    def _adopt(self, task: asyncio.Future[Any]) -> None:
        if task.cancelled() or task.exception() is not None:
            return
        result = task.result()
        if isinstance(result, tuple):
            self._orphans.extend(result[0])
        else:
            self._orphans.extend(delivery for settled in result for delivery in settled.kept)
        self._wake.set()
