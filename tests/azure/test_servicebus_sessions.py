"""The Service Bus double, judged by the real SDK: queues with sessions."""

from __future__ import annotations

import asyncio

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusReceiver
from azure.servicebus.exceptions import (
    OperationTimeoutError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from tests.azure.servicebus.double import ServiceBus
from tests.azure.servicebus.handlers import Handlers
from tests.azure.servicebus.messages import in_seconds, nothing_comes, one, said

pytestmark = pytest.mark.asyncio(loop_scope="module")


def of(session: str, *texts: str) -> list[ServiceBusMessage]:
    return [ServiceBusMessage(text, session_id=session) for text in texts]


async def texts(receiver: ServiceBusReceiver, count: int) -> list[str]:
    """So many, completed one after the other."""
    found: list[str] = []
    while len(found) < count:
        for message in await receiver.receive_messages(count - len(found), max_wait_time=20):
            found.append(said(message))
            await receiver.complete_message(message)
    return found


async def test_a_message_without_a_session_is_refused_with_its_whole_batch(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True)
    sender = await handlers.sender(name)
    with pytest.raises(ServiceBusError, match="SessionId was not set"):
        await sender.send_messages(ServiceBusMessage("x"))
    with pytest.raises(ServiceBusError, match="SessionId was not set"):
        await sender.send_messages([*of("a", "good"), ServiceBusMessage("bad")])
    with pytest.raises(ServiceBusError, match="SessionId was not set"):
        await sender.schedule_messages(ServiceBusMessage("x"), in_seconds(1e6))
    assert not any((await service_bus.counts(name)).values())


async def test_a_receiver_fits_its_queue_or_is_refused(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True)
    await service_bus.create(name + "-plain")
    with pytest.raises(ServiceBusError, match="not-allowed"):
        await handlers.receiver(name)
    with pytest.raises(ServiceBusError, match="not-allowed"):
        await handlers.receiver(name + "-plain", session_id="a")


async def test_a_session_comes_in_order_and_only_to_who_holds_it(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True)
    sender, first = await handlers.both(name, session_id="a")
    second = await handlers.receiver(name, session_id="b")
    for number in range(10):
        await sender.send_messages([*of("a", f"a{number}"), *of("b", f"b{number}")])
    assert await texts(second, 10) == [f"b{number}" for number in range(10)]
    assert await texts(first, 10) == [f"a{number}" for number in range(10)]
    assert (await service_bus.counts(name))["sessions"] == ["a", "b"]


async def test_a_session_that_is_held_is_not_given_again(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True)
    sender, holder = await handlers.both(name, session_id="a")
    await sender.send_messages(of("a", "1"))
    with pytest.raises(SessionCannotBeLockedError):
        await handlers.receiver(name, session_id="a")
    with pytest.raises(OperationTimeoutError):
        await handlers.any_session(name, max_wait_time=0.2)
    await holder.close()
    other = await handlers.receiver(name, session_id="a")
    assert await texts(other, 1) == ["1"]


async def test_who_waits_for_any_session_gets_the_next_with_messages(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True)
    sender = await handlers.sender(name)
    waiting = asyncio.create_task(handlers.any_session(name, max_wait_time=20))
    while not (await service_bus.counts(name))["waiting"]:
        assert not waiting.done()
    await sender.send_messages([*of("b", "b1"), *of("c", "c1")])
    receiver = await waiting
    assert receiver.session.session_id == "b"
    other = await handlers.any_session(name, max_wait_time=20)
    assert other.session.session_id == "c"
    assert (await texts(receiver, 1), await texts(other, 1)) == (["b1"], ["c1"])


async def test_a_session_keeps_its_state_for_the_next_who_holds_it(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True)
    receiver = await handlers.receiver(name, session_id="a")
    assert await receiver.session.get_state() is None
    await receiver.session.set_state(b"half way")
    await receiver.close()
    other = await handlers.receiver(name, session_id="a")
    assert await other.session.get_state() == b"half way"
    await other.session.set_state(None)
    assert await other.session.get_state() is None


async def test_a_session_whose_lock_ran_out_goes_on_in_order_elsewhere(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True, lock_duration=30)
    sender, slow = await handlers.both(name, session_id="a")
    await sender.send_messages(of("a", "1", "2", "3"))
    taken = await slow.receive_messages(2, max_wait_time=20)
    await service_bus.advance(31)
    other = await handlers.receiver(name, session_id="a")
    with pytest.raises(SessionLockLostError):
        await slow.complete_message(taken[0])
    got = await other.receive_messages(3, max_wait_time=20)
    assert [(said(each), each.delivery_count) for each in got] == [("1", 1), ("2", 1), ("3", 0)]


async def test_a_renewed_session_outlives_its_first_end(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True, lock_duration=30)
    sender, receiver = await handlers.both(name, session_id="a")
    await sender.send_messages(of("a", "1"))
    got = await one(receiver)
    for _ in range(3):
        await service_bus.advance(20)
        await receiver.session.renew_lock()
    await receiver.complete_message(got)
    assert (await service_bus.counts(name))["sessions"] == ["a"]


async def test_a_session_that_is_closed_is_free_at_once_and_nothing_has_failed(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True)
    sender, receiver = await handlers.both(name, session_id="a")
    await sender.send_messages(of("a", "1", "2"))
    await receiver.receive_messages(2, max_wait_time=20)
    await receiver.close()
    other = await handlers.any_session(name, max_wait_time=20)
    got = await other.receive_messages(2, max_wait_time=20)
    assert [(said(each), each.delivery_count) for each in got] == [("1", 0), ("2", 0)]


async def test_what_is_abandoned_in_a_session_comes_before_what_is_behind_it(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True)
    sender, receiver = await handlers.both(name, session_id="a")
    await sender.send_messages(of("a", "1", "2", "3"))
    got = await receiver.receive_messages(2, max_wait_time=20)
    for each in got:
        await receiver.abandon_message(each)
    assert await texts(receiver, 3) == ["1", "2", "3"]


async def test_a_message_deferred_in_a_session_is_for_its_holder(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True)
    sender, receiver = await handlers.both(name, session_id="a")
    await sender.send_messages(of("a", "1", "2"))
    got = await one(receiver)
    assert got.sequence_number is not None
    await receiver.defer_message(got)
    assert await texts(receiver, 1) == ["2"]
    other = await handlers.receiver(name, session_id="b")
    with pytest.raises(ServiceBusError):
        await other.receive_deferred_messages(got.sequence_number)
    (again,) = await receiver.receive_deferred_messages(got.sequence_number)
    await receiver.complete_message(again)
    assert await nothing_comes(receiver)


async def test_a_scheduled_message_joins_its_session_when_it_is_due(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True, lock_duration=300)
    sender, receiver = await handlers.both(name, session_id="a")
    due = in_seconds(await service_bus.ahead() + 200)
    await sender.schedule_messages(of("a", "scheduled"), due)
    await sender.send_messages(of("a", "sent later"))
    await service_bus.advance(201)
    assert await texts(receiver, 2) == ["sent later", "scheduled"]


async def test_the_dead_letters_of_a_session_queue_have_no_sessions(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True)
    sender, receiver = await handlers.both(name, session_id="a")
    await sender.send_messages(of("a", "1"))
    await receiver.dead_letter_message(await one(receiver), reason="broken")
    dead = await handlers.receiver(name, sub_queue="deadletter")
    letter = await one(dead)
    assert (said(letter), letter.session_id) == ("1", "a")
