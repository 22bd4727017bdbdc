"""The bus on Azure, cut off between append, documents, send and complete."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.bus.azure.bus import AzureBus
from backend.contracts.errors import Unavailable
from backend.contracts.ports import Bus, Commit, DeadLetter, Delivery, Document, Output, Settlement
from tests.azure.buses import AzureBuses, NearBus, ask, fault
from tests.azure.doubles import cosmos
from tests.azure.servicebus.handlers import LEAKS
from tests.conformance.adapters import Clock, event, keyed, receive_all, receive_one, work
from tests.conformance.test_bus_settling import committed, outcomes

pytestmark = [pytest.mark.filterwarnings(each) for each in LEAKS]


@pytest.fixture
async def buses(tmp_path: Path) -> AsyncIterator[AzureBuses]:
    made = AzureBuses(tmp_path, Clock())
    made.broken = True
    yield made
    await made.close()


@pytest.fixture
async def bus(buses: AzureBuses) -> NearBus:
    return await buses.open()


@contextlib.contextmanager
def unsendable(buses: AzureBuses) -> Iterator[None]:
    """No work can be sent: what is settled meanwhile is appended and no more."""
    with fault("quota", f"{buses.queue}-work"), pytest.raises(Unavailable, match="full"):
        yield


async def a_cause(bus: Bus) -> Delivery:
    await bus.publish([keyed("run:1")])
    return await receive_one(bus)


def with_document(delivery: Delivery, *outputs: Output) -> Settlement:
    document = Document("summary", "1", "ann", {"n": 1}, position=0)
    commit = Commit("run:1", 0, delivery.event, tuple(output.event for output in outputs))
    return Settlement((delivery,), (commit,), outputs, (document,))


async def ids(bus: Bus) -> list[str]:
    return [delivery.event.id for delivery in await receive_all(bus)]


async def test_what_was_appended_and_not_sent_is_sent_by_the_same_call_again(
    bus: NearBus, buses: AzureBuses
) -> None:
    delivery, output = await a_cause(bus), work()
    settlement = with_document(delivery, output)
    with unsendable(buses):
        await bus.settle([settlement])
    assert len((await bus.history("run:1")).commits) == 1
    assert await outcomes(bus, settlement) == ["ok"]
    assert await ids(bus) == [output.event.id]
    assert len((await bus.history("run:1")).commits) == 1


async def test_what_one_call_settled_is_not_lost_because_a_neighbour_was_cut_off(
    bus: NearBus, buses: AzureBuses
) -> None:
    await bus.publish([keyed("run:1"), keyed("run:2")])
    first, second = sorted(await bus.receive(2), key=lambda d: d.stream or "")
    settlements = [committed(first, 0, work()), committed(second, 0, keyed("run:3"))]
    with unsendable(buses):
        await bus.settle(settlements)
    assert await outcomes(bus, *settlements) == ["ok", "ok"]
    assert len(await receive_all(bus)) == 2


async def test_what_was_appended_and_not_sent_is_sent_when_its_cause_comes_again(
    bus: NearBus, buses: AzureBuses
) -> None:
    delivery, output = await a_cause(bus), work(data={"page": "x" * 50_000})
    with unsendable(buses):
        await bus.settle([with_document(delivery, output)])
    await buses.store().delete("summary", "1", "ann")
    await buses.kill(bus)
    other = await buses.recover()
    (sent,) = await receive_all(other)
    assert sent.event == output.event
    assert len((await other.history("run:1")).commits) == 1
    assert await buses.store().get("summary", "1", "ann") is not None


async def test_a_cut_off_process_is_made_good_for_although_no_delivery_counts_as_failed(
    bus: NearBus, buses: AzureBuses
) -> None:
    delivery, output = await a_cause(bus), work()
    with unsendable(buses):
        await bus.settle([committed(delivery, 0, output)])
    await buses.kill(bus)
    ask("DELETE", f"/connections?queue={buses.queue}")
    assert await ids(await buses.open()) == [output.event.id]


async def test_what_an_earlier_commit_sent_is_not_sent_again(
    bus: NearBus, buses: AzureBuses
) -> None:
    delivery, output = await a_cause(bus), work()
    with fault("refuse-settle", buses.queue):
        assert await outcomes(bus, committed(delivery, 0, output)) == ["ok"]
    (sent,) = await AzureBus.receive(bus, 1)
    await bus.settle([Settlement((sent,), (Commit("run:1", 1, event()),))])
    await buses.kill(bus)
    buses.clock.advance(7200)  # what was sent is no longer known as a duplicate
    assert await receive_all(await buses.recover()) == []


async def test_work_that_is_done_is_not_done_again(bus: NearBus, buses: AzureBuses) -> None:
    await bus.settle([committed(await a_cause(bus), 0, work())])
    step = await receive_one(bus)
    with fault("refuse-settle", f"{buses.queue}-work"):
        result = keyed("run:1", "done")
        assert await outcomes(bus, Settlement((step,), outputs=(result,))) == ["ok"]
    (done,) = await bus.receive(1, work=False)
    await bus.settle([committed(done, 1)])
    await buses.kill(bus)
    assert await receive_all(await buses.recover()) == []


async def test_work_that_was_done_and_told_nobody_is_not_done_again_but_told(
    bus: NearBus, buses: AzureBuses
) -> None:
    await bus.settle([committed(await a_cause(bus), 0, work())])
    step, result = await receive_one(bus), keyed("run:1", "done")
    with fault("quota", buses.queue), pytest.raises(Unavailable):
        await bus.settle([Settlement((step,), outputs=(result,))])
    await buses.kill(bus)
    assert await ids(await buses.recover()) == [result.event.id]


async def test_work_that_failed_for_good_and_is_replayed_is_done_again(bus: NearBus) -> None:
    await bus.publish([work()])
    step = await receive_one(bus)
    letter = DeadLetter(step, {"code": "EXEC_INTERNAL"})
    await bus.settle([Settlement((step,), outputs=(keyed("run:1", "failed"),), dead=(letter,))])
    assert await bus.replay(step.event.id)
    again, _failed = sorted(await receive_all(bus), key=lambda d: d.stream or "")
    done = keyed("run:1", "done")
    assert await outcomes(bus, Settlement((again,), outputs=(done,))) == ["ok"]
    assert done.event.id in await ids(bus)


async def test_work_that_only_said_it_started_is_done_again(
    bus: NearBus, buses: AzureBuses
) -> None:
    await bus.settle([committed(await a_cause(bus), 0, work("step"))])
    step = await receive_one(bus)
    assert await bus.claim(step, "key", [keyed("run:1", "started")])
    await bus.settle([committed(await receive_one(bus), 1)])
    await buses.kill(bus)
    (again,) = await receive_all(await buses.recover())
    assert (again.event.id, again.attempt) == (step.event.id, 2)


async def test_a_claim_that_was_cut_off_can_be_made_again(bus: NearBus, buses: AzureBuses) -> None:
    await bus.publish([work()])
    step = await receive_one(bus)
    with fault("quota", buses.queue), pytest.raises(Unavailable):
        await bus.claim(step, "key", [keyed("run:1", "started")])
    assert await bus.claim(step, "key", [keyed("run:1", "started")])


async def test_an_append_whose_reply_was_lost_is_its_own(bus: NearBus) -> None:
    delivery = await a_cause(bus)
    with cosmos().faults({"kind": "lose", "method": "POST", "path": "/log/docs", "next": 1}):
        assert await outcomes(bus, committed(delivery, 0)) == ["ok"]
    assert len((await bus.history("run:1")).commits) == 1


async def test_a_log_that_is_asked_too_much_is_asked_again(bus: NearBus) -> None:
    delivery = await a_cause(bus)
    throttled = {"kind": "status", "status": 429, "retry_after_ms": 1, "every": 2}
    with cosmos().faults(throttled):
        assert await outcomes(bus, committed(delivery, 0)) == ["ok"]


async def test_a_sending_whose_reply_was_lost_arrives_once(bus: NearBus, buses: AzureBuses) -> None:
    with fault("lose-send-reply", buses.queue, count=1):
        await bus.publish([keyed("run:1"), keyed("run:1")])
    assert len(await receive_all(bus)) == 2


async def test_a_message_that_comes_again_although_completed_is_not_decided_again(
    bus: NearBus, buses: AzureBuses
) -> None:
    delivery = await a_cause(bus)
    with fault("redeliver", buses.queue, count=1):
        await bus.settle([committed(delivery, 0)])
    assert await receive_all(bus) == []
    assert len((await bus.history("run:1")).commits) == 1
