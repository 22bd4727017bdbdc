"""The functions over the real SDKs: their host receives from Service Bus, hands over, completes."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.functions.servicebus import ServiceBusMessage
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

from backend.bootstrap import System, open_system
from backend.bus.azure.bus import AzureBus
from backend.bus.azure.handlers import cancel
from backend.bus.azure.namespace import Namespace
from backend.contracts.errors import Unavailable
from backend.contracts.ports import DeadLetter
from backend.deploy import function_app
from backend.deploy.host import Host
from backend.stores.azure.account import CosmosAccount
from backend.stores.azure.containers import LOG, containers
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.folder import FolderBlobs
from backend.workers.hosted import Handler
from tests.azure.buses import PROPERTIES, QUICK, AzureBuses, ask, service_bus
from tests.azure.doubles import cosmos_connection, storage_connection
from tests.conformance.adapters import Clock
from tests.deploy.test_functions import FUNCTIONS
from tests.systems import completed, plan, settings_for
from tests.workers.engine import Deeds, Engine, step


class FunctionsHost:
    """What Azure's host does with its own connection. `forgetful` are causes whose first completion is
    lost, as when the host dies right before it."""

    def __init__(self, buses: AzureBuses, *forgetful: str) -> None:
        self.queue = buses.queue
        self.raised: list[Exception] = []
        self.forgetful = set(forgetful)
        self.handed: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def running(self, *sessions: Any) -> AsyncIterator[None]:
        connection = service_bus().connection_string
        async with (
            ServiceBusClient.from_connection_string(connection) as client,
            asyncio.TaskGroup() as group,
        ):
            work = client.get_queue_receiver(f"{self.queue}-work", **QUICK)
            dead = client.get_queue_receiver(self.queue, sub_queue="deadletter", **QUICK)
            tasks = [
                group.create_task(self._pump(work, "work")),
                group.create_task(self._pump(dead, "decide_dead")),
            ]
            for session in sessions:
                streams = client.get_queue_receiver(self.queue, session_id=session, **QUICK)
                tasks.append(group.create_task(self._pump(streams, "decide")))
            yield
            await asyncio.gather(*map(cancel, tasks))

    async def _pump(self, receiver: ServiceBusReceiver, name: str) -> None:
        async with receiver:
            await self._hand_over(receiver, name)

    async def _hand_over(self, receiver: ServiceBusReceiver, name: str) -> None:
        function = FUNCTIONS[name].get_user_function()
        while True:
            for message in await receiver.receive_messages(1, max_wait_time=5):
                try:
                    await function(handed_over(message))
                except Exception as error:  # noqa: BLE001 - whatever it is, the host gives it back
                    self.raised.append(error)
                    await receiver.abandon_message(message)
                    continue
                self.handed[message.message_id or ""] += 1
                if name in self.forgetful:
                    self.forgetful.remove(name)
                    await receiver.abandon_message(message)
                else:
                    await receiver.complete_message(message)


def handed_over(message: ServiceBusReceivedMessage) -> ServiceBusMessage:
    return ServiceBusMessage(
        body=b"".join(message.body),
        message_id=message.message_id or "",
        session_id=message.session_id,
        # The wire counts failed deliveries; the host counts this one too.
        delivery_count=(message.delivery_count or 0) + 1,
        dead_letter_reason=message.dead_letter_reason,
        dead_letter_error_description=message.dead_letter_error_description,
        application_properties={},
        user_properties={},
    )


@pytest.fixture
async def buses(tmp_path: Path) -> AsyncIterator[AzureBuses]:
    buses = AzureBuses(tmp_path, Clock())
    yield buses
    await buses.close()


@pytest.fixture
async def engine(
    buses: AzureBuses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Engine]:
    connection = cosmos_connection()
    account = CosmosAccount(
        connection=connection, database=buses._database, containers=containers()
    )
    blobs = FolderBlobs(tmp_path / "blobs")
    store = CosmosStore(account, blobs)
    namespace = Namespace(
        connection=service_bus().connection_string, queue=buses.queue, handler_options=QUICK
    )
    await account.start()
    bus = AzureBus(namespace, account.items(LOG), store, blobs=blobs)
    await bus.start()
    engine = Engine(bus, store, tmp_path, Deeds())

    @contextlib.asynccontextmanager
    async def system() -> AsyncIterator[Any]:
        yield SimpleNamespace(
            lightning=SimpleNamespace(bus=bus, store=engine.store), processor=engine.processor
        )

    host = Host(system)
    monkeypatch.setattr(function_app, "host", host)
    yield engine
    await host.close()
    await bus.close()
    await account.close()


CHAIN = [step("one"), step("send", "one", tool="effect"), step("last", "send")]


async def test_a_run_ends_on_service_bus_and_cosmos_db(engine: Engine, buses: AzureBuses) -> None:
    await engine.start(CHAIN)
    async with FunctionsHost(buses).running("run:r1"):
        state = await engine.until("r1", "completed", "failed", "waiting", "stalled")
    assert state.status == "completed"
    assert engine.deeds.done == Counter({"one": 1, "send": 1, "last": 1})


async def test_what_the_host_could_not_complete_comes_again_and_is_not_done_again(
    engine: Engine, buses: AzureBuses
) -> None:
    host = FunctionsHost(buses, "decide", "work")
    await engine.start(CHAIN)
    async with host.running("run:r1"):
        state = await engine.until("r1", "completed", "failed", "waiting", "stalled")
    assert state.status == "completed"
    assert sorted(host.handed.values())[-2:] == [2, 2]
    assert engine.deeds.done == Counter({"one": 1, "send": 1, "last": 1})


async def until_dead(engine: Engine) -> Sequence[DeadLetter]:
    while True:
        if letters := await engine.bus.dead_letters():
            return letters
        await asyncio.sleep(0.02)


async def test_what_the_host_delivered_in_vain_until_service_bus_gave_it_up_stalls_its_run(
    engine: Engine, buses: AzureBuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is away for as long as the queue has patience; then it is there again."""
    ask("DELETE", f"/queues/{buses.queue}")
    named = {"name": buses.queue, "requires_session": True}
    ask("POST", "/queues", {**PROPERTIES, **named, "max_delivery_count": 3})
    host, settle = FunctionsHost(buses), engine.bus.settle

    async def away(*_: Any) -> Any:
        if len(host.raised) < 3:
            raise Unavailable("The log does not answer.")
        return await settle(*_)

    async def at_once(_: float) -> None:
        pass

    engine.bus.settle = away  # type: ignore[method-assign]
    monkeypatch.setattr(Handler.__init__, "__kwdefaults__", {"hold": at_once})
    await engine.start(CHAIN)
    async with host.running("run:r1"):
        stalled = await engine.until("r1", "stalled")
        (letter,) = await until_dead(engine)
        assert await engine.bus.replay(letter.delivery.event.id)
        state = await engine.until("r1", "completed")
    assert len(host.raised) == 3
    assert stalled.error is not None and "MaxDeliveryCountExceeded" in stalled.error["message"]
    assert state.status == "completed"


async def test_an_approved_plan_runs_on_a_system_with_azures_settings(
    buses: AzureBuses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(
        tmp_path,
        servicebus_connection=service_bus().connection_string,
        servicebus_queue=buses.queue,
        cosmos_connection=cosmos_connection(),
        cosmos_database=f"system-{buses.queue}",
        storage_connection=storage_connection(),
    )
    async with open_system(settings) as system:
        lightning = system.lightning

        @contextlib.asynccontextmanager
        async def the_same() -> AsyncIterator[System]:
            yield system

        monkeypatch.setattr(function_app, "host", Host(the_same))
        who = await lightning.users.local_user()
        write = {"path": "a.txt", "content": "hello"}
        document = plan({"name": "keep", "action": "file.write", "args": write})
        async with FunctionsHost(buses).running(*[NEXT_AVAILABLE_SESSION] * 3):
            state = await completed(lightning, who, document)
        files = await lightning.files.read(who.user_id, "a.txt")
    assert (state.status, files) == ("completed", b"hello")


async def test_who_hears_of_a_commit_finds_its_documents_though_its_writer_is_not_that_far(
    buses: AzureBuses, engine: Engine
) -> None:
    other = await buses.open()  # another process, such as the chat's
    held = asyncio.Event()

    async def slow(document: Any) -> Any:
        await held.wait()

    engine.store.apply = slow  # type: ignore[attr-defined]
    await engine.start(CHAIN)
    async with FunctionsHost(buses).running("run:r1"):
        async with contextlib.aclosing(other.follow({"run:r1": None})) as feed:
            await anext(feed)
            shown = await buses.store().get("run", "r1", "alice")
        held.set()
    assert shown is not None and shown.status == "running"
