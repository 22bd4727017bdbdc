"""The bus: publishing, receiving, releasing, claims."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from backend.contracts.errors import Invalid, Unavailable
from backend.contracts.ports import Bus, Commit, Output, Settlement
from tests.conformance.adapters import (
    Buses,
    Clock,
    event,
    keyed,
    receive_all,
    receive_one,
    work,
)


async def test_a_published_event_is_delivered_as_it_was(bus: Bus) -> None:
    sent = event(
        "thing.asked",
        {"text": "žluťoučký 🐎\u0000", "n": [1, 2.5, None, True], "nested": {"a": {"b": "c"}}},
        source="mail",
        category="input",
        metadata={"k": "v"},
        correlation_id="first",
        causation_id="before",
        schema_version=3,
        timestamp=datetime(2026, 3, 29, 1, 59, 59, 123456, UTC),
    )
    await bus.publish([Output(sent, "stream", "plan:1")])
    delivery = await receive_one(bus)
    assert delivery.event == sent
    assert (delivery.lane, delivery.stream, delivery.attempt) == ("stream", "plan:1", 1)


async def test_work_is_delivered_without_a_stream(bus: Bus) -> None:
    await bus.publish([work()])
    delivery = await receive_one(bus)
    assert (delivery.lane, delivery.stream) == ("work", None)


async def test_what_is_only_for_the_log_is_not_delivered(bus: Bus) -> None:
    await bus.publish([Output(event(), "log")])
    assert await receive_all(bus) == []


async def test_publishing_an_event_again_delivers_it_once(bus: Bus) -> None:
    once = keyed("run:1")
    await bus.publish([once, once])
    await bus.publish([once])
    assert len(await receive_all(bus)) == 1
    await bus.publish([once])
    assert await receive_all(bus) == []


async def test_an_event_its_stream_has_decided_is_not_delivered_again(bus: Bus) -> None:
    once = keyed("run:1")
    await bus.publish([once])
    delivery = await receive_one(bus)
    await bus.settle([Settlement(acks=(delivery,), commits=(Commit("run:1", 0, once.event),))])
    await bus.publish([once])
    assert await receive_all(bus) == []


async def test_no_more_than_the_limit_is_received_and_the_rest_stays(bus: Bus) -> None:
    await bus.publish([work() for _ in range(5)])
    assert len(await bus.receive(2)) == 2
    assert len(await receive_all(bus)) == 3


async def test_who_has_no_room_for_work_still_gets_what_streams_wait_for(bus: Bus) -> None:
    await bus.publish([work(), keyed("run:1"), work()])
    found = await bus.receive(10, work=False)
    assert [d.stream for d in found] == ["run:1"]
    assert [d.lane for d in await receive_all(bus)] == ["work", "work"]


async def test_a_receiver_may_leave_work_aside(bus: Bus) -> None:
    await bus.publish([work(), keyed("run:1"), work()])
    (decision,) = await bus.receive(10, work=False)
    assert decision.stream == "run:1"
    waiting = asyncio.create_task(bus.receive(10, work=False))
    await asyncio.sleep(0)
    await bus.publish([keyed("run:2")])
    assert [d.stream for d in await waiting] == ["run:2"]
    assert [d.lane for d in await receive_all(bus)] == ["work", "work"]


async def test_what_is_leased_is_not_delivered_again(bus: Bus, buses: Buses) -> None:
    other = await buses.open()
    await bus.publish([work()])
    await receive_one(bus)
    assert await receive_all(bus) == []
    assert await receive_all(other) == []


async def test_in_a_stream_the_oldest_comes_first(bus: Bus) -> None:
    sent = [keyed("run:1") for _ in range(20)]
    for output in sent:
        await bus.publish([output])
    received = [await receive_one(bus) for _ in range(5)] + list(await bus.receive(100))
    assert [d.event.id for d in received] == [output.event.id for output in sent]


async def test_a_stream_belongs_to_the_process_that_leases_of_it(bus: Bus, buses: Buses) -> None:
    other = await buses.open()
    await bus.publish([keyed("run:1"), keyed("run:1"), keyed("run:2")])
    first = await receive_one(bus)
    assert [d.stream for d in await receive_all(other)] == ["run:2"]
    await bus.settle([Settlement(acks=(first,))])
    assert [d.stream for d in await receive_all(other)] == ["run:1"]


async def test_a_stream_belongs_to_a_younger_process_just_as_well(bus: Bus, buses: Buses) -> None:
    younger = await buses.open()
    await bus.publish([keyed("run:1"), keyed("run:1")])
    first = await receive_one(younger)
    assert await receive_all(bus) == []
    await younger.settle([Settlement(acks=(first,))])
    assert [d.stream for d in await receive_all(bus)] == ["run:1"]


async def test_the_process_that_leases_of_a_stream_gets_its_next_messages_too(bus: Bus) -> None:
    await bus.publish([keyed("run:1"), keyed("run:1")])
    await receive_one(bus)
    assert (await receive_one(bus)).stream == "run:1"


async def test_an_event_is_delivered_when_it_is_due_and_not_before(bus: Bus, clock: Clock) -> None:
    await bus.publish([keyed("schedule:1", due=clock() + timedelta(hours=1))])
    assert await receive_all(bus) == []
    clock.advance(3601)
    assert len(await receive_all(bus)) == 1


async def test_an_event_due_in_the_past_is_delivered_at_once(bus: Bus, clock: Clock) -> None:
    await bus.publish([keyed("schedule:1", due=clock() - timedelta(hours=1))])
    assert (await receive_one(bus)).stream == "schedule:1"


async def test_what_is_due_later_does_not_hold_up_its_stream(bus: Bus, clock: Clock) -> None:
    await bus.publish([keyed("schedule:1", "later", due=clock() + timedelta(hours=1))])
    await bus.publish([keyed("schedule:1", "now")])
    assert [d.event.type for d in await receive_all(bus)] == ["now"]


async def test_a_waiting_receiver_hears_of_what_is_published(bus: Bus) -> None:
    waiting = asyncio.create_task(bus.receive(1))
    await asyncio.sleep(0)
    await bus.publish([work()])
    assert len(await waiting) == 1


async def test_a_waiting_receiver_hears_of_what_another_process_publishes(
    bus: Bus, buses: Buses
) -> None:
    other = await buses.open()
    waiting = asyncio.create_task(bus.receive(1))
    await asyncio.sleep(0)
    await other.publish([work()])
    assert len(await waiting) == 1


async def test_a_waiting_receiver_wakes_when_something_becomes_due(bus: Bus, clock: Clock) -> None:
    await bus.publish([work(), keyed("schedule:1", due=clock() + timedelta(milliseconds=30))])
    received = [await receive_one(bus), await receive_one(bus)]
    assert {delivery.stream for delivery in received} == {None, "schedule:1"}


async def test_a_cancelled_receive_loses_nothing(bus: Bus) -> None:
    await bus.publish([work() for _ in range(3)])
    receiving = asyncio.create_task(bus.receive(10))
    await asyncio.sleep(0)
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    received: list[str] = []
    while len(received) < 3:
        received += [d.event.id for d in await bus.receive(10)]
    assert len(set(received)) == 3


async def test_a_released_message_comes_back_with_its_next_attempt(bus: Bus) -> None:
    await bus.publish([work()])
    first = await receive_one(bus)
    await bus.release(first, 0)
    again = await receive_one(bus)
    assert (again.event, again.attempt) == (first.event, 2)


async def test_a_released_message_waits_for_its_delay(bus: Bus, clock: Clock) -> None:
    await bus.publish([work()])
    await bus.release(await receive_one(bus), 60)
    assert await receive_all(bus) == []
    clock.advance(61)
    assert len(await receive_all(bus)) == 1


async def test_a_released_message_keeps_its_place_in_the_stream(bus: Bus, clock: Clock) -> None:
    await bus.publish([keyed("run:1", "first"), keyed("run:1", "second")])
    await bus.release(await receive_one(bus), 60)
    assert await receive_all(bus) == []
    clock.advance(61)
    assert [d.event.type for d in await receive_all(bus)] == ["first", "second"]


async def test_releasing_what_is_no_longer_held_changes_nothing(bus: Bus) -> None:
    await bus.publish([work()])
    first = await receive_one(bus)
    await bus.release(first, 0)
    await receive_one(bus)
    await bus.release(first, 0)
    assert await receive_all(bus) == []


async def test_what_a_killed_process_had_is_delivered_again(bus: Bus, buses: Buses) -> None:
    await bus.publish([keyed("run:1", "first"), keyed("run:1", "second"), work("third")])
    await bus.receive(10)
    await buses.kill(bus)
    received = await receive_all(await buses.recover())
    assert [(d.event.type, d.attempt) for d in received] == [
        ("first", 2),
        ("second", 2),
        ("third", 2),
    ]


async def test_what_a_closed_process_had_goes_to_another_at_once(bus: Bus, buses: Buses) -> None:
    other = await buses.open()
    await bus.publish([keyed("run:1")])
    await receive_one(bus)
    await bus.close()
    assert (await receive_one(other)).attempt == 2


async def test_a_closed_bus_receives_nothing(bus: Bus) -> None:
    waiting = asyncio.create_task(bus.receive(1))
    await asyncio.sleep(0)
    await bus.close()
    with pytest.raises(Unavailable):
        await waiting


async def test_a_keyed_event_without_a_stream_is_refused(bus: Bus) -> None:
    with pytest.raises(Invalid):
        await bus.publish([Output(event(), "stream")])


async def test_a_due_time_without_a_zone_is_refused(bus: Bus) -> None:
    with pytest.raises(Invalid):
        await bus.publish([Output(event(), "work", None, datetime(2026, 1, 1))])  # noqa: DTZ001


async def test_a_value_that_is_not_json_is_refused(bus: Bus) -> None:
    with pytest.raises(Invalid):
        await bus.publish([work(data={"it": object()})])
    assert await receive_all(bus) == []


async def test_what_json_cannot_carry_arrives_as_near_as_it_can(bus: Bus) -> None:
    data = {"n": 10**30, "nan": float("nan"), "half": "a\ud800b", "keys": {1: "x"}}
    await bus.publish([work(data=data)])
    received = (await receive_one(bus)).event.data
    assert received == {"n": 1e30, "nan": None, "half": "a?b", "keys": {"1": "x"}}


@pytest.mark.parametrize("size", [31_000, 33_000, 3_000_000])
async def test_large_values_arrive_whole(bus: Bus, size: int) -> None:
    sent = event("thing.asked", {"page": "x" * size, "list": ["y" * size], "small": 1})
    await bus.publish([Output(sent, "work")])
    assert (await receive_one(bus)).event == sent


async def test_a_value_that_looks_like_a_reference_arrives_as_it_was(bus: Bus) -> None:
    sent = event("thing.asked", {"page": {"$blob": "0" * 64}, "more": [{"$blob": 1}]})
    await bus.publish([Output(sent, "work")])
    assert (await receive_one(bus)).event == sent


async def test_an_effect_is_claimed_once(bus: Bus) -> None:
    await bus.publish([work()])
    delivery = await receive_one(bus)
    assert await bus.claim(delivery, "key", [keyed("run:1", "started")])
    assert not await bus.claim(delivery, "key", [keyed("run:1", "started again")])
    assert [d.event.type for d in await receive_all(bus)] == ["started"]


async def test_a_claim_outlives_the_process_that_made_it(bus: Bus, buses: Buses) -> None:
    await bus.publish([work()])
    assert await bus.claim(await receive_one(bus), "key")
    await buses.kill(bus)
    other = await buses.recover()
    assert not await other.claim(await receive_one(other), "key")


async def test_a_lost_lease_claims_nothing(bus: Bus) -> None:
    await bus.publish([work()])
    lost = await receive_one(bus)
    await bus.release(lost, 0)
    assert not await bus.claim(lost, "key", [keyed("run:1")])
    held = await receive_one(bus)
    assert await bus.claim(held, "key")
    assert await receive_all(bus) == []
