"""Real processes, really killed, at random moments."""

from __future__ import annotations

import asyncio
import itertools
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests import invariants, postgres
from tests.workers.child import CALLS, NAMES, everything, opened
from tests.workers.engine import Engine

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of the database, empty for SQLite's."""
    if request.param == "sqlite":
        yield ""
        return
    with postgres.database() as url:
        yield url


async def finished(folder: Path, url: str) -> set[str]:
    """The deeds whose completion is in the log."""
    async with opened(folder, url, "watcher") as engine:
        return await finished_of(engine)


async def finished_of(engine: Engine, runs: Sequence[str] = NAMES) -> set[str]:
    done: set[str] = set()
    for run in runs:
        await _gather(engine, run, run, done)
    return done


async def _gather(engine: Engine, run_id: str, name: str, done: set[str]) -> None:
    ended: set[tuple[str, int | None]] = set()
    begun = 0
    for commit in await engine.commits(run_id):
        data = commit.cause.data
        begun += commit.cause.type == "plan.execute"
        if commit.cause.type == "plan.step.completed":
            assert (data["step"], data["index"]) not in ended, "a step was finished twice"
            ended.add((data["step"], data["index"]))
            if data["step"] not in CALLS:
                done.add(f"{name}.{data['step']}")
        for event in commit.outputs:
            if "child" in event.data:
                index = event.data["index"]
                caller = f"{name}.{event.data['step']}{'' if index is None else index}"
                await _gather(engine, event.data["child"], caller, done)
    assert begun <= 1, "a run was begun twice"


def deeds(folder: Path) -> Counter[str]:
    """What all processes have done."""
    return Counter(line for path in folder.glob("deeds-*") for line in path.read_text().split())


def boot(folder: Path, url: str, wanted: int) -> tuple[bool, int]:
    """Start a process and kill it once it has done `wanted` more, so that every boot gets somewhere."""
    command = [sys.executable, "-m", "tests.workers.child", str(folder), url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        killed = sum(1 for _ in itertools.islice(child.stdout, wanted)) == wanted
        if killed:
            child.kill()
        return killed, child.wait(60)


@pytest.mark.crash
async def test_killed_at_any_moment_nothing_is_lost_and_no_finished_step_runs_again(
    tmp_path: Path, url: str
) -> None:
    chance = random.Random(1)
    kills = 0
    while True:
        before, done_before = deeds(tmp_path), await finished(tmp_path, url)
        wanted = chance.randrange(1, 40) if kills < 4 else sys.maxsize
        killed, code = await asyncio.to_thread(boot, tmp_path, url, wanted)
        kills += killed
        repeated = {name for name, times in (deeds(tmp_path) - before).items() if times}
        assert not repeated & done_before
        if code == 0:
            break
    assert kills >= 3
    async with opened(tmp_path, url, "watcher") as engine:
        assert await finished_of(engine) == everything()
        assert await invariants.broken(engine.bus, NAMES) == []
    assert set(deeds(tmp_path)) == everything()
