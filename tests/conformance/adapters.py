"""The adapters under test. A new adapter is one more class here and one more line in each tuple."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from backend.bus.broker import Faults
from backend.bus.memory import MemoryBus
from backend.bus.sql import SqlBus
from backend.contracts.events import Event, new_id
from backend.contracts.ports import Bus, Delivery, Output, Settlement, Store
from backend.stores.contents import SqlBlobs
from backend.stores.folder import FolderBlobs
from backend.stores.memory import MemoryStore
from backend.stores.postgres import Postgres
from backend.stores.sql import SqlStore
from backend.stores.sqlite import Sqlite
from tests import postgres
from tests.azure.buses import AzureBuses

LEASE_S = 30.0


class Clock:
    """The real time, moved forward at will."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.moved: Callable[[float], object] = lambda seconds: None

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)
        self.moved(seconds)


class Buses(Protocol):
    """One technology with one state; `open` is one more process on it."""

    clock: Clock
    fuses: bool

    def store(self) -> Store: ...

    async def open(self) -> Bus: ...

    async def kill(self, bus: Bus) -> None:
        """As kill -9: nothing is given back."""
        ...

    async def recover(self) -> Bus:
        """A process that takes over what killed ones had leased."""
        ...

    async def close(self) -> None: ...


class SqliteBuses:
    fuses = True

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.folder = folder
        self._open: list[tuple[SqlBus, Sqlite]] = []

    def store(self) -> Store:
        return SqlStore(self._open[0][1])

    async def open(self) -> SqlBus:
        database = Sqlite(self.folder / "lightning.db")
        await database.start()
        bus = SqlBus(
            database, blobs=FolderBlobs(self.folder / "blobs"), clock=self.clock, lease_s=LEASE_S
        )
        await bus.start()
        self._open.append((bus, database))
        return bus

    async def kill(self, bus: Bus) -> None:
        assert isinstance(bus, SqlBus)
        bus._closed = True
        assert bus._heart is not None
        bus._heart.cancel()
        await bus._owner.leave()

    async def recover(self) -> SqlBus:
        return await self.open()

    async def close(self) -> None:
        for bus, database in self._open:
            await bus.close()
            await database.close()


class PostgresBuses:
    fuses = True

    def __init__(self) -> None:
        self.clock = Clock()
        self._stack = contextlib.ExitStack()
        self.url = self._stack.enter_context(postgres.database())
        self._open: list[tuple[SqlBus, Postgres]] = []
        self._killed: list[str] = []

    def store(self) -> Store:
        return SqlStore(self._open[0][1])

    async def open(self) -> SqlBus:
        return await self._start(f"process-{len(self._open)}")

    async def _start(self, name: str) -> SqlBus:
        database = Postgres(self.url)
        await database.start()
        bus = SqlBus(
            database, blobs=SqlBlobs(database), owner=name, clock=self.clock, lease_s=LEASE_S
        )
        await bus.start()
        self._open.append((bus, database))
        return bus

    async def kill(self, bus: Bus) -> None:
        assert isinstance(bus, SqlBus)
        bus._closed = True
        assert bus._heart is not None
        bus._heart.cancel()
        await bus._owner.leave()
        self._killed.append(bus.owner)

    async def recover(self) -> SqlBus:
        return await self._start(self._killed.pop())

    async def close(self) -> None:
        for bus, database in self._open:
            await bus.close()
            await database.close()
        self._stack.close()


class MemoryBuses:
    def __init__(self, *, atomic: bool) -> None:
        self.clock = Clock()
        self.fuses = atomic
        self._store = MemoryStore()
        self._first = MemoryBus(self._store, faults=Faults(atomic=atomic), clock=self.clock)
        self._open: list[MemoryBus] = []

    def store(self) -> Store:
        return self._store

    async def open(self) -> MemoryBus:
        bus = self._first.sibling()
        await bus.start()
        self._open.append(bus)
        return bus

    async def kill(self, bus: Bus) -> None:
        assert isinstance(bus, MemoryBus)
        bus.die()

    async def recover(self) -> MemoryBus:
        return await self.open()

    async def close(self) -> None:
        for bus in self._open:
            await bus.close()


def buses(name: str, folder: Path) -> Buses:
    if name == "sqlite":
        return SqliteBuses(folder)
    if name == "postgres":
        return PostgresBuses()
    if name == "azure":
        return AzureBuses(folder, Clock())
    return MemoryBuses(atomic=name == "memory")


FUSING = ("sqlite", "postgres", "memory")
ALL = (*FUSING, "memory-in-parts", "azure")


def event(type: str = "thing.asked", data: Mapping[str, Any] | None = None, **more: Any) -> Event:
    defaults: dict[str, Any] = {
        "id": new_id(),
        "user_id": "ann",
        "timestamp": datetime.now(UTC),
        "data": data or {},
    }
    return Event(type=type, **(defaults | more))


def work(type: str = "thing.asked", **more: Any) -> Output:
    return Output(event(type, **more), "work")


def keyed(
    stream: str, type: str = "thing.asked", due: datetime | None = None, **more: Any
) -> Output:
    return Output(event(type, **more), "stream", stream, due)


async def receive_all(bus: Bus) -> list[Delivery]:
    """Everything that can be received now: a marker is published, so that there is something."""
    marker = work("marker")
    await bus.publish([marker])
    found = await bus.receive(10_000)
    (mark,) = [delivery for delivery in found if delivery.event.id == marker.event.id]
    await bus.settle([Settlement(acks=(mark,))])
    return [delivery for delivery in found if delivery.event.id != marker.event.id]


async def receive_one(bus: Bus) -> Delivery:
    (delivery,) = await bus.receive(1)
    return delivery
