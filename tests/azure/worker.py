"""A worker process on the doubles: `python -m tests.azure.worker PLACE NAME RUNS`, where PLACE is JSON. Works
until it is killed, or until all runs have ended; says "." for every step it does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from backend.bus.azure.bus import AzureBus
from backend.bus.azure.namespace import Namespace
from backend.contracts.errors import Unavailable
from backend.stores.azure.account import CosmosAccount
from backend.stores.azure.containers import LOG, containers
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.folder import FolderBlobs
from tests.azure.buses import QUICK
from tests.azure.servicebus.haste import hasten
from tests.workers.child import Written, document, inside
from tests.workers.engine import Deeds, Engine


@dataclass(frozen=True, slots=True)
class Place:
    """Where the doubles are, and what the processes share."""

    folder: str
    service_bus: str
    queue: str
    cosmos: str
    database: str

    def command(self, name: str, runs: int) -> list[str]:
        place = json.dumps(asdict(self))
        return [sys.executable, "-m", "tests.azure.worker", place, name, str(runs)]


@contextlib.asynccontextmanager
async def opened(place: Place, name: str) -> AsyncIterator[Engine]:
    folder = Path(place.folder)
    blobs = FolderBlobs(folder / "blobs")
    account = CosmosAccount(
        connection=place.cosmos, database=place.database, containers=containers()
    )
    async with contextlib.AsyncExitStack() as stack:
        await account.start()
        stack.push_async_callback(account.close)
        store = CosmosStore(account, blobs)
        namespace = Namespace(
            connection=place.service_bus, queue=place.queue, handler_options=QUICK
        )
        bus = AzureBus(namespace, account.items(LOG), store, blobs=blobs)
        await bus.start()
        stack.push_async_callback(bus.close)
        yield Engine(bus, store, folder, Deeds(done=Written(folder / f"deeds-{name}")))


async def main(place: Place, name: str, runs: int) -> None:
    while True:
        # What is down at the start is asked again, as whatever starts processes does.
        with contextlib.suppress(Unavailable):
            async with opened(place, name) as engine:
                await work(engine, runs)
                return


async def work(engine: Engine, runs: int) -> None:
    for number in range(runs):
        # sent by every process, again after every crash, and taken once
        await engine.start(document(f"r{number}"), f"r{number}", called=inside())
    async with engine.working():
        for number in range(runs):
            await engine.until(f"r{number}", "completed", "failed", "stalled")


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        asyncio.run(main(Place(**json.loads(sys.argv[1])), sys.argv[2], int(sys.argv[3])))
