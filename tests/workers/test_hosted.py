"""Deliveries that a host hands over one by one: the same ends as with a worker, on every kind of bus."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.bus.broker import Faults
from backend.bus.memory import MemoryBus
from backend.contracts.errors import Conflict, LightningError, Retry, Unavailable
from backend.contracts.events import Event, utc_now
from backend.contracts.ports import Commit, Delivery, Output, Settled, Settlement
from backend.drivers.turn import fold
from backend.stores.memory import MemoryStore
from backend.workers.failures import as_data
from backend.workers.hosted import Handler
from tests.workers.engine import Deeds, Engine, step
from tests.workers.test_worker import DIAMOND, replace_tool, step_events


class Host:
    """Leases messages, hands them over, completes or gives them back: as Azure Functions does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.held: list[float] = []
        self.raised: list[Exception] = []
        self.handler = Handler(engine.bus, engine.store, engine.processor, hold=self._hold)

    async def _hold(self, seconds: float) -> None:
        self.held.append(seconds)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                (delivery,) = await self.engine.bus.receive(1)
                handling = self.deliver(delivery)
                if delivery.stream is None:
                    group.create_task(handling)
                else:
                    await handling

    async def deliver(self, delivery: Delivery) -> None:
        try:
            await self.handler.handle(delivery)
        except Exception as error:  # noqa: BLE001 - whatever it is, a host delivers again
            self.raised.append(error)
            await self.engine.bus.release(delivery, 0)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.run())
            yield
            task.cancel()


@pytest.fixture(params=["atomic", "in parts"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    store = MemoryStore()
    bus = MemoryBus(store, faults=Faults(atomic=request.param == "atomic"))
    yield Host(Engine(bus, store, tmp_path, Deeds()))
    await bus.close()


def refusing(bus: Any, refuse: Any) -> None:
    """From now on settling asks `refuse` first, which may raise."""
    settle = bus.settle

    async def asked(settlements: Sequence[Settlement], keep: int = 0) -> Sequence[Settled]:
        refuse(settlements[0])
        settled: Sequence[Settled] = await settle(settlements, keep)
        return settled

    bus.settle = asked


async def test_a_run_ends_and_each_step_was_done_once(host: Host) -> None:
    async with host.working():
        await host.engine.start(DIAMOND)
        state = await host.engine.until("r1", "completed", "failed")
    assert state.status == "completed"
    assert set(host.engine.deeds.done.values()) == {1} and len(host.engine.deeds.done) == 11
    assert not host.raised


@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("seed", range(8))
async def test_under_faults_nothing_is_lost_and_no_step_finishes_twice(
    seed: int, atomic: bool, tmp_path: Path
) -> None:
    faults = Faults(duplicate=0.1, reorder=0.2, lost_lease=0.05, crash=0.05, atomic=atomic)
    store = MemoryStore()
    engine = Engine(MemoryBus(store, faults=faults, seed=seed), store, tmp_path, Deeds())
    steps = [replace_tool(s, "idempotent") for s in DIAMOND]
    async with Host(engine).working():
        for number in range(3):
            await engine.start(steps, f"r{number}")
        for number in range(3):
            state = await engine.until(f"r{number}", "completed", "failed", "stalled")
            commits = await engine.commits(f"r{number}")
            assert state.status == "completed"
            assert set(step_events(commits, "plan.step.completed").values()) == {1}
            assert [c.position for c in commits] == list(range(len(commits)))
            again = fold(engine.runs, await engine.runs.open("", commits, None), ())
            assert again.state == state
    await engine.bus.close()


def given_back_at_once(bus: Any) -> list[float]:
    """What is given back comes again at once; returns after how long it should have."""
    release, delays = bus.release, []

    async def at_once(delivery: Delivery, delay_s: float) -> None:
        delays.append(delay_s)
        await release(delivery, 0)

    bus.release = at_once
    return delays


async def test_work_that_keeps_failing_is_given_back_for_longer_and_then_a_dead_letter(
    host: Host,
) -> None:
    async def broken(delivery: Delivery) -> Any:
        raise RuntimeError("a fault of ours")

    host.engine.processor.work = broken  # type: ignore[method-assign]
    delays = given_back_at_once(host.engine.bus)
    async with host.working():
        await host.engine.start([step("one")])
        state = await host.engine.until("r1", "failed")
    (letter,) = await host.engine.bus.dead_letters()
    assert letter.delivery.event.type == "plan.step.execute"
    assert state.error is not None and "a fault of ours" in state.error["message"]
    assert delays == [2.0, 4.0, 8.0, 16.0]
    assert not host.held and not host.raised


async def test_what_asks_to_wait_for_days_is_given_back_and_holds_no_message(host: Host) -> None:
    work, waits = host.engine.processor.work, [Retry(259_200)]

    async def waiting(delivery: Delivery) -> Any:
        if waits:
            raise waits.pop()
        return await work(delivery)

    host.engine.processor.work = waiting  # type: ignore[method-assign]
    delays = given_back_at_once(host.engine.bus)
    async with host.working():
        await host.engine.start([step("one")])
        await host.engine.until("r1", "completed")
    assert delays == [259_200]
    assert not host.held and not host.raised


async def test_what_a_tool_did_is_not_given_up_because_the_bus_is_away_for_a_moment(
    host: Host,
) -> None:
    away = [Unavailable("The database does not answer.")] * 3

    def refuse(settlement: Settlement) -> None:
        if settlement.acks[0].event.type == "plan.step.execute" and away:
            raise away.pop()

    refusing(host.engine.bus, refuse)
    async with host.working():
        await host.engine.start([step("send", tool="effect")])
        state = await host.engine.until("r1", "completed", "waiting")
    assert (state.status, host.held) == ("completed", [0.5, 2.0, 8.0])
    assert host.engine.deeds.done == Counter({"send": 1})


async def test_however_long_the_bus_is_away_nothing_becomes_a_dead_letter(host: Host) -> None:
    away = [Unavailable("The database does not answer.")] * 40

    def refuse(settlement: Settlement) -> None:
        if away:
            raise away.pop()

    refusing(host.engine.bus, refuse)
    async with host.working():
        await host.engine.start([step("one")])
        state = await host.engine.until("r1", "completed", "stalled")
    assert state.status == "completed"
    assert await host.engine.bus.dead_letters() == []
    assert len(host.raised) == 10


async def test_another_decider_in_the_stream_is_noticed_and_the_stream_is_read_anew(
    host: Host,
) -> None:
    foreign = Event("e" * 32, "run.answer", "alice", utc_now(), {"run_id": "r1", "step": "x"})
    bus, interfered = host.engine.bus, []
    settle = bus.settle

    async def interfering(settlements: Sequence[Settlement], keep: int = 0) -> Any:
        at = [c.position for c in settlements[0].commits]
        if at == [1] and not interfered:
            interfered.extend(await settle([Settlement(commits=(Commit("run:r1", 1, foreign),))]))
        return await settle(settlements, keep)

    bus.settle = interfering  # type: ignore[method-assign]
    async with host.working():
        await host.engine.start([step("one"), step("two", "one")])
        state = await host.engine.until("r1", "completed", "stalled")
    assert [s.outcome for s in interfered] == ["ok"]
    assert (state.status, host.raised) == ("completed", [])
    assert host.engine.deeds.done == Counter({"one": 1, "two": 1})


async def test_a_stream_in_which_others_keep_deciding_is_left_to_the_queue(host: Host) -> None:
    settle, lost = host.engine.bus.settle, [Settled("conflict")] * 4

    async def beaten(settlements: Sequence[Settlement], keep: int = 0) -> Any:
        return [lost.pop()] if lost else await settle(settlements, keep)

    host.engine.bus.settle = beaten  # type: ignore[method-assign]
    async with host.working():
        await host.engine.start([step("one")])
        state = await host.engine.until("r1", "completed")
    assert state.status == "completed"
    assert [type(error) for error in host.raised] == [Conflict]


async def test_what_is_decided_already_is_acknowledged_and_not_decided_again(host: Host) -> None:
    bus = host.engine.bus
    await host.engine.start([step("one")])
    (delivery,) = await bus.receive(1)
    await bus.settle([Settlement(commits=(Commit("run:r1", 0, delivery.event),))])
    await host.deliver(delivery)
    assert not host.raised
    assert len(await host.engine.commits("r1")) == 1
    marker = Event("m" * 32, "plan.step.execute", "alice", utc_now(), {})
    await bus.publish([Output(marker, "work")])
    assert [d.event.id for d in await bus.receive(9)] == [marker.id]


async def test_a_stream_is_read_once_however_many_of_its_events_come(host: Host) -> None:
    bus, history, read = host.engine.bus, host.engine.bus.history, Counter[str]()

    async def counted(stream: str, cursor: str | None = None, limit: int = 1000) -> Any:
        read[stream] += cursor is None
        return await history(stream, cursor, limit)

    bus.history = counted  # type: ignore[method-assign]
    await host.engine.start([step("one"), step("two", "one"), step("three", "two")])
    for _ in range(7):  # the beginning, then each step's work and its result
        (delivery,) = await bus.receive(1)
        await host.deliver(delivery)
    assert read == {"run:r1": 1}
    assert (await host.engine.until("r1", "completed")).status == "completed"


async def test_an_event_that_comes_twice_to_one_process_is_decided_once(host: Host) -> None:
    bus = host.engine.bus
    await host.engine.start([step("one")])
    (delivery,) = await bus.receive(1)
    settle = bus.settle

    async def unacknowledged(settlements: Sequence[Settlement], keep: int = 0) -> Any:
        return await settle([replace(s, acks=()) for s in settlements], keep)

    bus.settle = unacknowledged  # type: ignore[method-assign]
    await host.deliver(delivery)
    bus.settle = settle  # type: ignore[method-assign]
    await host.deliver(delivery)
    assert not host.raised
    assert [c.cause.type for c in await host.engine.commits("r1")] == ["plan.execute"]


async def test_a_message_lost_to_another_process_is_not_reported_done(host: Host) -> None:
    bus = host.engine.bus
    await host.engine.start([step("one")])
    for stream in ("run:r1", None):
        (delivery,) = await bus.receive(1)
        assert delivery.stream == stream
        await bus.release(delivery, 0)
        await host.deliver(delivery)
        assert [type(error) for error in host.raised] == [Conflict]
        host.raised.clear()
        (again,) = await bus.receive(1)
        await host.deliver(again)
        assert not host.raised
    assert [c.cause.type for c in await host.engine.commits("r1")] == ["plan.execute"]


async def test_what_is_sent_to_a_run_that_does_not_exist_is_a_dead_letter_at_once(
    host: Host,
) -> None:
    async with host.working():
        await host.engine.send("run.cancel", {"run_id": "gone"})
        await host.engine.start([step("one")])
        await host.engine.until("r1", "completed")
    (letter,) = await host.engine.bus.dead_letters()
    assert (letter.delivery.event.type, letter.delivery.attempt) == ("run.cancel", 1)


async def test_what_cannot_be_decided_stalls_its_run_in_sight(host: Host) -> None:
    decide = host.engine.processor.decide

    def broken(*args: Any) -> Any:
        if args[3].data["run_id"] == "bad":
            raise RuntimeError("a fault of ours")
        return decide(*args)

    host.engine.processor.decide = broken  # type: ignore[method-assign,assignment]
    async with host.working():
        await host.engine.start([step("one")], "bad")
        stalled = await host.engine.until("bad", "stalled")
        (letter,) = await host.engine.bus.dead_letters()
        host.engine.processor.decide = decide  # type: ignore[method-assign]
        assert await host.engine.bus.replay(letter.delivery.event.id)
        state = await host.engine.until("bad", "completed")
    assert stalled.error is not None and "a fault of ours" in stalled.error["message"]
    assert state.status == "completed" and not host.raised


async def test_what_is_replayed_and_breaks_again_is_a_dead_letter_again(host: Host) -> None:
    decide = host.engine.processor.decide

    def broken(*args: Any) -> Any:
        raise RuntimeError("a fault of ours")

    host.engine.processor.decide = broken  # type: ignore[method-assign]
    async with host.working():
        await host.engine.start([step("one")])
        for times in (1, 2):
            async with contextlib.aclosing(host.engine.bus.follow({"run:r1": None})) as feed:
                async for news in feed:
                    if news["run:r1"].commits[-1].position == times - 1:
                        break
            (letter,) = await host.engine.bus.dead_letters()
            if times == 2:
                host.engine.processor.decide = decide  # type: ignore[method-assign]
            assert await host.engine.bus.replay(letter.delivery.event.id)
        await host.engine.until("r1", "completed")
    assert not host.raised


async def test_a_decision_that_cannot_be_written_stalls_its_run_in_sight(host: Host) -> None:
    def refuse(settlement: Settlement) -> None:
        if any(o.event.data.get("step") == "never" for o in settlement.outputs):
            raise TypeError("not JSON")

    refusing(host.engine.bus, refuse)
    async with host.working():
        await host.engine.start([step("never")])
        state = await host.engine.until("r1", "stalled", "completed")
    assert state.error is not None and "not JSON" in state.error["message"]


async def test_what_the_bus_gave_up_is_recorded_and_not_handled(host: Host) -> None:
    bus, error = host.engine.bus, LightningError("It was given up.", code="EXEC_GIVEN_UP")
    await host.engine.start([step("one")])
    (delivery,) = await bus.receive(1)
    await host.deliver(replace(delivery, error=error))
    assert (await host.engine.until("r1", "stalled")).error == as_data(error)
    assert await bus.replay(delivery.event.id)
    await host.deliver((await bus.receive(1))[0])
    (delivery,) = await bus.receive(1)
    await host.deliver(replace(delivery, error=error))
    (letter,) = await bus.dead_letters()
    assert (letter.delivery.event.type, letter.delivery.attempt) == ("plan.step.execute", 1)
    async with host.working():
        await host.engine.until("r1", "failed")
    assert not host.raised and not host.engine.deeds.done


async def test_a_stream_that_cannot_be_read_is_tried_again_and_then_a_dead_letter(
    host: Host,
) -> None:
    async def unread(*_: Any) -> Any:
        raise RuntimeError("a fault of ours")

    await host.engine.start([step("one")])
    host.engine.bus.history = unread  # type: ignore[method-assign]
    for _ in range(5):
        (delivery,) = await host.engine.bus.receive(1)
        await host.deliver(delivery)
    (letter,) = await host.engine.bus.dead_letters()
    assert letter.delivery.event.type == "plan.execute" and len(host.raised) == 4
