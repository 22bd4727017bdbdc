"""The bus on a SQL database: log and queue in the same transactions."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from backend.bus import owning
from backend.bus.checks import check, position
from backend.bus.codec import (
    decode_commit,
    decode_event,
    encode_event,
    encode_small,
    refers,
    restored,
    restored_commit,
)
from backend.bus.followers import Followers
from backend.bus.settling import Desk, Encoded, events_of, lane_of, token
from backend.contracts.errors import NotFound, Unavailable
from backend.contracts.events import Event, utc_now
from backend.contracts.ports import (
    Blobs,
    Commit,
    DeadLetter,
    Delivery,
    History,
    Output,
    Settled,
    Settlement,
)
from backend.stores.database import Database
from backend.stores.documents import body_of, micros
from backend.stores.encoding import decode, encode

T = TypeVar("T")

FALLBACK_S = 1.0
"""How often a waiting receiver looks although nobody woke it."""

_WAITING = "SELECT 1 FROM messages WHERE epoch IS NULL AND due = 0 LIMIT 1"

_READY = """
SELECT seq, stream, attempt, body FROM messages AS m
WHERE epoch IS NULL AND due = 0 AND (stream IS NULL OR NOT (
  EXISTS (SELECT 1 FROM messages AS o WHERE o.stream = m.stream AND o.epoch < ?1)
  OR EXISTS (SELECT 1 FROM messages AS o WHERE o.stream = m.stream AND o.epoch > ?1)
  OR EXISTS (SELECT 1 FROM messages AS o WHERE o.stream = m.stream AND o.epoch IS NULL
             AND o.due > 0 AND o.attempt > 0)))
ORDER BY seq LIMIT ?2
"""


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
        self._name = owning.Name(database.locks, owner)
        self._clock = clock
        self._lease_s = lease_s
        self._wake = asyncio.Event()
        self._followers = Followers()
        self._orphans: deque[Delivery] = deque()
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self.owner = ""
        self.epoch = 0
        self._alive_until = 0

    async def start(self) -> None:
        self.owner = self._name.take()
        try:
            now, until = self._now(), self._until()
            self.epoch = await self._database.write(
                lambda connection: owning.begin(connection, self.owner, now, until)
            )
        except BaseException:
            self._name.give_back()
            raise
        self._alive_until = until
        self._database.on_elsewhere(self._look_again)
        self._spawn(self._stay_alive())

    async def close(self) -> None:
        """End followers and receivers; give back what is leased, for others to take at once."""
        if self._closed:
            return
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._look_again()
        with contextlib.suppress(Unavailable):
            await self._database.write(lambda connection: owning.free(connection, self.epoch))
        self._name.give_back()

    # --- delivery ---------------------------------------------------------------------------------

    async def publish(self, outputs: Sequence[Output]) -> None:
        check(outputs)
        events = await self._encoded(output.event for output in outputs)

        def job(connection: sqlite3.Connection) -> None:
            desk = self._desk(connection, 0)
            desk.look_at_outputs(outputs)
            desk.queue(outputs, events)
            desk.write()

        await self._database.write(job)
        self._wake.set()

    async def receive(self, limit: int) -> Sequence[Delivery]:
        while not self._closed:
            if self._orphans:
                return [self._orphans.popleft() for _ in range(min(limit, len(self._orphans)))]
            # Cleared before looking: what is published from now on wakes us again.
            self._wake.clear()
            found, next_due = await self._kept_safe(self._lease(limit))
            if found:
                return found
            if not self._orphans:
                await self._rest(next_due)
        raise Unavailable("The bus is closed.")

    async def _lease(self, limit: int) -> tuple[list[Delivery], int | None]:
        now, epoch = self._now(), self.epoch

        def job(connection: sqlite3.Connection) -> tuple[list[Any], int | None]:
            self._revive(connection)
            connection.execute(
                "UPDATE messages SET due = 0 WHERE epoch IS NULL AND due > 0 AND due <= ?", (now,)
            )
            rows = connection.execute(_READY, (epoch, limit)).fetchall()
            if not rows:
                (due,) = connection.execute(
                    "SELECT min(due) FROM messages WHERE epoch IS NULL AND due > 0"
                ).fetchone()
                return [], due
            connection.execute(
                "UPDATE messages SET epoch = ?, attempt = attempt + 1 "
                "WHERE seq IN (SELECT value FROM json_each(?))",
                (epoch, encode([row[0] for row in rows]).decode()),
            )
            return rows, None

        rows, next_due = await self._database.write(job)
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
        """The delivery with its large values; None, and a dead letter, when one is gone."""
        try:
            return replace(delivery, event=await restored(delivery.event, self._blobs))
        except NotFound:
            error = {"code": "EXEC_BLOB_MISSING", "message": "A stored value is gone."}
            await self.settle([Settlement(dead=(DeadLetter(delivery, error),))])
            return None

    async def _rest(self, next_due: int | None) -> None:
        rest = FALLBACK_S
        if next_due is not None:
            rest = min(rest, max(0.0, (next_due - self._now()) / owning.MICROS))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest):
                await self._wake.wait()

    async def settle(self, settlements: Sequence[Settlement], keep: int = 0) -> Sequence[Settled]:
        for settlement in settlements:
            check(settlement.outputs)
        return await self._kept_safe(self._settle(settlements, keep))

    async def _settle(self, settlements: Sequence[Settlement], keep: int) -> Sequence[Settled]:
        events = await self._encoded(events_of(settlements))
        bodies = {
            id(document): body_of(document)
            for settlement in settlements
            for document in settlement.documents
        }
        encoded = Encoded(settlements, events, bodies)

        def job(connection: sqlite3.Connection) -> tuple[list[Settled], bool]:
            if keep:
                self._revive(connection)
            desk = self._desk(connection, keep)
            desk.look(settlements)
            settled = [desk.settle(settlement, encoded) for settlement in settlements]
            desk.write()
            return settled, connection.execute(_WAITING).fetchone() is not None

        settled, waiting = await self._database.write(job)
        # Looking for work costs a transaction: only when there is some, or a new due time.
        if waiting or any(o.due is not None for s in settlements for o in s.outputs):
            self._wake.set()
        self._announce(settlements, settled)
        return settled

    def _announce(self, settlements: Sequence[Settlement], settled: Sequence[Settled]) -> None:
        for settlement, result in zip(settlements, settled, strict=True):
            if result.outcome == "ok":
                for commit in settlement.commits:
                    self._followers.changed(commit.stream)

    async def claim(self, delivery: Delivery, key: str, outputs: Sequence[Output] = ()) -> bool:
        """A claim is forgotten when the stream of its delivery, or else of its first output, is
        pruned. A lost lease claims nothing."""
        check(outputs)
        events = await self._encoded(output.event for output in outputs)
        stream = delivery.stream or next((o.stream for o in outputs if o.stream), None)

        def job(connection: sqlite3.Connection) -> bool:
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

        claimed = await self._database.write(job)
        if claimed and outputs:
            self._wake.set()
        return claimed

    async def release(self, delivery: Delivery, delay_s: float) -> None:
        due = self._now() + int(delay_s * owning.MICROS) if delay_s > 0 else 0

        def job(connection: sqlite3.Connection) -> None:
            desk = self._desk(connection, 0)
            desk.look([Settlement(acks=(delivery,))])
            if desk.holds(delivery):
                connection.execute(
                    "UPDATE messages SET epoch = NULL, due = ? WHERE event_id = ?",
                    (due, delivery.event.id),
                )

        await self._database.write(job)
        self._wake.set()

    # --- log --------------------------------------------------------------------------------------

    async def decided(self, stream: str, event_id: str) -> bool:
        def query(connection: sqlite3.Connection) -> bool:
            row = connection.execute(
                "SELECT 1 FROM log WHERE cause_id = ? AND stream = ?", (event_id, stream)
            ).fetchone()
            return row is not None

        return await self._database.read(query)

    async def history(self, stream: str, cursor: str | None = None, limit: int = 1000) -> History:
        start = position(cursor)
        commits = await self._database.read(lambda c: _commits(c, stream, start, limit))
        return await self._as_history(commits, start)

    async def follow(
        self, streams: Mapping[str, str | None]
    ) -> AsyncGenerator[Mapping[str, History], None]:
        positions = {stream: position(cursor) for stream, cursor in streams.items()}
        follower = self._followers.add(streams)
        try:
            while not self._closed:
                changed = await follower.next_changed()
                if self._closed:
                    return
                news = await self._news({stream: positions[stream] for stream in changed})
                positions |= {stream: int(history.cursor) for stream, history in news.items()}
                follower.changed.update(
                    stream for stream, history in news.items() if len(history.commits) == PAGE
                )
                if news:
                    yield news
        finally:
            self._followers.remove(follower)

    async def _news(self, positions: Mapping[str, int]) -> dict[str, History]:
        def query(connection: sqlite3.Connection) -> dict[str, list[Commit]]:
            read = {
                stream: _commits(connection, stream, start, PAGE)
                for stream, start in positions.items()
            }
            return {stream: commits for stream, commits in read.items() if commits}

        read = await self._database.read(query)
        return {
            stream: await self._as_history(commits, positions[stream])
            for stream, commits in read.items()
        }

    async def _as_history(self, commits: Sequence[Commit], start: int) -> History:
        whole = [
            await restored_commit(commit, self._blobs)
            if refers(commit.cause) or any(map(refers, commit.outputs))
            else commit
            for commit in commits
        ]
        return History(tuple(whole), str(whole[-1].position + 1 if whole else start))

    # --- dead letters, retention ------------------------------------------------------------------

    async def dead_letters(self, limit: int = 100) -> Sequence[DeadLetter]:
        def query(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(
                "SELECT stream, attempt, body, error FROM dead ORDER BY died DESC LIMIT ?", (limit,)
            ).fetchall()

        letters = []
        for stream, attempt, body, error in await self._database.read(query):
            event = decode_event(body)
            if refers(event):
                with contextlib.suppress(NotFound):
                    event = await restored(event, self._blobs)
            letters.append(
                DeadLetter(Delivery(event, lane_of(stream), stream, "", attempt), decode(error))
            )
        return letters

    async def replay(self, event_id: str) -> bool:
        def job(connection: sqlite3.Connection) -> bool:
            queued = connection.execute(
                "INSERT INTO messages (event_id, stream, due, attempt, body) "
                "SELECT event_id, stream, 0, 0, body FROM dead WHERE event_id = ? "
                "ON CONFLICT DO NOTHING",
                (event_id,),
            ).rowcount
            connection.execute("DELETE FROM dead WHERE event_id = ?", (event_id,))
            return queued > 0

        replayed = await self._database.write(job)
        self._wake.set()
        return replayed

    async def prune(self, streams: Sequence[str]) -> None:
        for stream in streams:
            await self._database.write(partial(_forget, stream))

    # --- this process -----------------------------------------------------------------------------

    async def _encoded(self, events: Iterable[Event]) -> dict[int, bytes]:
        """The JSON of each event, by its identity: an output of a commit is sent as the same object."""
        encoded: dict[int, bytes] = {}
        for event in events:
            if id(event) not in encoded:
                small = encode_small(event)
                if small is None:
                    small = await encode_event(event, self._blobs)
                encoded[id(event)] = small
        return encoded

    def _desk(self, connection: sqlite3.Connection, keep: int) -> Desk:
        return Desk(connection, self.epoch, self._now(), keep)

    def _now(self) -> int:
        return micros(self._clock())

    def _until(self) -> int:
        return self._now() + int(self._lease_s * owning.MICROS)

    def _look_again(self) -> None:
        self._wake.set()
        self._followers.anything_changed()

    def _revive(self, connection: sqlite3.Connection) -> None:
        """After a long pause others may have given this process up; leases need its row."""
        if self._now() >= self._alive_until:
            owning.stay(connection, self.owner, self.epoch, self._until())

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            now, until = self._now(), self._until()

            def job(connection: sqlite3.Connection, now: int = now, until: int = until) -> bool:
                owning.stay(connection, self.owner, self.epoch, until)
                return owning.free_expired(connection, now)

            try:
                freed = await self._database.write(job)
            except Unavailable:
                continue
            self._alive_until = until
            if freed:
                self._wake.set()

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

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


PAGE = 1000


def _commits(connection: sqlite3.Connection, stream: str, start: int, limit: int) -> list[Commit]:
    rows = connection.execute(
        "SELECT position, body FROM log WHERE stream = ? AND position >= ? "
        "ORDER BY position LIMIT ?",
        (stream, start, limit),
    )
    return [decode_commit(stream, position, body) for position, body in rows]


def _forget(stream: str, connection: sqlite3.Connection) -> None:
    for table in ("log", "claims", "messages", "dead"):
        connection.execute(f"DELETE FROM {table} WHERE stream = ?", (stream,))
