"""`python -m benchmarks.sharing`: one, two and four worker processes on one database, of either kind.

Plans of five steps whose tool does nothing, all sent at once; the sender does no work. PostgreSQL is the one
that DATABASE_URL names, or one of this machine's, with fsync on. Ratios, to be compared within one run only:
to one process on the same database, and to the machine's own durable commits.

Seen on two processors for which 15 to 20 processes waited all the time, twice: SQLite 1,675 and 1,573 steps a
second with one worker, 1,533 and 2,617 with two, 2,030 and 1,585 with four; PostgreSQL 385 and 469 with one,
535 and 374 with two, 389 and 193 with four. There a second worker takes its time from the first: what more of
them gain has to be seen on a machine that has some left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import uvloop

from benchmarks.engine import chain, open_bench
from benchmarks.machine import durable_commits_per_s
from tests import postgres

PLANS = 400
STEPS = 5
ROUNDS = 3


async def main() -> None:
    with tempfile.TemporaryDirectory() as name, _server() as url:
        folder = Path(name)
        rate = durable_commits_per_s(folder)
        print(f"machine: {rate:,.0f} durable commits/s, {os.cpu_count()} processors\n")
        print(
            "workers   SQLite steps/s   to one   to commits   PostgreSQL steps/s   to one   to commits"
        )
        firsts: list[float] = []
        for count in (1, 2, 4):
            line = f"{count:7}"
            for at, address in enumerate(("", url)):
                per_s = await _measured(folder / f"{at}-{count}", address, count)
                firsts += [per_s] if count == 1 else []
                line += f"   {per_s:14,.0f}   {per_s / firsts[at]:6.2f}   {per_s / rate:10.2f}   "
            print(line)


async def _measured(folder: Path, url: str, count: int) -> float:
    """Steps a second, the median of some rounds."""
    os.mkdir(folder)
    rounds = []
    async with open_bench(folder, url, "sender", work=False) as bench, _workers(folder, url, count):
        plan = await bench.plan(chain(STEPS))
        for plans in (20, *[PLANS] * ROUNDS):
            commands = [bench.command(plan) for _ in range(plans)]
            began = time.perf_counter()
            for at in range(0, plans, 10):
                await bench.bus.publish(commands[at : at + 10])
            await bench.ended(commands, pause_s=0.02)
            rounds.append(plans * STEPS / (time.perf_counter() - began))
    return statistics.median(rounds[1:])


@contextlib.asynccontextmanager
async def _workers(folder: Path, url: str, count: int) -> AsyncIterator[None]:
    workers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.sharing", str(folder), f"w{n}", url),
            stdin=PIPE,
            stdout=PIPE,
        )
        for n in range(count)
    ]
    for worker in workers:
        assert worker.stdout is not None
        await worker.stdout.readline()
    yield
    await asyncio.gather(*(worker.communicate(b"") for worker in workers))


async def work(folder: Path, name: str, url: str) -> None:
    """One worker process, until its standard input ends."""
    async with open_bench(folder, url, name):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextlib.contextmanager
def _server() -> Iterator[str]:
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    options = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on"}
    server = postgres.Server(
        postgres.folder_for(uuid4().hex), postgres.installed() or _none(), **options
    )
    with server.running():
        yield server.url()


def _none() -> Path:
    sys.exit("No PostgreSQL: install one, or set DATABASE_URL.")


if len(sys.argv) > 1:
    uvloop.run(work(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
else:
    uvloop.run(main())
