"""A worker process to be killed: `python -m tests.workers.child FOLDER`. Works until it is killed, or
until all runs have ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from backend.bus.sql import SqlBus
from backend.stores.folder import FolderBlobs
from backend.stores.sql import SqlStore
from backend.stores.sqlite import Sqlite
from tests.workers.engine import Deeds, Engine, step

RUNS = 8
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


def everything() -> set[str]:
    """All the deeds that there are to do."""
    runs = [f"r{number}" for number in range(RUNS)]
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


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Engine]:
    database = Sqlite(folder / "lightning.db")
    await database.start()
    bus = SqlBus(database, blobs=FolderBlobs(folder / "blobs"), owner="child")
    await bus.start()
    deeds = Deeds(done=Written(folder / "deeds"))
    try:
        yield Engine(bus, SqlStore(database), folder, deeds)
    finally:
        await bus.close()
        await database.close()


async def main(folder: Path) -> None:
    async with opened(folder) as engine:
        for number in range(RUNS):
            # sent again after every crash, and taken once
            await engine.start(document(f"r{number}"), f"r{number}", called=inside())
        async with engine.working():
            for number in range(RUNS):
                await engine.until(f"r{number}", "completed", "failed", "stalled")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
