"""A worker process to be killed: `python -m tests.workers.child FOLDER [URL NAME [gated|slow]]`. Starts runs
and works until it is killed, or until they have ended. `gated` takes two steps at once, which wait for a line
of standard input, so that others get their share; `slow` takes one and a while for it, starts nothing, and
works until the end of standard input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from backend.bus.sql import SqlBus
from backend.contracts.errors import Unavailable
from backend.drivers import snapshots
from backend.stores.contents import SqlBlobs
from backend.stores.database import Database
from backend.stores.folder import FolderBlobs
from backend.stores.postgres import Postgres
from backend.stores.sql import SqlStore
from backend.stores.sqlite import Sqlite
from tests.workers.engine import Deeds, Engine, step

RUNS = 8
LEASE_S = 2.0
STEPS = [
    step("first", tool="idempotent"),
    *[step(f"m{i}", "first", tool="idempotent") for i in range(6)],
    step("last", *[f"m{i}" for i in range(6)], tool="idempotent"),
    *[step(f"tail{i}", f"tail{i - 1}" if i else "last", tool="idempotent") for i in range(6)],
]
# a saved plan that is called twice, the second time for both items of a list
CALLED = [step(f"in{i}", *([f"in{i - 1}"] if i else []), tool="idempotent") for i in range(3)]
CALLS = ("one", "many")


def document(run: str) -> list[dict[str, Any]]:
    steps = [{**s, "args": {"step": f"{run}.{s['name']}"}} for s in STEPS]
    one = {"name": "one", "on": ["step.first"], "action": "plan.called"}
    many = {**one, "name": "many", "on": ["step.one"], "for_each": "${inputs.items}"}
    called = {"one": {"by": f"{run}.one"}, "many": {"by": f"{run}.many${{item}}"}}
    return [*steps, {**one, "args": called["one"]}, {**many, "args": called["many"]}]


def inside() -> list[dict[str, Any]]:
    return [{**s, "args": {"step": f"${{inputs.by}}.{s['name']}"}} for s in CALLED]


NAMES = [f"r{number}" for number in range(RUNS)]


def everything(runs: Sequence[str] = NAMES) -> set[str]:
    """All the deeds that there are to do."""
    callers = [f"{run}.{name}" for run in runs for name in ("one", "many0", "many1")]
    own = {f"{run}.{s['name']}" for run in runs for s in STEPS}
    return own | {f"{caller}.{s['name']}" for caller in callers for s in CALLED}


class Written(Counter[str]):
    """Counts what was done in a file that outlives the process, and tells the parent, a line a call."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def __setitem__(self, key: str, value: int) -> None:
        super().__setitem__(key, value)
        os.write(self._file, f"{key}\n".encode())
        os.write(sys.stdout.fileno(), b".\n")


HANDS = {"": 256, "gated": 2, "slow": 1}


class Pace(asyncio.Event):
    """Holds every step for a while."""

    async def wait(self) -> Literal[True]:
        await asyncio.sleep(0.04)
        return True


class Everything(dict[str, asyncio.Event]):
    """The same for every step."""

    def __init__(self, event: asyncio.Event) -> None:
        super().__init__()
        self._event = event

    def __contains__(self, _: object) -> bool:
        return True

    def __missing__(self, _: str) -> asyncio.Event:
        return self._event


@contextlib.asynccontextmanager
async def opened(
    folder: Path, url: str = "", owner: str = "child", how: str = ""
) -> AsyncIterator[Engine]:
    """On PostgreSQL where there is an address, else on SQLite in the folder."""
    database: Database = Postgres(url) if url else Sqlite(folder / "lightning.db")
    await database.start()
    blobs = SqlBlobs(database) if url else FolderBlobs(folder / "blobs")
    bus = SqlBus(database, blobs=blobs, owner=owner, lease_s=LEASE_S)
    await bus.start()
    deeds = Deeds(done=Written(folder / f"deeds-{owner}"))
    try:
        yield Engine(bus, SqlStore(database), folder, deeds, HANDS[how])
    finally:
        await bus.close()
        await database.close()


async def main(folder: Path, url: str = "", owner: str = "child", how: str = "") -> None:
    # Each stream is read from a snapshot wherever it can be, and each settlement brings one along.
    snapshots.EVERY = snapshots.SHORT = 1
    said = asyncio.Event()
    if how:
        asyncio.get_running_loop().add_reader(sys.stdin, said.set)
    async with opened(folder, url, owner, how) as engine:
        if how:
            engine.deeds.held = Everything(said if how == "gated" else Pace())
        async with engine.working():
            if how == "slow":
                await said.wait()
                return
            # sent again after every crash, and by every process, and taken once
            await patiently(lambda: begin(engine))
            await patiently(lambda: end(engine))


async def begin(engine: Engine, runs: Sequence[str] = NAMES) -> None:
    for run in runs:
        await engine.start(document(run), run, called=inside())


async def end(engine: Engine, runs: Sequence[str] = NAMES) -> None:
    for run in runs:
        await engine.until(run, "completed", "failed", "stalled")


async def patiently(act: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await act()
        except Unavailable:
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(main(Path(given[0]), *given[1:]))
