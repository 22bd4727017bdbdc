"""Real processes, really killed, at random moments."""

from __future__ import annotations

import asyncio
import itertools
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.workers.child import RUNS, STEPS, opened

ROOT = Path(__file__).parents[2]


async def finished(folder: Path) -> set[str]:
    """The steps whose completion is in the log."""
    async with opened(folder) as engine:
        done = set()
        for number in range(RUNS):
            for commit in await engine.commits(f"r{number}"):
                if commit.cause.type == "plan.step.completed":
                    name = f"r{number}.{commit.cause.data['step']}"
                    assert name not in done, "a step was finished twice"
                    done.add(name)
        return done


def deeds(folder: Path) -> Counter[str]:
    path = folder / "deeds"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def boot(folder: Path, wanted: int) -> tuple[bool, int]:
    """Start a process and kill it once it has done `wanted` more, so that every boot gets somewhere."""
    command = [sys.executable, "-m", "tests.workers.child", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        killed = sum(1 for _ in itertools.islice(child.stdout, wanted)) == wanted
        if killed:
            child.kill()
        return killed, child.wait(60)


@pytest.mark.crash
async def test_killed_at_any_moment_nothing_is_lost_and_no_finished_step_runs_again(
    tmp_path: Path,
) -> None:
    chance = random.Random(1)
    kills = 0
    while True:
        before, done_before = deeds(tmp_path), await finished(tmp_path)
        wanted = chance.randrange(1, 40) if kills < 4 else sys.maxsize
        killed, code = await asyncio.to_thread(boot, tmp_path, wanted)
        kills += killed
        repeated = {name for name, times in (deeds(tmp_path) - before).items() if times}
        assert not repeated & done_before
        if code == 0:
            break
    assert kills >= 3
    everything = {f"r{number}.{s['name']}" for number in range(RUNS) for s in STEPS}
    assert await finished(tmp_path) == everything
    assert set(deeds(tmp_path)) == everything
