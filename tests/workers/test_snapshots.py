"""Long streams in workers: what they settle brings snapshots along, and they go on behind them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.bus.memory import MemoryBus
from backend.contracts.events import EVENT_TYPES, Event, utc_now
from backend.contracts.ports import Bus, Delivery, Output
from backend.contracts.schedules import Schedule
from backend.drivers import snapshots
from backend.drivers.schedules import ScheduleDecider
from backend.drivers.threads import ThreadDecider
from backend.drivers.turn import commits_of
from backend.processor import Processor
from backend.stores.memory import MemoryStore
from backend.workers.deciding import decide, load
from backend.workers.streams import Pending, Stream
from backend.workers.worker import Worker
from tests.workers.engine import step
from tests.workers.test_worker import sqlite_engine

STREAM = "thread:t"


def news(number: int) -> Event:
    return Event(f"news {number}", "thread.updated", "alice", utc_now(), {"thread_id": "t"})


async def publish(bus: Bus, *numbers: int) -> None:
    lane = EVENT_TYPES["thread.updated"].lane
    await bus.publish([Output(news(n), lane, STREAM) for n in numbers])


async def until(bus: Bus, position: int) -> None:
    async with contextlib.aclosing(bus.follow({STREAM: None})) as feed:
        async for told in feed:
            if told[STREAM].commits[-1].position + 1 >= position:
                return


@contextlib.asynccontextmanager
async def at_work(bus: MemoryBus, store: MemoryStore) -> AsyncIterator[None]:
    task = asyncio.create_task(Worker(bus, store, Processor([ThreadDecider()], [], utc_now)).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_stream_that_grows_is_opened_by_others_from_its_snapshot_on() -> None:
    store = MemoryStore()
    bus = MemoryBus(store)
    async with at_work(bus, store):
        await publish(bus, *range(1300))
        await until(bus, 1300)
    opened = await snapshots.read(bus, store, ThreadDecider(), STREAM)
    assert 1000 <= opened.skipped < 1300
    other = bus.sibling()
    async with at_work(other, store):
        await publish(other, *range(1300, 1310))
        await until(other, 1310)
    causes = [commit.cause.id for commit in await commits_of(bus, STREAM)]
    assert causes == [f"news {n}" for n in range(1310)]


async def test_what_stands_before_the_snapshot_is_not_decided_again() -> None:
    store = MemoryStore()
    bus = MemoryBus(store)
    async with at_work(bus, store):
        await publish(bus, *range(600))
        await until(bus, 600)
    stream = Stream(STREAM, ThreadDecider())
    seen = await load(bus, store, stream, [news(n) for n in (3, 599, 600)])
    assert seen == {"news 3", "news 599"}
    assert stream.position == 600


def test_a_snapshot_is_due_once_there_are_enough_commits_more() -> None:
    processor = Processor([ThreadDecider()], [], utc_now)
    stream = Stream(STREAM, ThreadDecider(), state="alice", position=499, snapshot_due=500)
    pending = Pending(news(1), Delivery(news(1), "stream", STREAM, ""))
    settlement, _ = decide(processor, stream, [pending])
    (document,) = settlement.documents
    assert (document.kind, document.id, document.position) == ("snapshot", STREAM, 499)
    assert stream.snapshot_due == 1000
    stream.position = 500
    settlement, _ = decide(processor, stream, [pending])
    assert settlement.documents == ()


def test_a_stream_that_has_ended_needs_none() -> None:
    processor = Processor([ScheduleDecider()], [], utc_now)
    ended = Schedule("s", "p", "h", "alice", {}, status="ended")
    stream = Stream("schedule:s", ScheduleDecider(), ended, position=499, snapshot_due=500)
    late = Event("late", "schedule.due", "alice", utc_now(), {"schedule_id": "s"})
    pending = Pending(late, Delivery(late, "stream", stream.name, ""))
    settlement, _ = decide(processor, stream, [pending])
    assert settlement.documents == ()


async def test_a_run_goes_on_behind_its_snapshot_as_if_it_had_been_read_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 1)
    monkeypatch.setattr(snapshots, "SHORT", 1)
    async with sqlite_engine(tmp_path) as engine:
        engine.deeds.held["two"] = asyncio.Event()
        async with engine.working():
            await engine.start([step("one"), step("two", "one"), step("three", "two")])
            await engine.until_event("r1", "plan.step.completed")
    async with sqlite_engine(tmp_path) as again:
        opened = await snapshots.read(again.bus, again.store, again.runs, "run:r1")
        assert opened.skipped > 0
        async with again.working():
            state = await again.until("r1", "completed")
        await again.store.delete(snapshots.SNAPSHOT, "run:r1", "alice")
        whole = await snapshots.read(again.bus, again.store, again.runs, "run:r1")
    assert whole.skipped == 0
    assert whole.state.state == state
    assert (again.deeds.done["one"], again.deeds.done["three"]) == (0, 1)
