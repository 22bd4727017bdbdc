"""The Service Bus double, judged by the real SDK: what goes wrong on purpose."""

from __future__ import annotations

import asyncio

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessagingEntityNotFoundError,
    ServiceBusConnectionError,
    ServiceBusError,
    ServiceBusQuotaExceededError,
    ServiceBusServerBusyError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from tests.azure.servicebus.double import ServiceBus
from tests.azure.servicebus.handlers import LEAKS, Handlers
from tests.azure.servicebus.messages import in_seconds, one, said

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.filterwarnings(*LEAKS)]


async def test_a_broken_connection_leaves_messages_locked_until_their_time(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, lock_duration=30)
    sender, receiver = await handlers.both(name)
    await sender.send_messages(ServiceBusMessage("x"))
    await one(receiver)
    await service_bus.drop(name)
    assert (await service_bus.counts(name))["locked"] == 1
    await service_bus.advance(31)
    again = await one(await handlers.receiver(name))
    assert (said(again), again.delivery_count) == ("x", 1)


async def test_a_broken_connection_frees_its_session_unless_nobody_noticed(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, requires_session=True, lock_duration=30)
    sender, first = await handlers.both(name, session_id="a")
    await sender.send_messages(ServiceBusMessage("x", session_id="a"))
    got = await one(first)
    await service_bus.drop(name)
    with pytest.raises(ServiceBusConnectionError):
        await first.complete_message(got)
    with pytest.raises(SessionLockLostError):
        await first.complete_message(got)
    second = await handlers.receiver(name, session_id="a")
    assert (await one(second)).delivery_count == 0
    await service_bus.drop(name, silent=True)
    with pytest.raises(SessionCannotBeLockedError):
        await handlers.receiver(name, session_id="a")
    await service_bus.advance(31)
    third = await handlers.receiver(name, session_id="a")
    assert (await one(third)).delivery_count == 1


async def test_a_link_detached_by_force_is_opened_anew_and_locks_outlive_it(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    await sender.send_messages([ServiceBusMessage("a"), ServiceBusMessage("b")])
    got = await one(receiver)
    await service_bus.detach(name)
    with pytest.raises(ServiceBusError):
        await sender.send_messages(ServiceBusMessage("c"))
    with pytest.raises(ServiceBusError):
        await one(receiver)
    await sender.send_messages(ServiceBusMessage("d"))
    assert said(await one(receiver)) == "b"
    await receiver.complete_message(got)
    counts = await service_bus.counts(name)
    assert (counts["locked"], counts["active"]) == (1, 1)


async def test_a_queue_is_created_once_within_the_limits_and_deleted_with_its_links(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    with pytest.raises(ValueError, match="already"):
        await service_bus.create(name)
    with pytest.raises(ValueError, match="more than 300"):
        await service_bus.create(name + "-2", lock_duration=301)
    sender = await handlers.sender(name)
    await service_bus.delete(name)
    with pytest.raises(ServiceBusError):
        await sender.send_messages(ServiceBusMessage("x"))
    with pytest.raises(MessagingEntityNotFoundError):
        await sender.send_messages(ServiceBusMessage("x"))


async def test_a_settlement_whose_answer_is_lost_was_done(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    await sender.send_messages(ServiceBusMessage("x"))
    got = await one(receiver)
    await service_bus.fault("lose-settle-reply", queue=name, count=1)
    with pytest.raises(ServiceBusError):
        await receiver.complete_message(got)
    assert not any((await service_bus.counts(name)).values())


async def test_a_send_whose_answer_is_lost_was_done(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender = await handlers.sender(name)
    await service_bus.fault("lose-send-reply", queue=name, count=1)
    with pytest.raises(ServiceBusError):
        await sender.send_messages(ServiceBusMessage("x"))
    assert (await service_bus.counts(name))["active"] == 1


async def test_an_operation_whose_connection_breaks_before_it_was_not_done(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    await service_bus.fault("drop-operation", queue=name, every=2)
    await sender.send_messages(ServiceBusMessage("first"))
    with pytest.raises(ServiceBusError):
        await sender.send_messages(ServiceBusMessage("second"))
    await receiver.complete_message(await one(receiver))
    with pytest.raises(ServiceBusError):
        await receiver.peek_messages(1)
    assert not any((await service_bus.counts(name)).values())


async def test_a_connection_breaks_at_its_nth_frame(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender = await handlers.sender(name)
    await service_bus.fault("drop-frame", queue=name, every=3, count=1)
    with pytest.raises(ServiceBusError):
        for sent in range(10):
            await sender.send_messages(ServiceBusMessage(str(sent)))
    assert sent == 2
    assert (await service_bus.counts(name))["active"] == 2


async def test_a_refused_settlement_says_that_the_lock_is_lost(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    await sender.send_messages([ServiceBusMessage("a"), ServiceBusMessage("b")])
    await service_bus.fault("refuse-settle", queue=name, count=1)
    with pytest.raises(MessageLockLostError):
        await receiver.complete_message(await one(receiver))
    await receiver.complete_message(await one(receiver))
    counts = await service_bus.counts(name)
    assert (counts["locked"], counts["active"]) == (1, 0)


async def test_a_completed_message_comes_again(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender, receiver = await handlers.both(name)
    await sender.send_messages(ServiceBusMessage("x"))
    await service_bus.fault("redeliver", queue=name, count=1)
    await receiver.complete_message(await one(receiver))
    again = await one(receiver)
    assert said(again) == "x"
    await receiver.complete_message(again)
    assert not any((await service_bus.counts(name)).values())


async def test_a_full_queue_and_a_busy_server_take_nothing(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender = await handlers.sender(name)
    for kind, error in (
        ("quota", ServiceBusQuotaExceededError),
        ("busy", ServiceBusServerBusyError),
    ):
        await service_bus.fault(kind, queue=name, count=2)
        with pytest.raises(error):
            await sender.send_messages(ServiceBusMessage("x"))
        with pytest.raises(error):
            await sender.schedule_messages(ServiceBusMessage("x"), in_seconds(1e6))
    assert not any((await service_bus.counts(name)).values())
    await sender.send_messages(ServiceBusMessage("x"))


async def test_a_late_answer_comes_after_what_was_done(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender = await handlers.sender(name)
    await service_bus.fault("delay", queue=name, seconds=3600, count=1)
    sending = asyncio.create_task(sender.send_messages(ServiceBusMessage("x")))
    while not (await service_bus.counts(name))["active"]:
        assert not sending.done()
    await service_bus.drop(name)
    with pytest.raises(ServiceBusError):
        await sending


async def test_faults_by_chance_are_the_same_for_the_same_seed(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender = await handlers.sender(name)
    seen = []
    for _ in range(2):
        await service_bus.fault("quota", queue=name, rate=0.5, seed=7)
        for _ in range(20):
            try:
                await sender.send_messages(ServiceBusMessage("x"))
                seen.append(True)
            except ServiceBusQuotaExceededError:
                seen.append(False)
        await service_bus.clear_faults()
    assert seen[:20] == seen[20:]
    assert {True, False} == set(seen)


async def test_a_fault_nobody_knows_is_refused(service_bus: ServiceBus) -> None:
    with pytest.raises(ValueError, match="lose-send-reply"):
        await service_bus.fault("lose-everything")
