"""Several worker processes on one PostgreSQL: shared, killed, cut off from a server that is killed too."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from pathlib import Path

import pytest

from tests import invariants, postgres
from tests.workers.child import RUNS, begin, everything, opened, patiently
from tests.workers.engine import Engine
from tests.workers.test_crash import ROOT, deeds, finished_of

NAMES = [f"r{number}" for number in range(RUNS)]


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
async def test_whatever_is_killed_nothing_is_lost_and_no_finished_step_runs_again(
    tmp_path: Path,
) -> None:
    server = postgres.Server(postgres.folder_for("chaos"), postgres.required(), fsync="on")
    with server.running():
        async with opened(tmp_path, server.url(), "watcher") as engine:
            await _chaos(engine, server, tmp_path)
            assert await invariants.broken(engine.bus, NAMES) == []
    assert set(deeds(tmp_path)) == everything()


async def _chaos(engine: Engine, server: postgres.Server, folder: Path) -> None:
    chance = random.Random(3)
    url, kills = server.url(), 0
    workers = {name: await worker(folder, url, name, "slow") for name in ("one", "two")}
    known: list[tuple[set[str], Counter[str]]] = []
    for turn in range(6):
        name = chance.choice(list(workers))
        known.append((await finished_of(engine), deeds(folder)))
        await _some_lines(workers[name], chance.randint(3, 12))
        kills += await _kill(workers[name])
        if turn % 2:
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        await patiently(lambda: begin(engine))  # as by a client who was never answered
        workers[name] = await worker(folder, url, name, "slow")
    for each in workers.values():
        await each.communicate()
    assert kills >= 3
    assert {each.returncode for each in workers.values()} == {0}
    for done_before, before in known:
        assert not done_before & set(deeds(folder) - before)


async def _kill(process: Process) -> bool:
    """False when it had come to its end before."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.communicate()
    return process.returncode == -signal.SIGKILL


async def _some_lines(process: Process, count: int) -> None:
    assert process.stdout is not None
    for _ in range(count):
        if not await process.stdout.readline():
            return
