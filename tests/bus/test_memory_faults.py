"""The in-memory bus under faults: a careful worker still gets everything done, once and in order."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.bus.memory import Faults, MemoryBus
from backend.contracts.errors import Invalid
from backend.contracts.events import Event, derived_id, utc_now
from backend.contracts.ports import Commit, Delivery, Document, Output, Settlement
from backend.stores.memory import MemoryStore
from tests.conformance.adapters import event, keyed, receive_one, work

RUNS, STEPS = 4, 6


def step(run: int, number: int) -> Output:
    data = {"run": run, "step": number}
    return Output(Event(derived_id(run, number), "step.execute", "ann", utc_now(), data), "work")


def done(asked: Event) -> Output:
    data = dict(asked.data)
    id = derived_id(asked.id, "done")
    return Output(
        Event(id, "step.completed", "ann", utc_now(), data), "stream", f"run:{data['run']}"
    )


async def handle(bus: MemoryBus, delivery: Delivery) -> None:
    if delivery.event.type == "marker":
        await bus.settle([Settlement((delivery,))])
        return
    if delivery.lane == "work":
        await bus.settle([Settlement((delivery,), outputs=(done(delivery.event),))])
        return
    stream, number = delivery.stream or "", delivery.event.data["step"]
    outputs = (step(delivery.event.data["run"], number + 1),) if number + 1 < STEPS else ()
    while True:
        head = len((await bus.history(stream)).commits)
        commit = Commit(stream, head, delivery.event, tuple(o.event for o in outputs))
        summary = Document("run", stream, "ann", {"steps": head + 1}, position=head)
        (settled,) = await bus.settle([Settlement((delivery,), (commit,), outputs, (summary,))])
        if settled.outcome != "conflict":
            return
        if await bus.decided(stream, delivery.event.id):
            await bus.settle([Settlement((delivery,))])
            return


async def play(bus: MemoryBus) -> list[tuple[str, int]]:
    """Work until nothing is left; the deliveries seen."""
    await bus.publish([step(run, 0) for run in range(RUNS)])
    seen: list[tuple[str, int]] = []
    for number in range(5_000):
        if not any(m.event.type != "marker" for m in bus._broker.messages.values()):
            return seen
        # The bus may find that what is left was settled already, and then wait for more.
        await bus.publish([work("marker", id=f"marker-{number}")])
        for delivery in await bus.receive(3):
            seen.append((delivery.event.id, delivery.attempt))
            await handle(bus, delivery)
    raise AssertionError("it never ends")


rates = st.sampled_from([0.0, 0.1, 0.4])


@given(rates, rates, rates, rates, st.booleans(), st.integers(0, 2**16))
@settings(max_examples=60, deadline=None)
def test_under_faults_every_run_ends_with_each_step_once_and_in_order(
    duplicate: float, reorder: float, lost_lease: float, crash: float, atomic: bool, seed: int
) -> None:
    async def scenario() -> None:
        store = MemoryStore()
        faults = Faults(duplicate, reorder, lost_lease, crash, atomic)
        bus = MemoryBus(store, faults=faults, seed=seed)
        await play(bus)
        for run in range(RUNS):
            commits = (await bus.history(f"run:{run}")).commits
            assert [c.cause.data["step"] for c in commits] == list(range(STEPS))
            summary = await store.get("run", f"run:{run}", "ann")
            assert summary is not None
            assert summary.body == {"steps": STEPS}

    asyncio.run(scenario())


async def trace(seed: int) -> list[tuple[str, int]]:
    return await play(MemoryBus(faults=Faults(0.3, 0.3, 0.3, 0.3, atomic=False), seed=seed))


async def test_the_same_seed_shows_the_same_faults() -> None:
    assert await trace(5) == await trace(5)
    assert await trace(5) != await trace(6)


async def test_a_duplicate_comes_back_after_it_was_acknowledged() -> None:
    bus = MemoryBus(faults=Faults(duplicate=1.0))
    await bus.publish([work()])
    first = await receive_one(bus)
    await bus.settle([Settlement((first,))])
    assert (await receive_one(bus)).event == first.event


async def test_a_lost_lease_is_stale_and_delivered_again() -> None:
    bus = MemoryBus(faults=Faults(lost_lease=1.0))
    await bus.publish([work()])
    first = await receive_one(bus)
    assert [s.outcome for s in await bus.settle([Settlement((first,))])] == ["stale"]
    assert (await receive_one(bus)).attempt == 2


async def test_reordering_never_happens_within_a_stream() -> None:
    bus = MemoryBus(faults=Faults(reorder=1.0), seed=3)
    sent = [keyed(f"run:{n % 4}", data={"n": n}) for n in range(40)]
    await bus.publish(sent)
    received = [d.event.data["n"] for d in await bus.receive(100)]
    assert received != sorted(received)
    for stream in range(4):
        own = [n for n in received if n % 4 == stream]
        assert own == sorted(own)


async def cut_off(seed: int) -> tuple[MemoryBus, Output, Delivery]:
    """A settlement that was cut off somewhere, in a bus that shows no more faults."""
    bus = MemoryBus(faults=Faults(crash=1.0, atomic=False), seed=seed)
    await bus.publish([keyed("run:1")])
    delivery = await receive_one(bus)
    output = work("next")
    commit = Commit("run:1", 0, delivery.event, (output.event,))
    (settled,) = await bus.settle([Settlement((delivery,), (commit,), (output,))])
    assert settled.outcome == "stale"
    bus._broker.faults = Faults(atomic=False)
    return bus, output, delivery


async def test_cut_off_after_appending_it_is_not_decided_again_and_its_outputs_are_sent() -> None:
    appended = 0
    for seed in range(30):
        bus, output, delivery = await cut_off(seed)
        if await bus.decided("run:1", delivery.event.id):
            appended += 1
            assert (await receive_one(bus)).event.id == output.event.id
            assert len((await bus.history("run:1")).commits) == 1
        else:
            assert (await receive_one(bus)).event.id == delivery.event.id
    assert 0 < appended < 30


async def test_a_bus_in_parts_refuses_what_only_one_transaction_could_do() -> None:
    bus = MemoryBus(faults=Faults(atomic=False))
    commits = (Commit("a", 0, event()), Commit("b", 0, event()))
    with pytest.raises(Invalid):
        await bus.settle([Settlement(commits=commits)])
    with pytest.raises(Invalid):
        await bus.settle([Settlement(undisturbed=("a",))])
