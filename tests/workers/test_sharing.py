"""Several worker processes on one PostgreSQL: shared, killed, cut off, with a server that is killed too."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests import invariants, postgres
from tests.workers.child import NAMES, begin, end, everything, opened, patiently
from tests.workers.engine import Engine
from tests.workers.test_crash import ROOT, deeds, finished_of

CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lightning'"
)


async def worker(folder: Path, url: str, name: str, how: str) -> Process:
    command = [sys.executable, "-m", "tests.workers.child", str(folder), url, name, how]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE)


@pytest.mark.crash
@pytest.mark.parametrize("count", [2, 4])
async def test_processes_share_the_work_and_do_each_step_once(tmp_path: Path, count: int) -> None:
    with postgres.database() as url:
        workers = [await worker(tmp_path, url, f"w{n}", "gated") for n in range(count)]
        for each in workers:
            assert each.stdout is not None and each.stdin is not None
            await each.stdout.readline()  # it has its hands full, and the others get the rest
        for each in workers:
            assert each.stdin is not None
            each.stdin.write(b"\n")
        said = await asyncio.gather(*(each.communicate() for each in workers))
        assert [each.returncode for each in workers] == [0] * count, said
        async with opened(tmp_path, url, "watcher") as engine:
            assert await invariants.broken(engine.bus, NAMES) == []
    assert deeds(tmp_path) == Counter(everything())


@pytest.mark.crash
@pytest.mark.timeout(240)
async def test_whatever_is_killed_nothing_is_lost_and_no_finished_step_runs_again(
    tmp_path: Path,
) -> None:
    server = postgres.Server(
        postgres.folder_for(f"of-{uuid4().hex}"), postgres.required(), fsync="on"
    )
    with server.running():
        async with opened(tmp_path, server.url(), "watcher") as engine:
            runs = await _chaos(engine, server, tmp_path)
            assert await invariants.broken(engine.bus, runs) == []
    assert set(deeds(tmp_path)) == everything(runs)


async def _chaos(engine: Engine, server: postgres.Server, folder: Path) -> list[str]:
    chance = random.Random(3)
    runs: list[str] = []
    workers = {name: await worker(folder, server.url(), name, "slow") for name in ("one", "two")}
    known: list[tuple[set[str], Counter[str]]] = []
    for turn in range(4):
        runs += [f"r{turn}.{number}" for number in range(2)]
        # the earlier ones too, as by a client who was never answered
        await patiently(partial(begin, engine, list(runs)))
        name = await _busy(workers, chance.randint(3, 12))
        known.append((await finished_of(engine, runs), deeds(folder)))
        await _kill(workers[name])
        if turn % 2:
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        elif turn:
            postgres.execute(server.url(), CUT_OFF)
        workers[name] = await worker(folder, server.url(), name, "slow")
    await patiently(partial(end, engine, runs))
    for each in workers.values():
        await each.communicate(b"\n")
        assert each.returncode == 0
    for done_before, before in known:
        assert not done_before & set(deeds(folder) - before)
    return runs


async def _kill(process: Process) -> None:
    process.kill()
    await process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was killed, not broken"


async def _busy(workers: Mapping[str, Process], steps: int) -> str:
    """The one that has first begun so many."""
    reading = {asyncio.create_task(_lines(each, steps)): name for name, each in workers.items()}
    done, _ = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)
    return reading[done.pop()]


async def _lines(process: Process, count: int) -> None:
    assert process.stdout is not None
    for _ in range(count):
        assert await process.stdout.readline()
