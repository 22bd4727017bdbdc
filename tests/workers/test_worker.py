"""The worker on every bus: runs end, effects happen once, and faults are borne."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from backend.bus.broker import Faults
from backend.bus.memory import MemoryBus
from backend.bus.sql import SqlBus
from backend.contracts.events import Event, utc_now
from backend.contracts.ports import Commit, Settlement
from backend.drivers.turn import fold
from backend.stores.folder import FolderBlobs
from backend.stores.memory import MemoryStore
from backend.stores.sql import SqlStore
from backend.stores.sqlite import Sqlite
from backend.workers.worker import Worker
from tests.workers.engine import Deeds, Engine, step

DIAMOND = [
    step("first"),
    *[step(f"m{i}", "first", tool=("pure", "idempotent", "effect")[i % 3]) for i in range(9)],
    step("last", *[f"m{i}" for i in range(9)], tool="effect"),
]


@contextlib.asynccontextmanager
async def sqlite_engine(folder: Path, deeds: Deeds | None = None) -> AsyncIterator[Engine]:
    database = Sqlite(folder / "lightning.db")
    await database.start()
    bus = SqlBus(database, blobs=FolderBlobs(folder / "blobs"), owner="one")
    await bus.start()
    try:
        yield Engine(bus, SqlStore(database), folder, deeds or Deeds())
    finally:
        await bus.close()
        await database.close()


@pytest.fixture(params=["sqlite", "memory", "not atomic"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    if request.param == "sqlite":
        async with sqlite_engine(tmp_path) as engine:
            yield engine
        return
    store = MemoryStore()
    bus = MemoryBus(store, faults=Faults(atomic=request.param == "memory"))
    yield Engine(bus, store, tmp_path, Deeds())
    await bus.close()


def step_events(commits: list[Commit], type: str) -> Counter[str]:
    allowed = [c for c in commits if c.verdict is None or c.verdict.allowed]
    return Counter(c.cause.data["step"] for c in allowed if c.cause.type == type)


async def test_a_run_ends_and_each_step_was_done_once(engine: Engine) -> None:
    async with engine.working():
        await engine.start(DIAMOND)
        state = await engine.until("r1", "completed", "failed")
    assert state.status == "completed"
    assert set(engine.deeds.done.values()) == {1}
    assert len(engine.deeds.done) == 11
    assert set(step_events(await engine.commits("r1"), "plan.step.completed").values()) == {1}


async def test_a_transient_failure_is_tried_again_and_a_lasting_one_is_not(engine: Engine) -> None:
    quick = {"delay_s": 0, "max_attempts": 3}
    async with engine.working():
        await engine.start([step("shaky", args={"fail": 2}, retry=quick)], "r1")
        await engine.start([step("broken", args={"fail": -1}, retry=quick)], "r2")
        shaky = await engine.until("r1", "completed", "failed")
        broken = await engine.until("r2", "completed", "failed")
    assert (shaky.status, shaky.steps["shaky"].attempt) == ("completed", 3)
    assert (broken.status, engine.deeds.done["broken"]) == ("failed", 1)
    assert broken.error is not None
    assert broken.error["code"] == "EXEC_TOOL_FAILED"


async def test_a_stopped_run_starts_nothing_more(engine: Engine) -> None:
    engine.deeds.held["slow"] = asyncio.Event()
    async with engine.working():
        await engine.start([step("slow"), step("after", "slow", tool="effect")])
        await engine.deeds.begun.wait()
        await engine.send("run.cancel", {"run_id": "r1"})
        state = await engine.until("r1", "cancelled")
        engine.deeds.held["slow"].set()
        await engine.start([step("other")], "r2")
        await engine.until("r2", "completed")
    assert state.status == "cancelled"
    assert engine.deeds.done["after"] == 0


async def test_an_event_of_somebody_else_is_denied_and_changes_nothing(engine: Engine) -> None:
    engine.deeds.held["slow"] = asyncio.Event()
    async with engine.working():
        await engine.start([step("slow")])
        await engine.deeds.begun.wait()
        await engine.send("run.cancel", {"run_id": "r1"}, user="mallory")
        await engine.until_event("r1", "event.denied")
        engine.deeds.held["slow"].set()
        state = await engine.until("r1", "completed", "cancelled")
    assert state.status == "completed"
    denied = [c for c in await engine.commits("r1") if c.verdict and not c.verdict.allowed]
    assert [c.outputs[0].type for c in denied] == ["event.denied"]


async def test_an_interrupted_effect_is_not_repeated_but_asked_about(tmp_path: Path) -> None:
    deeds = Deeds(held={"send": asyncio.Event()})
    async with sqlite_engine(tmp_path, deeds) as engine, engine.working():
        await engine.start([step("send", tool="effect"), step("after", "send")])
        await deeds.begun.wait()
    # The process is gone in the middle of the effect; the next one finds the claim.
    again = Deeds()
    async with sqlite_engine(tmp_path, again) as engine, engine.working():
        waiting = await engine.until("r1", "waiting")
        assert waiting.steps["send"].status == "unknown"
        assert again.done["send"] == 0
        answer = {"run_id": "r1", "step": "send", "answer": "happened"}
        await engine.send("run.answer", answer)
        state = await engine.until("r1", "completed")
    assert state.steps["after"].status == "done"
    assert again.done == Counter({"after": 1})


async def test_an_interrupted_pure_step_is_simply_done_again(tmp_path: Path) -> None:
    deeds = Deeds(held={"look": asyncio.Event()})
    async with sqlite_engine(tmp_path, deeds) as engine, engine.working():
        await engine.start([step("look")])
        await deeds.begun.wait()
    again = Deeds()
    async with sqlite_engine(tmp_path, again) as engine, engine.working():
        await engine.until("r1", "completed")
    assert again.done == Counter({"look": 1})


async def test_an_effect_that_times_out_is_unknown(tmp_path: Path) -> None:
    deeds = Deeds(held={"send": asyncio.Event()})
    async with sqlite_engine(tmp_path, deeds) as engine, engine.working():
        await engine.start([step("send", tool="effect", timeout_s=0.05)])
        state = await engine.until("r1", "waiting")
    assert state.steps["send"].status == "unknown"


async def test_an_effect_whose_tool_cannot_say_whether_it_happened_is_unknown(
    engine: Engine,
) -> None:
    async with engine.working():
        await engine.start([step("send", tool="effect", args={"fail": -2})])
        state = await engine.until("r1", "waiting", "failed")
    assert state.steps["send"].status == "unknown"


async def test_what_cannot_be_decided_stalls_its_run_in_sight_and_lets_others_go_on(
    tmp_path: Path,
) -> None:
    async with sqlite_engine(tmp_path) as engine, engine.working():
        await engine.start([step("one")], "good")
        await engine.until("good", "completed")
        engine.deeds.held["slow"] = asyncio.Event()
        await engine.start([step("slow")], "bad")
        # a fact that lacks what the engine needs of it, as only a fault of ours could send
        lacking = {"run_id": "bad", "step": "slow", "iteration": 1, "attempt": 1}
        await engine.send("plan.step.failed", lacking)
        await engine.start([step("two")], "other")
        await engine.until("other", "completed")
        await engine.until_event("bad", "run.stalled")
        letters = await engine.bus.dead_letters()
    assert [letter.delivery.event.type for letter in letters] == ["plan.step.failed"]


async def test_another_process_in_the_same_run_is_noticed_and_nothing_is_decided_twice(
    tmp_path: Path,
) -> None:
    engine_deeds = Deeds(held={"slow": asyncio.Event()})
    async with sqlite_engine(tmp_path, engine_deeds) as engine, engine.working():
        await engine.start([step("slow"), step("after", "slow")])
        await engine_deeds.begun.wait()
        commits = await engine.commits("r1")
        # what another decider would have written meanwhile
        foreign = Event("e" * 32, "run.answer", "alice", utc_now(), {"run_id": "r1", "step": "x"})
        await engine.bus.settle([Settlement(commits=(Commit("run:r1", len(commits), foreign),))])
        engine_deeds.held["slow"].set()
        state = await engine.until("r1", "completed")
    assert state.status == "completed"
    assert engine_deeds.done == Counter({"slow": 1, "after": 1})


@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("seed", range(12))
async def test_under_faults_nothing_is_lost_and_no_step_finishes_twice(
    seed: int, atomic: bool, tmp_path: Path
) -> None:
    faults = Faults(duplicate=0.1, reorder=0.2, lost_lease=0.05, crash=0.05, atomic=atomic)
    store = MemoryStore()
    bus = MemoryBus(store, faults=faults, seed=seed)
    engine = Engine(bus, store, tmp_path, Deeds())
    steps = [replace_tool(s, "idempotent") for s in DIAMOND]
    async with engine.working():
        for number in range(4):
            await engine.start(steps, f"r{number}")
        for number in range(4):
            state = await engine.until(f"r{number}", "completed", "failed", "stalled")
            assert state.status == "completed"
            commits = await engine.commits(f"r{number}")
            assert set(step_events(commits, "plan.step.completed").values()) == {1}
            assert [c.position for c in commits] == list(range(len(commits)))
            again = fold(engine.runs, await engine.runs.open("", commits, None), ())
            assert again.state == state
    await bus.close()


def replace_tool(wanted: dict[str, object], tool: str) -> dict[str, object]:
    return {**wanted, "action": f"test.{tool}"}


async def test_with_all_hands_full_a_run_can_still_be_stopped(tmp_path: Path) -> None:
    deeds = Deeds(held={"slow": asyncio.Event()})
    async with sqlite_engine(tmp_path, deeds) as engine:
        worker = asyncio.create_task(
            Worker(engine.bus, engine.store, engine.processor, max_parallel=1).run()
        )
        await engine.start([step("slow"), step("never", "slow")])
        await deeds.begun.wait()
        await engine.send("run.cancel", {"run_id": "r1"})
        await engine.until("r1", "cancelled")
        deeds.held["slow"].set()
        await engine.start([step("other")], "r2")
        await engine.until("r2", "completed")
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_a_draining_worker_ends_what_it_began_and_leaves_the_rest(tmp_path: Path) -> None:
    deeds = Deeds(held={"send": asyncio.Event()})
    async with sqlite_engine(tmp_path, deeds) as engine:
        worker = Worker(engine.bus, engine.store, engine.processor)
        running = asyncio.create_task(worker.run())
        await engine.start([step("send", tool="effect"), step("after", "send")])
        await deeds.begun.wait()
        draining = asyncio.create_task(worker.drain())
        await asyncio.sleep(0)
        deeds.held["send"].set()
        await draining
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert deeds.done == Counter({"send": 1})
    async with sqlite_engine(tmp_path, deeds) as engine, engine.working():
        state = await engine.until("r1", "completed", "waiting")
    assert state.status == "completed"
    assert deeds.done == Counter({"send": 1, "after": 1})


async def test_a_replayed_dead_letter_is_decided_after_all(tmp_path: Path) -> None:
    """The fault that killed it is mended by then; here, by a process that knows the event's type."""
    deeds = Deeds(held={"slow": asyncio.Event()})
    async with sqlite_engine(tmp_path, deeds) as engine:
        decide = engine.processor.decide

        def broken(*args: Any) -> Any:
            if args[3].type == "run.cancel":
                raise RuntimeError("a fault of ours")
            return decide(*args)

        engine.processor.decide = broken  # type: ignore[method-assign]
        async with engine.working():
            await engine.start([step("slow")])
            await deeds.begun.wait()
            await engine.send("run.cancel", {"run_id": "r1"})
            await engine.until("r1", "stalled")
            (letter,) = await engine.bus.dead_letters()
            engine.processor.decide = decide  # type: ignore[method-assign]
            assert await engine.bus.replay(letter.delivery.event.id)
            await engine.until("r1", "cancelled")
            assert await engine.bus.dead_letters() == []


async def test_a_settlement_that_cannot_be_written_stops_no_other(tmp_path: Path) -> None:
    async with sqlite_engine(tmp_path) as engine:
        settle = engine.bus.settle

        async def broken(settlements: Sequence[Settlement], keep: int = 0) -> Any:
            if any(s.acks and s.acks[0].event.data["run_id"] == "bad" for s in settlements):
                raise TypeError("not JSON")
            return await settle(settlements, keep)

        engine.bus.settle = broken  # type: ignore[method-assign]
        async with engine.working():
            await engine.start([step("one")], "bad")
            await engine.start([step("two")], "good")
            await engine.until("good", "completed")
