"""Real processes, killed with -9 at random moments: nothing lost, nothing twice, order kept."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from backend.bus.sql import SqlBus
from backend.contracts.events import derived_id
from backend.contracts.ports import Output
from backend.stores.folder import FolderBlobs
from backend.stores.sqlite import Sqlite
from tests.bus.__main__ import step

RUNS = [f"{way}{n}" for n in range(10) for way in "fs"]
STEPS = 30
KILLS = 10


class Worker:
    """A process that is killed after some lines of output, wherever it is by then."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.lines: list[str] = []

    async def start(self) -> None:
        self._process: Process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bus", str(self._folder), str(STEPS), stdout=PIPE
        )

    async def read(self, count: int) -> bool:
        """Whether there were that many lines before the work ran out."""
        assert self._process.stdout is not None
        for _ in range(count):
            line = await self._process.stdout.readline()
            if not line:
                return False
            self.lines.append(line.decode())
        return True

    async def kill(self) -> None:
        self._process.kill()
        assert self._process.stdout is not None
        rest = await self._process.stdout.read()
        self.lines += rest.decode().splitlines(keepends=True)
        await self._process.wait()
        assert self._process.returncode == -9, "it was killed, not broken"


@pytest.mark.crash
async def test_killed_at_any_moment_processes_lose_nothing_and_do_nothing_twice(
    tmp_path: Path,
) -> None:
    database = Sqlite(tmp_path / "lightning.db")
    await database.start()
    watcher = SqlBus(database, blobs=FolderBlobs(tmp_path / "blobs"), owner="watcher")
    await watcher.start()
    await watcher.publish([Output(step(run, 0), "work") for run in RUNS])
    watching = asyncio.create_task(until_complete(watcher))

    moments = random.Random(8)
    workers = [Worker(tmp_path), Worker(tmp_path)]
    for worker in workers:
        await worker.start()
    for _ in range(KILLS):
        victim = moments.choice(workers)
        reading = asyncio.create_task(victim.read(moments.randint(1, 60)))
        await asyncio.wait({reading, watching}, return_when=asyncio.FIRST_COMPLETED)
        reading.cancel()
        await asyncio.wait({reading})
        await victim.kill()
        await victim.start()
    seen = await watching
    for worker in workers:
        await worker.kill()

    lines = [line for worker in workers for line in worker.lines]
    assert not [line for line in lines if line.startswith("AGAIN")]
    for run in RUNS:
        expected = [derived_id(derived_id(run, "step", n), "done") for n in range(STEPS)]
        assert seen[run] == expected
        commits = (await watcher.history(f"run:{run}")).commits
        assert [commit.cause.id for commit in commits] == expected
        assert [len(commit.cause.data["page"]) for commit in commits][9] == 40_000
    left = await database.read(lambda c: c.execute("SELECT count(*) FROM messages").fetchone())
    assert left == (0,)
    await watcher.close()
    await database.close()


async def until_complete(watcher: SqlBus) -> dict[str, list[str]]:
    """What a follower in another process sees, until every run has all its steps."""
    seen: dict[str, list[str]] = {run: [] for run in RUNS}
    async for news in watcher.follow({f"run:{run}": None for run in RUNS}):
        for stream, history in news.items():
            seen[stream.removeprefix("run:")] += [c.cause.id for c in history.commits]
        if all(len(causes) == STEPS for causes in seen.values()):
            break
    return seen
