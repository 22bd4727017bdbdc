"""The SQL bus against the in-memory one as its model: the same acts, the same answers."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.bus.memory import MemoryBus
from backend.bus.sql import SqlBus
from backend.contracts.events import Event
from backend.contracts.ports import (
    Bus,
    Commit,
    DeadLetter,
    Delivery,
    Document,
    Output,
    Settled,
    Settlement,
)
from backend.stores.database import Database
from backend.stores.folder import FolderBlobs
from backend.stores.memory import MemoryStore
from backend.stores.postgres import Postgres
from backend.stores.sql import SqlStore
from backend.stores.sqlite import Sqlite
from tests import postgres
from tests.conformance.adapters import receive_all

NOW = datetime(2026, 3, 29, tzinfo=UTC)
STREAMS = ("a", "b")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Player:
    """Plays one list of acts on one bus and writes down all it could observe."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.bus = bus
        self.clock = clock
        self.held: list[Delivery] = []
        self.all: list[Delivery] = []
        self.seen: list[Any] = []

    async def play(self, acts: Sequence[tuple[Any, ...]]) -> list[Any]:
        for act, *args in acts:
            await getattr(self, act)(*args)
        for stream in STREAMS:
            history = await self.bus.history(stream)
            self.seen.append([(c.position, c.cause.id) for c in history.commits])
        self.seen.append(sorted(d.delivery.event.id for d in await self.bus.dead_letters()))
        return self.seen

    def output(self, number: int, stream: str | None, delay: int) -> Output:
        event = Event(f"event-{number}", "thing.asked", "ann", NOW, {"n": number})
        due = self.clock.now + timedelta(seconds=delay) if delay else None
        return Output(event, "work" if stream is None else "stream", stream, due)

    def pick(self, number: int) -> Delivery | None:
        """Any delivery so far, also one that is settled or lost already."""
        return self.all[number % len(self.all)] if self.all else None

    async def publish(self, number: int, stream: str | None, delay: int) -> None:
        await self.bus.publish([self.output(number, stream, delay)])

    async def receive(self) -> None:
        found = await receive_all(self.bus)
        self.all += found
        self.seen.append([(d.event.id, d.stream, d.attempt) for d in found])

    async def advance(self, seconds: int) -> None:
        self.clock.now += timedelta(seconds=seconds)

    async def release(self, number: int, delay: int) -> None:
        if delivery := self.pick(number):
            await self.bus.release(delivery, delay)

    async def claim(self, number: int, key: int) -> None:
        if delivery := self.pick(number):
            self.seen.append(await self.bus.claim(delivery, f"key-{key}"))

    async def bury(self, number: int) -> None:
        if delivery := self.pick(number):
            await self._settle(Settlement(dead=(DeadLetter(delivery, {"code": "X"}),)))

    async def replay(self, number: int) -> None:
        self.seen.append(await self.bus.replay(f"event-{number}"))

    async def settle(
        self,
        number: int,
        stream: str,
        off: int,
        out: int,
        out_stream: str | None,
        alone: bool,
        keep: int,
    ) -> None:
        delivery = self.pick(number)
        if delivery is None:
            return
        head = len((await self.bus.history(stream)).commits)
        output = self.output(out, out_stream, 0)
        commit = Commit(stream, max(0, head + off), delivery.event, (output.event,))
        document = Document("run", stream, "ann", {"n": number}, position=head)
        alone_in = (stream,) if alone else ()
        await self._settle(
            Settlement((delivery,), (commit,), (output,), (document,), (), alone_in), keep
        )

    async def _settle(self, settlement: Settlement, keep: int = 0) -> None:
        (settled,) = await self.bus.settle([settlement], keep)
        self.note(settled)

    def note(self, settled: Settled) -> None:
        self.all += settled.kept
        self.seen.append((settled.outcome, [(d.event.id, d.attempt) for d in settled.kept]))


events = st.integers(0, 7)
streams = st.sampled_from(STREAMS)
lanes = st.sampled_from((*STREAMS, None))
picks = st.integers(0, 50)
acts = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), events, lanes, st.sampled_from([0, 0, 5])),
        st.tuples(st.just("receive")),
        st.tuples(st.just("receive")),
        st.tuples(st.just("advance"), st.sampled_from([1, 6])),
        st.tuples(st.just("release"), picks, st.sampled_from([0, 5])),
        st.tuples(st.just("claim"), picks, st.integers(0, 2)),
        st.tuples(st.just("bury"), picks),
        st.tuples(st.just("replay"), events),
        st.tuples(
            st.just("settle"),
            picks,
            streams,
            st.sampled_from([0, 0, 0, 1, -1]),
            events,
            lanes,
            st.booleans(),
            st.integers(0, 1),
        ),
    ),
    min_size=3,
    max_size=25,
)


async def on_sqlite(played: Sequence[tuple[Any, ...]]) -> tuple[list[Any], list[Any]]:
    with tempfile.TemporaryDirectory() as folder:
        return await on_sql(Sqlite(Path(folder) / "lightning.db"), Path(folder), played)


async def on_postgres(played: Sequence[tuple[Any, ...]]) -> tuple[list[Any], list[Any]]:
    with tempfile.TemporaryDirectory() as folder, postgres.database() as url:
        return await on_sql(Postgres(url), Path(folder), played)


async def on_sql(
    database: Database, folder: Path, played: Sequence[tuple[Any, ...]]
) -> tuple[list[Any], list[Any]]:
    clock = Clock()
    await database.start()
    bus = SqlBus(database, blobs=FolderBlobs(folder / "blobs"), clock=clock)
    await bus.start()
    seen = await Player(bus, clock).play(played)
    page = await SqlStore(database).list("run", owner="ann")
    await bus.close()
    await database.close()
    return seen, [(d.id, d.body, d.position) for d in page.items]


async def in_memory(played: Sequence[tuple[Any, ...]]) -> tuple[list[Any], list[Any]]:
    clock, store = Clock(), MemoryStore()
    seen = await Player(MemoryBus(store, clock=clock), clock).play(played)
    page = await store.list("run", owner="ann")
    return seen, [(d.id, d.body, d.position) for d in page.items]


@given(acts)
@settings(max_examples=80, deadline=None)
def test_sqlite_and_memory_answer_alike(played: Sequence[tuple[Any, ...]]) -> None:
    assert asyncio.run(on_sqlite(played)) == asyncio.run(in_memory(played))


@given(acts)
@settings(max_examples=15, deadline=None)
def test_postgresql_and_memory_answer_alike(played: Sequence[tuple[Any, ...]]) -> None:
    assert asyncio.run(on_postgres(played)) == asyncio.run(in_memory(played))
