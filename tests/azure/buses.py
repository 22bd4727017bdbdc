"""The bus on Azure as the suites take it: over the real SDKs and wires, on the doubles."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import gc
import json
import secrets
import urllib.request
import warnings
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backend.bus.azure.bus import AzureBus
from backend.bus.azure.handlers import cancel, shut
from backend.bus.azure.namespace import Namespace
from backend.bus.azure.reception import Want
from backend.contracts.errors import Unavailable
from backend.contracts.ports import Bus, Delivery, Output
from backend.stores.azure.account import CosmosAccount
from backend.stores.azure.containers import LOG, containers
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.folder import FolderBlobs
from tests.azure.doubles import cosmos_connection
from tests.azure.servicebus.double import ServiceBus
from tests.azure.servicebus.haste import hasten

LOCK_S = 300.0
PROPERTIES = {"lock_duration": LOCK_S, "duplicate_window": 7200, "max_delivery_count": 100}
QUICK = {"keep_alive": 0, "socket_timeout": 0.05}


@functools.cache
def service_bus() -> ServiceBus:
    double = ServiceBus()
    double.__enter__()
    atexit.register(double.__exit__)
    return double


def ask(method: str, path: str, body: Any = None) -> Any:
    """The double, at once: a clock is set without waiting."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        service_bus().control + path, data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


class AzureBuses:
    """Queues and a database of their own. Receivers get all at once that there is for them, as the suites
    expect of a bus next door."""

    fuses = False

    def __init__(self, folder: Path, clock: Any) -> None:
        self.clock = clock
        self.broken = False
        clock.moved = self._moved
        clock.ahead = timedelta(seconds=ask("POST", "/clock", {"advance": 0})["ahead"])
        self._patch = pytest.MonkeyPatch()
        hasten(self._patch)
        self.queue = f"q{secrets.token_hex(6)}"
        for queue, sessions in ((self.queue, True), (f"{self.queue}-work", False)):
            ask("POST", "/queues", {"name": queue, "requires_session": sessions, **PROPERTIES})
        self._database = f"test-{secrets.token_hex(8)}"
        self._blobs = FolderBlobs(folder / "blobs")
        self._accounts: list[CosmosAccount] = []
        self._open: list[NearBus] = []
        self._killed: list[NearBus] = []

    def _moved(self, seconds: float) -> None:
        ask("POST", "/clock", {"advance": seconds})
        self.broken = True  # locks may be lost, and the connections that had them

    def store(self) -> CosmosStore:
        return CosmosStore(self._accounts[0], self._blobs)

    async def open(self) -> NearBus:
        account = CosmosAccount(
            connection=cosmos_connection(), database=self._database, containers=containers()
        )
        await account.start()
        self._accounts.append(account)
        namespace = Namespace(
            connection=service_bus().connection_string, queue=self.queue, handler_options=QUICK
        )
        bus = NearBus(
            namespace,
            account.items(LOG),
            CosmosStore(account, self._blobs),
            blobs=self._blobs,
            clock=self.clock,
            idle_s=60.0,
            senders=1,
        )
        bus.buses = self
        await bus.start()
        self._open.append(bus)
        return bus

    async def kill(self, bus: Bus) -> None:
        """Nothing is said any more: what it holds stays locked for its time."""
        assert isinstance(bus, NearBus)
        await bus.freeze()
        self._open.remove(bus)
        self._killed.append(bus)

    async def recover(self) -> NearBus:
        self.clock.advance(LOCK_S + 1)
        return await self.open()

    async def close(self) -> None:
        await asyncio.gather(*(bus.close() for bus in (*self._open, *self._killed)))
        await asyncio.gather(*(account.close() for account in self._accounts))
        self._patch.undo()
        if self._killed or self.broken:
            # the SDK closes no socket of a connection that broke: the collector does, and says so
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()

    async def quiet(self, bus: NearBus, *, work: bool) -> bool:
        """Whether all that there is for `bus` is in its hands."""
        for other in self._open:
            if other is not bus and not other._reception._wants:
                await other._reception.let_go()
        counts = await asyncio.to_thread(ask, "GET", "/queues")
        here = [held for each in self._open for held in each.in_hand()]
        for queue, streams in ((self.queue, True), (f"{self.queue}-work", False)):
            if streams or work:
                known = sum((held.stream is not None) == streams for held in here)
                if counts[queue]["active"] or counts[queue]["locked"] != known:
                    return False
        return True


class NearBus(AzureBus):
    buses: AzureBuses

    async def receive(self, limit: int, *, work: bool = True) -> Sequence[Delivery]:
        with self._reception.wanting(Want(10_000, work)):
            while not self._closed:
                if await self.buses.quiet(self, work=work):
                    found = self._inbox.take(limit, work=work)
                    if found:
                        return found
                await asyncio.sleep(0.01)
        raise Unavailable("The bus is closed.")

    async def publish(self, outputs: Sequence[Output]) -> None:
        """Receivers open slowly: they begin with the sender."""
        with self._reception.wanting(Want(10_000, True)):
            await super().publish(outputs)

    def in_hand(self) -> list[Any]:
        waiting = [held for some in self._inbox._waiting.values() for held in some]
        return [*waiting, *self._inbox.leased.values()]

    async def start(self) -> None:
        """The doubles are known to be there."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("backend.bus.azure.bus.verify", _known)
            await super().start()

    async def freeze(self) -> None:
        reception = self._reception
        assert reception._tending is not None and reception._work is not None
        reception._tending.cancel()
        reception._wants.clear()
        for tap in (*reception._sessions, reception._work):
            tap.open = False
            assert tap._task is not None
            await cancel(tap._task)
        await reception._stop_accepting()
        self._frozen = [tap.receiver for tap in (*reception._sessions, reception._work)]
        reception._sessions.clear()
        if reception._work.receiver is not None:
            await _cut(reception._work.receiver)

    async def close(self) -> None:
        for receiver in getattr(self, "_frozen", ()):
            if receiver is not None:
                await shut(receiver)
        await super().close()


async def _cut(receiver: Any) -> None:
    """Break its connection, as the kernel does for a process that is gone."""
    handler = receiver._handler
    if handler is not None and handler._connection is not None:
        # it is the process that is gone, not the network
        writer = handler._connection._transport.writer
        if writer is not None:
            writer.transport.abort()
            await writer.wait_closed()


async def _known(namespace: Namespace) -> None:
    pass


@contextlib.contextmanager
def fault(kind: str, queue: str, **fields: Any) -> Iterator[None]:
    """Service Bus lets one queue down, until the end of the block."""
    ask("POST", "/faults", {"kind": kind, "queue": queue, **fields})
    try:
        yield
    finally:
        ask("DELETE", "/faults")
