"""What is the bus on Azure's own: locks, sizes, names, hosts, sharing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from azure.servicebus import ServiceBusMessage

from backend.bus.azure import parcels
from backend.bus.azure.bus import AzureBus
from backend.bus.azure.handlers import shut
from backend.bus.azure.inbox import Held
from backend.bus.codec import encode_event_whole
from backend.contracts.ports import Commit, Delivery, Output, Settlement
from tests.azure.buses import LOCK_S, AzureBuses, NearBus, ask
from tests.azure.servicebus.handlers import LEAKS
from tests.conformance.adapters import Clock, event, keyed, receive_all, receive_one, work
from tests.conformance.test_bus_settling import committed, outcomes

LOCK = timedelta(seconds=LOCK_S)

pytestmark = [pytest.mark.filterwarnings(each) for each in LEAKS]


@pytest.fixture
async def buses(tmp_path: Path) -> AsyncIterator[AzureBuses]:
    made = AzureBuses(tmp_path, Clock())
    yield made
    await made.close()


@pytest.fixture
async def bus(buses: AzureBuses) -> NearBus:
    return await buses.open()


async def raw(bus: NearBus, body: bytes, session: str | None = None) -> None:
    namespace = bus._namespace
    sender = namespace.sender(namespace.queue if session else namespace.work_queue)
    await sender.send_messages(ServiceBusMessage(body, message_id="m1", session_id=session))
    await shut(sender)


def held(bus: NearBus, delivery: Delivery) -> Held:
    found = bus._inbox.held(delivery)
    assert found is not None
    return found


async def renewed(bus: NearBus, delivery: Delivery) -> None:
    """The lock is as good as new."""
    lease = held(bus, delivery)
    while (until := lease.locked_until()) is None or until - bus._clock() < LOCK * 0.9:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


# --- locks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", [keyed("run:1"), work()], ids=["stream", "work"])
async def test_a_lock_is_renewed_for_as_long_as_somebody_works(
    bus: NearBus, buses: AzureBuses, output: Output
) -> None:
    await bus.publish([output])
    delivery = await receive_one(bus)
    for _ in range(3):
        buses.clock.advance(LOCK_S * 0.6)
        await renewed(bus, delivery)
    assert await receive_all(bus) == []
    assert await outcomes(bus, Settlement((delivery,))) == ["ok"]


async def test_work_held_by_a_process_that_wants_no_more_is_settled_through_another_receiver(
    bus: NearBus, buses: AzureBuses
) -> None:
    await bus.publish([work(), work()])
    mine = await receive_one(bus)
    other = await buses.open()
    (theirs,) = await receive_all(other)
    assert theirs.event.id != mine.event.id
    assert await outcomes(bus, Settlement((mine,))) == ["ok"]
    counts = ask("GET", "/queues")[f"{buses.queue}-work"]
    assert (counts["active"], counts["locked"]) == (0, 1)


async def test_who_stops_receiving_leaves_what_it_has_not_leased_to_others(
    buses: AzureBuses,
) -> None:
    first, second = await buses.open(), await buses.open()
    first._limits.idle_s = 0.0
    await first.publish([keyed("run:1"), keyed("run:1")])
    leased = await receive_one(first)
    await first.settle([committed(leased, 0)])
    (next_one,) = await AzureBus.receive(second, 10, work=False)
    assert next_one.stream == "run:1"


async def test_no_more_streams_are_held_than_there_may_be(buses: AzureBuses, bus: NearBus) -> None:
    bus._limits.most_streams = 2
    await bus.publish([keyed(f"run:{n}") for n in range(5)])
    seen = set()
    while len(seen) < 5:
        for delivery in await AzureBus.receive(bus, 10):
            seen.add(delivery.stream)
            assert len(bus._reception._sessions) <= 2
            await bus.settle([committed(delivery, 0)])


# --- sizes and names ------------------------------------------------------------------------------


async def test_more_than_a_message_holds_arrives_whole(bus: NearBus) -> None:
    sent = event(data={f"page {n}": "ž" * 15_000 for n in range(30)})
    await bus.publish([Output(sent, "work"), Output(sent, "stream", "run:1")])
    assert [delivery.event for delivery in await receive_all(bus)] == [sent, sent]


async def test_more_than_an_item_holds_is_one_commit_all_the_same(
    bus: NearBus, buses: AzureBuses
) -> None:
    await bus.publish([keyed("run:1")])
    delivery = await receive_one(bus)
    many = tuple(event(data={"text": '"' * 1000}) for _ in range(2000))
    commit = Commit("run:1", 0, delivery.event, many)
    assert await outcomes(bus, Settlement((delivery,), (commit,))) == ["ok"]
    assert (await bus.history("run:1")).commits == (commit,)


async def test_more_messages_than_a_batch_holds_are_sent(bus: NearBus) -> None:
    many = [keyed("run:1", data={"text": "x" * 30_000}) for _ in range(20)]
    await bus.publish(many)
    received = await receive_all(bus)
    assert [d.event.id for d in received] == [output.event.id for output in many]


async def test_a_stream_of_many_commits_is_forgotten_whole(bus: NearBus) -> None:
    settlements = [Settlement(commits=(Commit("run:1", n, event()),)) for n in range(130)]
    assert set(await outcomes(bus, *settlements)) == {"ok"}
    await bus.prune(["run:1"])
    assert (await bus.history("run:1")).commits == ()
    assert await outcomes(bus, *settlements[:1]) == ["ok"]


@pytest.mark.parametrize("stream", ["saved:" + "ž/\\?#% " * 60, "run:/#?\\"])
async def test_a_stream_may_have_any_name(bus: NearBus, stream: str) -> None:
    await bus.publish([keyed(stream, id="x/" * 200)])
    delivery = await receive_one(bus)
    assert delivery.stream == stream
    assert await outcomes(bus, committed(delivery, 0)) == ["ok"]
    assert await bus.decided(stream, "x/" * 200)
    assert len((await bus.history(stream)).commits) == 1


async def test_an_unreadable_message_is_a_dead_letter(bus: NearBus) -> None:
    await raw(bus, b"not ours")
    assert await receive_all(bus) == []
    (letter,) = await bus.dead_letters()
    assert letter.error["code"] == "EXEC_MESSAGE_UNREADABLE"
    assert letter.delivery.event.data == {"body": "not ours"}


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["schedule:1", None])
async def test_what_is_due_beyond_all_queues_waits_for_its_time(
    bus: NearBus, buses: AzureBuses, monkeypatch: pytest.MonkeyPatch, stream: str | None
) -> None:
    monkeypatch.setattr(parcels, "FARTHEST", timedelta(hours=1))
    due = buses.clock() + timedelta(hours=2, minutes=30)
    await bus.publish([Output(event(), "stream" if stream else "work", stream, due)])
    for _ in range(2):
        buses.clock.advance(3601)
        assert await receive_all(bus) == []
    buses.clock.advance(1801)
    (delivery,) = await receive_all(bus)
    assert (delivery.stream, delivery.attempt) == (stream, 1)


async def test_work_released_for_long_is_not_held_and_keeps_its_attempts(
    bus: NearBus, buses: AzureBuses
) -> None:
    await bus.publish([work()])
    for attempt in (1, 2, 3):
        (delivery,) = await receive_all(bus)
        assert delivery.attempt == attempt
        await bus.release(delivery, 3600)
        assert bus.in_hand() == []
        buses.clock.advance(3601)


# --- hosts ----------------------------------------------------------------------------------------


async def hosted(bus: NearBus, output: Output, count: int = 1) -> Delivery | None:
    """As Azure Functions has it: received by somebody else, and handed over."""
    event_json = encode_event_whole(output.event)
    parcel = await parcels.packed(output, event_json, bus._blobs, bus._clock())
    return await bus.delivery_of(
        parcel.body, message_id=parcel.id, session_id=parcel.session, delivery_count=count
    )


async def test_what_a_host_received_is_settled_and_left_to_it(bus: NearBus) -> None:
    cause, output = keyed("run:1"), work()
    delivery = await hosted(bus, cause)
    assert delivery is not None
    assert (delivery.event, delivery.stream, delivery.attempt) == (cause.event, "run:1", 1)
    assert await outcomes(bus, committed(delivery, 0, output)) == ["ok"]
    assert [d.event.id for d in await receive_all(bus)] == [output.event.id]


async def test_what_a_host_received_again_needs_no_handling_when_it_was_decided(
    bus: NearBus,
) -> None:
    cause, output = keyed("run:1"), work()
    delivery = await hosted(bus, cause)
    assert delivery is not None
    await bus.settle([committed(delivery, 0, output)])
    assert await hosted(bus, cause, 2) is None
    assert len(await receive_all(bus)) == 1


async def test_acknowledging_what_a_host_received_again_sends_what_was_not_sent(
    bus: NearBus,
) -> None:
    cause = keyed("run:1")
    delivery = await hosted(bus, cause)
    assert delivery is not None
    await bus.settle([committed(delivery, 0, work())])
    assert await outcomes(bus, committed(delivery, 1)) == ["conflict"]
    assert await outcomes(bus, Settlement((delivery,))) == ["ok"]


async def test_a_hosts_work_may_be_put_off(bus: NearBus, buses: AzureBuses) -> None:
    step = work()
    delivery = await hosted(bus, step)
    assert delivery is not None
    await bus.release(delivery, 60)
    assert await receive_all(bus) == []
    buses.clock.advance(61)
    (again,) = await receive_all(bus)
    assert (again.event, again.attempt) == (step.event, 2)
