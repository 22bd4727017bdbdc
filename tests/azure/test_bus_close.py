"""A process that closes gives back what it has: whoever comes next need not wait for the end of a lock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusReceiver

from backend.bus.azure.bus import AzureBus
from backend.bus.azure.inbox import Held
from backend.bus.azure.namespace import Namespace
from backend.bus.azure.receivers import WorkTap
from backend.contracts.errors import Unavailable
from backend.stores.azure.containers import LOG
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.folder import FolderBlobs
from tests.azure.buses import QUICK, ask, service_bus
from tests.azure.doubles import cosmos_account
from tests.azure.servicebus.handlers import LEAKS, Handlers
from tests.conformance.adapters import work

pytestmark = [pytest.mark.filterwarnings(each) for each in LEAKS]

SOON_S = 5.0
"""Of a lock of a minute."""
DEAD = ServiceBusSubQueue.DEAD_LETTER


@pytest.fixture
async def bus(tmp_path: Path, name: str) -> AsyncIterator[AzureBus]:
    for queue, sessions in ((name, True), (f"{name}-work", False)):
        properties = {"lock_duration": 60.0, "max_delivery_count": 10, "duplicate_window": 7200}
        ask("POST", "/queues", {"name": queue, "requires_session": sessions, **properties})
    async with cosmos_account() as account:
        blobs = FolderBlobs(tmp_path / "blobs")
        connection = service_bus().connection_string
        namespace = Namespace(connection=connection, queue=name, handler_options=QUICK)
        store = CosmosStore(account, blobs)
        bus = AzureBus(namespace, account.items(LOG), store, blobs=blobs, look_s=0.1)
        await bus.start()
        yield bus
        await bus.close()


@contextlib.asynccontextmanager
async def receiver(
    queue: str, dead: ServiceBusSubQueue | None
) -> AsyncIterator[ServiceBusReceiver]:
    async with Handlers.of(service_bus().connection_string) as handlers:
        yield await handlers.receiver(queue, sub_queue=dead)


async def give_up(queue: str) -> None:
    """As a person does who moves a message there by hand."""
    async with receiver(queue, None) as hands:
        (message,) = await hands.receive_messages(1, max_wait_time=SOON_S)
        await hands.dead_letter_message(message)


async def can_be_had(queue: str, dead: ServiceBusSubQueue | None) -> bool:
    """Whether another process gets one at once."""
    async with receiver(queue, dead) as other:
        return len(await other.receive_messages(1, max_wait_time=SOON_S)) == 1


async def leased(bus: AzureBus) -> Held:
    (delivery,) = await bus.receive(1)
    found = bus._inbox.held(delivery)
    assert found is not None
    return found


@contextlib.asynccontextmanager
async def still_receiving(bus: AzureBus) -> AsyncIterator[None]:
    """As a worker with hands free."""
    receiving = asyncio.create_task(bus.receive(10))
    yield
    with contextlib.suppress(Unavailable):
        await receiving


async def until_more_is_asked_for(tap: WorkTap) -> None:
    while not _asks(tap.receiver):  # noqa: ASYNC110 - the SDK does not say when
        await asyncio.sleep(0)


def _asks(receiver: ServiceBusReceiver | None) -> bool:
    if receiver is None or not receiver._receive_context.is_set():
        return False
    return bool(receiver._handler._link.current_link_credit > 0)


@pytest.mark.parametrize("dead", [None, DEAD], ids=["work", "given up"])
async def test_what_is_leased_is_given_back_by_who_would_take_more(
    bus: AzureBus, name: str, dead: ServiceBusSubQueue | None
) -> None:
    queue = f"{name}-work"
    await bus.publish([work()])
    if dead:
        await give_up(queue)
    found = await leased(bus)
    async with still_receiving(bus):
        assert isinstance(found.source, WorkTap)
        await until_more_is_asked_for(found.source)
        await bus.close()
    assert await can_be_had(queue, dead)


@pytest.mark.parametrize("dead", [None, DEAD], ids=["work", "given up"])
@pytest.mark.parametrize("late", [False, True], ids=["not read", "read too late"])
async def test_what_arrives_while_it_closes_is_given_back(
    bus: AzureBus, name: str, dead: ServiceBusSubQueue | None, late: bool
) -> None:
    queue = f"{name}-work"
    await bus.publish([work()])
    if dead:
        await give_up(queue)
    arrived, closing, look_at = asyncio.Event(), asyncio.Event(), bus._arrivals.look_at

    async def slowly(*args: Any, **options: Any) -> Any:
        arrived.set()
        await closing.wait()
        if late:
            return await look_at(*args, **options)
        raise Unavailable("The log does not answer.")

    bus._arrivals.look_at = slowly  # type: ignore[method-assign]
    async with still_receiving(bus):
        await arrived.wait()
        ending = asyncio.create_task(bus.close())
        await asyncio.sleep(0)
        while any(tap.open for tap in bus._reception._plain):  # noqa: ASYNC110
            await asyncio.sleep(0)
        closing.set()
        await ending
    assert await can_be_had(queue, dead)


async def test_what_service_bus_gave_up_is_left_to_others_by_who_stops_receiving(
    bus: AzureBus, name: str
) -> None:
    await bus.publish([work()])
    await give_up(f"{name}-work")
    receiving = asyncio.create_task(bus.receive(1, work=False))
    while not bus._inbox.waiting(work=True):  # noqa: ASYNC110
        await asyncio.sleep(0)
    receiving.cancel()
    await asyncio.wait((receiving,))
    await bus._reception.let_go()
    assert await can_be_had(f"{name}-work", DEAD)


async def test_it_closes_though_what_is_leased_cannot_be_given_back(bus: AzureBus) -> None:
    await bus.publish([work()])
    tap = (await leased(bus)).source
    assert isinstance(tap, WorkTap)

    def gone() -> ServiceBusReceiver:
        raise ConnectionRefusedError

    await tap.pause()
    tap._connect = gone
    async with asyncio.timeout(SOON_S):
        await bus.close()
