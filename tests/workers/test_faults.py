"""What the worker does when the bus, a decider or a stream lets it down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.contracts.errors import Retry, Unavailable
from backend.contracts.ports import Delivery, History, Settlement
from tests.workers.engine import Deeds, Engine, step
from tests.workers.test_worker import sqlite_engine


async def test_work_that_could_not_be_given_back_at_once_is_not_lost(tmp_path: Path) -> None:
    async with sqlite_engine(tmp_path) as engine:
        work, release = engine.processor.work, engine.bus.release
        troubles: list[BaseException] = [Retry(0), Unavailable("The disk is full.")]

        async def once(delivery: Delivery) -> Any:
            if len(troubles) == 2:
                raise troubles.pop(0)
            return await work(delivery)

        async def full(delivery: Delivery, delay_s: float) -> None:
            if troubles:
                raise troubles.pop()
            await release(delivery, delay_s)

        engine.processor.work = once  # type: ignore[method-assign]
        engine.bus.release = full  # type: ignore[method-assign]
        async with engine.working():
            await engine.start([step("one")])
            state = await engine.until("r1", "completed")
    assert (state.status, troubles) == ("completed", [])


async def test_work_that_breaks_is_tried_again_and_what_breaks_too_often_is_a_dead_letter(
    tmp_path: Path,
) -> None:
    async with sqlite_engine(tmp_path) as engine:
        _given_back_at_once(engine)

        async def broken(delivery: Delivery) -> Any:
            raise RuntimeError("a fault of ours")

        engine.processor.work = broken  # type: ignore[method-assign]
        async with engine.working():
            await engine.start([step("one")])
            state = await engine.until("r1", "failed")
            (letter,) = await engine.bus.dead_letters()
    assert state.error is not None and "a fault of ours" in state.error["message"]
    assert (letter.delivery.event.type, letter.delivery.attempt) == ("plan.step.execute", 5)


async def test_what_is_sent_to_a_run_that_does_not_exist_holds_nobody_up(tmp_path: Path) -> None:
    async with sqlite_engine(tmp_path) as engine:
        for number in range(3):
            await engine.send("run.cancel", {"run_id": "r1", "n": number}, user="mallory")
        await engine.start([step("one")])
        async with engine.working():
            state = await engine.until("r1", "completed", "cancelled")
            letters = await engine.bus.dead_letters()
        commits = await engine.commits("r1")
    assert (state.status, state.owner) == ("completed", "alice")
    assert [(x.delivery.event.user_id, x.delivery.attempt) for x in letters] == [("mallory", 1)] * 3
    assert {commit.cause.user_id for commit in commits} == {"alice"}


async def test_a_run_whose_beginning_cannot_be_decided_says_so_and_begins_when_replayed(
    tmp_path: Path,
) -> None:
    async with sqlite_engine(tmp_path) as engine:
        decide = engine.processor.decide

        def broken(*args: Any) -> Any:
            if args[3].data["run_id"] == "bad":
                raise RuntimeError("a fault of ours")
            return decide(*args)

        engine.processor.decide = broken  # type: ignore[method-assign,assignment]
        async with engine.working():
            await engine.start([step("one")], "bad")
            stalled = await engine.until("bad", "stalled")
            shown = await engine.store.get("run", "bad", "alice")
            await engine.start([step("two")], "good")
            await engine.until("good", "completed")
            (letter,) = await engine.bus.dead_letters()
        engine.processor.decide = decide  # type: ignore[method-assign]
        async with engine.working():
            assert await engine.bus.replay(letter.delivery.event.id)
            again = await engine.until("bad", "completed")
    assert stalled.error is not None and "a fault of ours" in stalled.error["message"]
    assert shown is not None and shown.status == "stalled"
    assert again.status == "completed" and again.error is None


async def test_a_decider_that_cannot_even_stall_stops_no_other(tmp_path: Path) -> None:
    async with sqlite_engine(tmp_path) as engine:
        decide, project = engine.processor.decide, engine.runs.project

        def undecided(*args: Any) -> Any:
            if args[3].data["run_id"] == "bad":
                raise RuntimeError("a fault of ours")
            return decide(*args)

        def unprojected(before: Any, after: Any, turn: Any) -> None:
            if turn.cause.data["run_id"] == "bad":
                raise RuntimeError("another")
            project(before, after, turn)

        engine.processor.decide = undecided  # type: ignore[method-assign,assignment]
        engine.runs.project = unprojected  # type: ignore[method-assign]
        async with engine.working():
            await engine.start([step("one")], "bad")
            await engine.until_event("bad", "run.stalled")
            await engine.start([step("two")], "good")
            state = await engine.until("good", "completed")
    assert state.status == "completed"


async def test_a_run_whose_decision_cannot_be_written_is_stalled_in_sight(tmp_path: Path) -> None:
    async with sqlite_engine(tmp_path) as engine:
        settle = engine.bus.settle

        async def broken(settlements: Sequence[Settlement], keep: int = 0) -> Any:
            for settlement in settlements:
                for output in settlement.outputs:
                    if output.event.data.get("step") == "never":
                        raise TypeError("not JSON")
            return await settle(settlements, keep)

        engine.bus.settle = broken  # type: ignore[method-assign]
        async with engine.working():
            await engine.start([step("never")], "bad")
            await engine.start([step("one")], "good")
            stalled = await engine.until("bad", "stalled", "completed")
            await engine.until("good", "completed")
            (letter,) = await engine.bus.dead_letters()
            engine.bus.settle = settle  # type: ignore[method-assign]
            assert await engine.bus.replay(letter.delivery.event.id)
            again = await engine.until("bad", "completed")
    assert stalled.status == "stalled"
    assert letter.delivery.event.type == "plan.execute"
    assert again.steps["never"].status == "done"


async def test_however_often_a_stream_could_not_be_read_its_commands_are_kept(
    tmp_path: Path,
) -> None:
    deeds = Deeds(held={"slow": asyncio.Event()})
    async with sqlite_engine(tmp_path, deeds) as engine:
        async with engine.working():
            await engine.start([step("slow", tool="effect")])
            await deeds.begun.wait()
        await _read_only_at_the_second_look(engine)
        await engine.send("run.cancel", {"run_id": "r1"})
        async with engine.working():
            await engine.until_event("r1", "run.cancelled")
            assert await engine.bus.dead_letters() == []


def _given_back_at_once(engine: Engine) -> None:
    """Given back, it comes again at once, which takes no time and counts as ever."""
    release = engine.bus.release

    async def at_once(delivery: Delivery, delay_s: float) -> None:
        await release(delivery, 0)

    engine.bus.release = at_once  # type: ignore[method-assign]


async def _read_only_at_the_second_look(engine: Engine) -> None:
    history, receive = engine.bus.history, engine.bus.receive
    failures = [Unavailable("The disk does not answer.")]

    async def unread(stream: str, cursor: str | None = None, limit: int = 1000) -> History:
        if failures:
            raise failures.pop()
        return await history(stream, cursor, limit)

    async def long_tried(limit: int, *, work: bool = True) -> Sequence[Delivery]:
        return [replace(d, attempt=9) for d in await receive(limit, work=work)]

    engine.bus.history = unread  # type: ignore[method-assign]
    engine.bus.receive = long_tried  # type: ignore[method-assign]
    _given_back_at_once(engine)
