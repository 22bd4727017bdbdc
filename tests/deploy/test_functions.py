"""Azure Functions: what the host hands over is handled by the same processor, on a system opened once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.functions.servicebus import ServiceBusMessage

from backend.bootstrap import System, open_system
from backend.bus.codec import decode_event, encode_event_whole
from backend.contracts.errors import LightningError, Unavailable
from backend.contracts.ports import Delivery
from backend.deploy import function_app
from backend.deploy.host import Host
from tests.systems import completed, plan, settings_for

FUNCTIONS = {f.get_function_name(): f for f in function_app.app.get_functions()}


@dataclass
class Queues:
    """What Azure does around the functions: receives from the bus, hands over, completes or gives back."""

    folder: Path
    opened: list[System] = field(default_factory=list)
    leased: dict[str, Delivery] = field(default_factory=dict)
    failed: list[Exception] = field(default_factory=list)
    handed: set[str] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[System]:
        async with open_system(settings_for(self.folder)) as system:
            system.lightning.bus.delivery_of = self.delivery_of  # type: ignore[attr-defined]
            self.opened.append(system)
            yield system

    async def delivery_of(
        self,
        body: bytes,
        *,
        message_id: str,
        session_id: str | None,
        delivery_count: int,
        given_up: str | None,
    ) -> Delivery | None:
        delivery = self.leased.pop(message_id, None)
        if delivery is not None:
            assert decode_event(body).id == message_id
            assert (delivery.stream, delivery.attempt) == (session_id, delivery_count)
        return delivery

    async def run(self, system: System) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                (delivery,) = await system.lightning.bus.receive(1)
                group.create_task(self.deliver(system, delivery))

    async def deliver(self, system: System, delivery: Delivery) -> None:
        self.leased[delivery.event.id] = delivery
        name = "work" if delivery.stream is None else "decide"
        self.handed.add(name)
        try:
            await FUNCTIONS[name].get_user_function()(message_of(delivery))
        except Exception as error:  # noqa: BLE001 - whatever it is, the host gives it back
            self.failed.append(error)
            await system.lightning.bus.release(delivery, 0)


def message_of(delivery: Delivery) -> ServiceBusMessage:
    return ServiceBusMessage(
        body=encode_event_whole(delivery.event),
        message_id=delivery.event.id,
        session_id=delivery.stream,
        delivery_count=delivery.attempt,
        application_properties={},
        user_properties={},
    )


def unknown_message() -> ServiceBusMessage:
    return ServiceBusMessage(
        body=b"{}", message_id="m", application_properties={}, user_properties={}
    )


@pytest.fixture
async def queues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Queues]:
    queues = Queues(tmp_path)
    host = Host(queues.open)
    monkeypatch.setattr(function_app, "host", host)
    yield queues
    await host.close()


def bindings(name: str) -> dict[str, Any]:
    (trigger,) = FUNCTIONS[name].get_raw_bindings()
    found: dict[str, Any] = json.loads(trigger)
    return found


def test_the_ordered_queue_is_read_by_sessions_and_the_other_in_parallel() -> None:
    decide, work = bindings("decide"), bindings("work")
    assert decide["type"] == work["type"] == "serviceBusTrigger"
    assert decide["queueName"] == "%SERVICEBUS_QUEUE%" and decide["isSessionsEnabled"]
    assert work["queueName"] == "%SERVICEBUS_QUEUE%-work" and not work.get("isSessionsEnabled")
    assert decide["connection"] == work["connection"] == "SERVICEBUS_CONNECTION"


def test_what_service_bus_gives_up_is_read_from_both_queues_without_sessions() -> None:
    for name in ("decide", "work"):
        dead = bindings(f"{name}_dead")
        assert dead["queueName"] == bindings(name)["queueName"] + "/$DeadLetterQueue"
        assert dead["connection"] == "SERVICEBUS_CONNECTION" and not dead.get("isSessionsEnabled")
    assert set(FUNCTIONS) == {"decide", "work", "decide_dead", "work_dead"}


def test_a_lock_is_renewed_for_as_long_as_a_function_may_take() -> None:
    said = json.loads(Path(function_app.__file__).with_name("host.json").read_text())
    bus = said["extensions"]["serviceBus"]
    assert said["functionTimeout"] == bus["maxAutoLockRenewalDuration"]
    assert bus["autoCompleteMessages"] is True
    assert bus["prefetchCount"] == 0  # what is prefetched loses its lock while it waits


async def test_an_approved_plan_runs_to_its_end_in_functions(queues: Queues) -> None:
    await FUNCTIONS["work"].get_user_function()(unknown_message())
    (system,) = queues.opened
    functions = asyncio.create_task(queues.run(system))
    who = await system.lightning.users.local_user()
    write = {"path": "a.txt", "content": "hello"}
    steps = [
        {"name": "keep", "action": "file.write", "args": write},
        {"name": "look", "action": "file.read", "args": {"path": "${keep.path}"}},
    ]
    state = await completed(system.lightning, who, plan(*steps))
    functions.cancel()
    await asyncio.gather(functions, return_exceptions=True)
    assert state.status == "completed" and queues.failed == []
    assert state.steps["look"].output is not None
    assert state.steps["look"].output["content"] == "hello"
    assert queues.handed == {"decide", "work"}


async def test_what_needs_no_handling_any_more_is_completed(queues: Queues) -> None:
    await FUNCTIONS["work"].get_user_function()(unknown_message())


async def test_messages_that_come_together_share_one_system(queues: Queues) -> None:
    work = FUNCTIONS["work"].get_user_function()
    await asyncio.gather(*(work(unknown_message()) for _ in range(5)))
    assert len(queues.opened) == 1


async def test_a_system_that_could_not_be_opened_is_tried_again_with_the_next_message(
    tmp_path: Path,
) -> None:
    troubles = [Unavailable("The database does not answer.")]
    queues = Queues(tmp_path)

    @contextlib.asynccontextmanager
    async def open() -> AsyncIterator[System]:
        if troubles:
            raise troubles.pop()
        async with queues.open() as system:
            yield system

    host = Host(open)
    with pytest.raises(Unavailable):
        await host.handle(unknown_message())
    await host.handle(unknown_message())
    await host.close()
    assert len(queues.opened) == 1


async def test_a_bus_that_no_host_can_receive_from_is_refused_naming_the_setting(
    tmp_path: Path,
) -> None:
    host = Host(lambda: open_system(settings_for(tmp_path)))
    with pytest.raises(LightningError) as refused:
        await host.handle(unknown_message())
    assert "SERVICEBUS_CONNECTION" in refused.value.hint
    assert isinstance(function_app.app, func.FunctionApp)


AT_EXIT = """
import asyncio, contextlib
from types import SimpleNamespace
from backend.deploy.host import Host
from tests.deploy.test_functions import unknown_message

class Bus:
    async def delivery_of(self, body, **said):
        return None

@contextlib.asynccontextmanager
async def system():
    loop = asyncio.get_running_loop()
    yield SimpleNamespace(lightning=SimpleNamespace(bus=Bus(), store=None), processor=None)
    print("closed where it was opened:", asyncio.get_running_loop() is loop)

asyncio.new_event_loop().run_until_complete(Host(system).handle(unknown_message()))
print("the process ends")
"""


def test_at_the_end_of_the_process_the_system_is_closed_on_its_own_loop() -> None:
    root = Path(__file__).parents[2]
    script = [sys.executable, "-c", AT_EXIT]
    ran = subprocess.run(script, capture_output=True, text=True, cwd=root, check=True)
    said = ["the process ends", "closed where it was opened: True"]
    assert ran.stdout.splitlines() == said, ran.stderr
