"""The doctor's look at a bus that others work on: nothing of theirs is taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from backend.bus.broker import Faults
from backend.bus.memory import MemoryBus
from backend.contracts.events import Event, new_id, utc_now
from backend.contracts.ports import Output
from backend.drivers.threads import ThreadDecider
from backend.processor import Processor
from backend.stores.memory import MemoryStore
from backend.workers.worker import Worker
from chat_app import backends
from chat_app.findings import Finding
from tests.systems import settings_for


async def look(bus: MemoryBus, tmp_path: Any) -> Finding:
    parts = SimpleNamespace(
        bus=bus, store=MemoryStore(), settings=settings_for(tmp_path), now=utc_now
    )
    system: Any = parts
    return {f.name: f async for f in backends.look_at(system)}["bus"]


@asynccontextmanager
async def at_work(bus: MemoryBus) -> AsyncIterator[None]:
    worker = Worker(bus, MemoryStore(), Processor([ThreadDecider()], [], utc_now))
    task = asyncio.create_task(worker.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def waiting() -> Output:
    data = {"thread_id": new_id()}
    return Output(
        Event(new_id(), "thread.updated", "ann", utc_now(), data),
        "stream",
        f"thread:{data['thread_id']}",
    )


@pytest.mark.parametrize("atomic", [True, False])
async def test_what_waits_for_others_is_left_to_them(
    tmp_path: Any, atomic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "WORKER_S", 0.1)
    bus = MemoryBus(faults=Faults(atomic=atomic))
    theirs = waiting()
    await bus.publish([theirs])
    await look(bus, tmp_path)
    (delivery,) = await bus.sibling().receive(1)
    assert (delivery.event.id, delivery.attempt) == (theirs.event.id, 1)


@pytest.mark.parametrize("atomic", [True, False])
async def test_beside_a_worker_the_message_makes_its_way(tmp_path: Any, atomic: bool) -> None:
    bus = MemoryBus(faults=Faults(atomic=atomic))
    async with at_work(bus.sibling()):
        found = await look(bus, tmp_path)
    assert found.state == "ok", found


async def test_where_only_workers_receive_and_none_is_there_that_is_said(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "WORKER_S", 0.1)
    found = await look(MemoryBus(faults=Faults(atomic=False)), tmp_path)
    assert found.state == "warning"
    assert "lightning worker" in found.advice


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({}, "DATA_DIR"),
        ({"database_url": "postgresql://u:p@h/d"}, "DATABASE_URL, DATA_DIR"),
        (
            {
                "cosmos_endpoint": "https://c",
                "servicebus_connection": "s",
                "storage_connection": "b",
            },
            "COSMOS_ENDPOINT, SERVICEBUS_CONNECTION, STORAGE_CONNECTION",
        ),
    ],
)
def test_what_is_wrong_is_told_with_the_setting_to_look_at(
    tmp_path: Any, values: dict[str, str], names: str
) -> None:
    assert backends.opening_settings(settings_for(tmp_path, **values)) == names
