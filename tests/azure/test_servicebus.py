"""The Service Bus double, judged by the real SDK: plain queues."""

from __future__ import annotations

import datetime

import pytest
from azure.servicebus import (
    ServiceBusMessage,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageNotFoundError,
)

from tests.azure.servicebus.double import ServiceBus
from tests.azure.servicebus.handlers import Handlers
from tests.azure.servicebus.messages import in_seconds, nothing_comes, one, said

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_message_arrives_as_it_was_sent(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    sent = ServiceBusMessage(
        "x" * 200_000,
        message_id="m1",
        session_id="s1",
        correlation_id="c1",
        subject="greeting",
        content_type="text/plain",
        reply_to="back",
        application_properties={"number": 5, "text": "ö", "truth": True, "share": 0.5},
        time_to_live=datetime.timedelta(hours=1),
    )
    await sender.send_messages(sent)
    got = await one(receiver)
    assert said(got) == "x" * 200_000
    assert (got.message_id, got.session_id, got.correlation_id) == ("m1", "s1", "c1")
    assert (got.subject, got.content_type, got.reply_to) == ("greeting", "text/plain", "back")
    properties = got.application_properties
    assert properties == {b"number": 5, b"text": "ö".encode(), b"truth": True, b"share": 0.5}
    assert (got.delivery_count, got.sequence_number) == (0, 1)
    assert got.time_to_live == datetime.timedelta(hours=1)


async def test_what_is_completed_is_gone(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    await sender.send_messages(ServiceBusMessage("once"))
    await receiver.complete_message(await one(receiver))
    counts = await service_bus.counts(name)
    assert not any(counts.values())


async def test_an_abandoned_message_comes_first_again_until_it_is_dead(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, max_delivery_count=2)
    sender, receiver = await handlers.both(name)
    await sender.send_messages([ServiceBusMessage("first"), ServiceBusMessage("second")])
    for failed in (0, 1):
        got = await one(receiver)
        assert (said(got), got.delivery_count) == ("first", failed)
        await receiver.abandon_message(got)
    assert said(await one(receiver)) == "second"
    dead = await handlers.receiver(name, sub_queue=ServiceBusSubQueue.DEAD_LETTER)
    letter = await one(dead)
    assert (said(letter), letter.dead_letter_reason) == ("first", "MaxDeliveryCountExceeded")
    assert letter.dead_letter_source == name


async def test_a_dead_letter_says_why_and_can_be_completed(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    await sender.send_messages(ServiceBusMessage("x", application_properties={"kept": "yes"}))
    got = await one(receiver)
    await receiver.dead_letter_message(got, reason="broken", error_description="it broke")
    assert (await service_bus.counts(name))["dead"] == 1
    dead = await handlers.receiver(name, sub_queue="deadletter")
    letter = await one(dead)
    assert letter.dead_letter_reason == "broken"
    assert letter.dead_letter_error_description == "it broke"
    assert letter.application_properties and letter.application_properties[b"kept"] == b"yes"
    await dead.complete_message(letter)
    assert (await service_bus.counts(name))["dead"] == 0


async def test_a_deferred_message_comes_only_by_its_number(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    await sender.send_messages(ServiceBusMessage("later"))
    got = await one(receiver)
    assert got.sequence_number is not None
    await receiver.defer_message(got)
    assert (await service_bus.counts(name))["deferred"] == 1
    assert await nothing_comes(receiver)
    (again,) = await receiver.receive_deferred_messages(got.sequence_number)
    assert said(again) == "later"
    await receiver.complete_message(again)
    with pytest.raises(MessageNotFoundError):
        await receiver.receive_deferred_messages(got.sequence_number)


async def test_a_message_whose_lock_ran_out_is_delivered_again_and_settled_no_more(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, lock_duration=30)
    sender, receiver = await handlers.both(name)
    await sender.send_messages(ServiceBusMessage("slow"))
    late = await one(receiver)
    await service_bus.advance(31)
    with pytest.raises(MessageLockLostError):
        await receiver.complete_message(late)
    again = await one(receiver)
    assert (said(again), again.delivery_count) == ("slow", 1)
    await receiver.complete_message(again)


async def test_a_renewed_lock_outlives_its_first_end(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, lock_duration=30)
    sender, receiver = await handlers.both(name)
    await sender.send_messages(ServiceBusMessage("long"))
    got = await one(receiver)
    first_end = got.locked_until_utc
    for _ in range(3):
        await service_bus.advance(20)
        await receiver.renew_message_lock(got)
    assert first_end and got.locked_until_utc and got.locked_until_utc > first_end
    await receiver.complete_message(got)
    assert not any((await service_bus.counts(name)).values())


async def test_a_lock_of_one_receiver_hides_the_message_from_another(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    other = await handlers.receiver(name)
    await sender.send_messages(ServiceBusMessage("mine"))
    got = await one(receiver)
    assert await nothing_comes(other)
    await receiver.abandon_message(got)
    assert said(await one(other)) == "mine"


async def test_what_is_scheduled_comes_when_it_is_due(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    ahead = await service_bus.ahead()
    later = ServiceBusMessage("later", scheduled_enqueue_time_utc=in_seconds(ahead + 600))
    await sender.send_messages(later)
    await sender.schedule_messages(ServiceBusMessage("sooner"), in_seconds(ahead + 300))
    await sender.schedule_messages(ServiceBusMessage("past"), in_seconds(-300))
    await receiver.complete_message(past := await one(receiver))
    assert said(past) == "past"
    assert (await service_bus.counts(name))["scheduled"] == 2
    await service_bus.advance(400)
    await receiver.complete_message(sooner := await one(receiver))
    assert said(sooner) == "sooner"
    await service_bus.advance(400)
    assert said(await one(receiver)) == "later"


async def test_a_cancelled_message_never_comes(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender = await handlers.sender(name)
    numbers = await sender.schedule_messages(ServiceBusMessage("never"), in_seconds(1e6))
    await sender.cancel_scheduled_messages(numbers)
    assert (await service_bus.counts(name))["scheduled"] == 0
    with pytest.raises(MessageNotFoundError):
        await sender.cancel_scheduled_messages(numbers)


async def test_peeking_sees_everything_and_locks_nothing(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    await sender.send_messages([ServiceBusMessage("locked"), ServiceBusMessage("free")])
    await sender.schedule_messages(ServiceBusMessage("scheduled"), in_seconds(1e6))
    await one(receiver)
    seen = await receiver.peek_messages(10, sequence_number=1)
    assert [said(each) for each in seen] == ["locked", "free", "scheduled"]
    assert [each.state.value for each in seen] == [0, 0, 2]
    assert said(await one(receiver)) == "free"


async def test_a_batch_comes_in_its_order(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    batch = await sender.create_message_batch()
    for number in range(20):
        batch.add_message(ServiceBusMessage(str(number)))
    await sender.send_messages(batch)
    got = await receiver.receive_messages(20, max_wait_time=5)
    assert [said(each) for each in got] == [str(number) for number in range(20)]


async def test_a_receiver_that_deletes_settles_nothing(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
    sender, receiver = await handlers.both(name, receive_mode=mode)
    await sender.send_messages(ServiceBusMessage("gone"))
    assert said(await one(receiver)) == "gone"
    counts = await service_bus.counts(name)
    assert (counts["active"], counts["locked"]) == (0, 0)


async def test_a_receiver_that_closes_gives_back_what_nobody_took_from_it(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name, prefetch_count=10)
    await sender.send_messages([ServiceBusMessage(str(number)) for number in range(5)])
    taken = await one(receiver)
    await receiver.close()
    counts = await service_bus.counts(name)
    # what was taken stays locked for its time, as in Azure
    assert (counts["active"], counts["locked"]) == (4, 1)
    other = await handlers.receiver(name)
    assert (said(taken), said(got := await one(other)), got.delivery_count) == ("0", "1", 0)


@pytest.mark.parametrize("dead_letter_expired", [False, True])
async def test_an_expired_message_is_not_delivered(
    service_bus: ServiceBus, handlers: Handlers, name: str, dead_letter_expired: bool
) -> None:
    await service_bus.create(name, default_ttl=600, dead_letter_expired=dead_letter_expired)
    sender, receiver = await handlers.both(name)
    short = datetime.timedelta(seconds=60)
    await sender.send_messages(ServiceBusMessage("short", time_to_live=short))
    await sender.send_messages(ServiceBusMessage("default"))
    await service_bus.advance(61)
    assert (await service_bus.counts(name))["active"] == 1
    await service_bus.advance(600)
    counts = await service_bus.counts(name)
    assert (counts["active"], counts["dead"]) == (0, 2 if dead_letter_expired else 0)
    assert await nothing_comes(receiver)


async def test_a_duplicate_is_taken_and_forgotten_within_the_window(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, duplicate_window=60)
    sender = await handlers.sender(name)
    for _ in range(3):
        await sender.send_messages(ServiceBusMessage("x", message_id="same"))
    await sender.send_messages([ServiceBusMessage("x", message_id=each) for each in ("same", "b")])
    await sender.schedule_messages(ServiceBusMessage("x", message_id="same"), in_seconds(1e6))
    counts = await service_bus.counts(name)
    assert (counts["active"], counts["scheduled"]) == (2, 0)
    await service_bus.advance(61)
    await sender.send_messages(ServiceBusMessage("x", message_id="same"))
    assert (await service_bus.counts(name))["active"] == 3
