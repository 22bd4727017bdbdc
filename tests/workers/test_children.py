"""Runs inside runs: started once, reported once, stopped with those that called them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend.bus.memory import Faults, MemoryBus
from backend.contracts.runs import RunState
from backend.stores.memory import MemoryStore
from tests.workers.engine import Deeds, Engine, step
from tests.workers.test_worker import sqlite_engine


def call(name: str, slug: str, *on: str, **args: Any) -> dict[str, Any]:
    after = [f"step.{s}" for s in on] or ["go"]
    return {"name": name, "on": after, "action": f"plan.{slug}", "args": args}


def inner(name: str, *on: str, tool: str = "idempotent") -> dict[str, Any]:
    """A step whose deeds say in which run it was done."""
    return {**step(name, *on, tool=tool), "args": {"step": f"{name} by ${{inputs.by}}"}}


OUTER = [
    step("first", tool="idempotent"),
    call("one", "a", "first", by="one"),
    call("two", "a", "first", by="two"),
    call("three", "b", "one", "two"),
    step("last", "three", tool="idempotent", args={"step": "last ${three.what}"}),
]
A = [inner("x"), inner("y", "x")]
B = [call("deep", "a", by="deep"), inner("z", "deep")]
DONE = Counter(
    ["first", "last z by ", "z by "]
    + [f"{name} by {who}" for name in "xy" for who in ("one", "two", "deep")]
)
SOME = Faults(duplicate=0.3, reorder=0.3, lost_lease=0.1, crash=0.1, atomic=False)


@pytest.fixture(params=["sqlite", "memory", "faults 1", "faults 2", "faults 3"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    if request.param == "sqlite":
        async with sqlite_engine(tmp_path) as engine:
            yield engine
        return
    store, seed = MemoryStore(), int(request.param[-1]) if request.param[-1].isdigit() else 0
    bus = MemoryBus(store, faults=SOME if seed else None, seed=seed)
    yield Engine(bus, store, tmp_path, Deeds())
    await bus.close()


async def children(engine: Engine, run_id: str) -> list[RunState]:
    """All runs below this one."""
    state = await engine.until(run_id, "completed", "cancelled", "failed")
    found = []
    for each in state.steps.values():
        if each.child:
            below = await engine.until(each.child, "completed", "cancelled", "failed")
            found += [below, *await children(engine, each.child)]
    return found


async def test_each_call_is_one_run_whose_end_is_told_once_whatever_the_bus_does(
    engine: Engine,
) -> None:
    async with engine.working():
        await engine.start(OUTER, "r1", a=A, b=B)
        state = await engine.until("r1", "completed", "failed")
        below = await children(engine, "r1")
    assert (state.status, state.error) == ("completed", None)
    assert Counter(c.status for c in below) == {"completed": 4}
    # idempotent: a call may be repeated where its end was lost, never left out
    assert set(engine.deeds.done) == set(DONE)
    commits = await engine.commits("r1")
    reported = Counter(
        c.cause.data["step"] for c in commits if c.cause.type == "plan.step.completed"
    )
    assert reported == {"first": 1, "one": 1, "two": 1, "three": 1, "last": 1}
    for child in below:
        begun = [c for c in await engine.commits(child.run_id) if c.cause.type == "plan.execute"]
        assert len(begun) == 1


async def test_a_run_stopped_in_the_moment_it_calls_leaves_no_run_behind(engine: Engine) -> None:
    engine.deeds.held["x by one"] = asyncio.Event()  # never: it can only be stopped
    await engine.start([call("one", "a", by="one")], "r1", a=A)
    await engine.send("run.cancel", {"run_id": "r1"})
    async with engine.working():
        await engine.until("r1", "cancelled")
        (child,) = await children(engine, "r1")
    assert child.status == "cancelled"


async def test_one_that_takes_too_long_is_stopped_and_its_caller_told(tmp_path: Path) -> None:
    deeds = Deeds(held={"x by one": asyncio.Event()})
    async with sqlite_engine(tmp_path, deeds) as engine, engine.working():
        await engine.start([{**call("one", "a", by="one"), "timeout_s": 0.2}], "r1", a=A)
        state = await engine.until("r1", "failed")
        child = await engine.until(state.steps["one"].child, "cancelled")
    assert state.error is not None and state.error["code"] == "EXEC_TIMEOUT"
    assert "y" not in child.steps


async def test_what_no_approval_named_is_not_called(tmp_path: Path) -> None:
    async with sqlite_engine(tmp_path) as engine, engine.working():
        await engine.start([call("one", "unknown")], "r1", a=A)
        state = await engine.until("r1", "failed")
    assert state.error is not None and state.error["code"] == "EXEC_TOOL_UNKNOWN"


async def test_a_called_plan_that_is_gone_fails_its_step_instead_of_waiting_for_ever(
    tmp_path: Path,
) -> None:
    async with sqlite_engine(tmp_path) as engine, engine.working():
        gone = await engine.revision(A)
        await engine.store.delete("revision", f"{gone['plan_id']}:1", "alice")
        data = {
            "run_id": "r1",
            **await engine.revision([call("one", "a")]),
            "nested": {"plan.a": {**gone, "outputs": {}}},
        }
        await engine.send("plan.execute", data)
        state = await engine.until("r1", "failed")
        child = await engine.until(state.steps["one"].child, "failed")
    assert state.error is not None and state.error["code"] == "EXEC_REVISION_MISSING"
    assert child.parent is not None and child.parent["run_id"] == "r1"


class Killed(BaseException):
    """The process is gone."""


async def test_the_caller_hears_of_an_end_that_came_when_the_process_was_killed(
    tmp_path: Path,
) -> None:
    gone = asyncio.Event()
    async with sqlite_engine(tmp_path) as engine:
        decide = engine.processor.decide

        def killed(*args: Any) -> Any:
            if args[3].type == "plan.step.completed" and args[1] == "run:r1":
                gone.set()
                raise Killed
            return decide(*args)

        engine.processor.decide = killed  # type: ignore[method-assign]
        async with engine.working():
            await engine.start([call("one", "a", by="one")], "r1", a=A)
            await gone.wait()
    again = Deeds()
    async with sqlite_engine(tmp_path, again) as engine, engine.working():
        state = await engine.until("r1", "completed")
    assert state.steps["one"].output["what"] == "y by one"
    assert not again.done
