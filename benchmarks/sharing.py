"""`python -m benchmarks.sharing`: one, two and four worker processes on one database, of either kind.

Plans of five steps whose tool does nothing, all sent at once; the sender does no work. PostgreSQL is the one
that DATABASE_URL names, or one of this machine's, with fsync on. Ratios, to be compared within one run only:
to one process on the same database, and to the machine's own durable commits. Where more processes wait for
the processors than there are, a second worker takes its time from the first: what more of them gain has to be
seen on a machine that has some left. The counts at the end hold still; docs/scale.md has some.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import uvloop

from backend.bus.sql import SqlBus
from benchmarks.engine import chain, open_bench
from benchmarks.machine import durable_commits_per_s
from tests import postgres
from tests.relay import Relay

PLANS = 400
STEPS = 5
ROUNDS = 3
WARM = 20


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
                per_s, _ = await _measured(folder / f"{at}-{count}", address, count)
                firsts += [per_s] if count == 1 else []
                line += f"   {per_s:14,.0f}   {per_s / firsts[at]:6.2f}   {per_s / rate:10.2f}   "
            print(line)
        if urlsplit(url).hostname not in ("127.0.0.1", "localhost"):
            print("\nNothing is counted: the PostgreSQL is on another machine.")
            return
        print("\nPostgreSQL, counted, for each step")
        print("workers   round trips of workers   looks for work   tellings heard")
        for count in (1, 2, 4):
            await _count(folder / f"counted-{count}", url, count)


async def _count(folder: Path, url: str, count: int) -> None:
    """What does not depend on how busy the machine is. Over a relay, which costs time."""
    parts = urlsplit(url)
    who, at, _ = parts.netloc.rpartition("@")
    async with Relay(parts.port or 5432) as relay:
        there = parts._replace(netloc=f"{who}{at}127.0.0.1:{relay.port}").geturl()
        _, (looks, told) = await _measured(folder, url, count, there)
        trips = sum(map(len, relay.asked))
    steps = STEPS * (PLANS * ROUNDS + WARM)
    print(f"{count:7}   {trips / steps:22.2f}   {looks / steps:14.2f}   {told / steps:14.2f}")


async def _measured(
    folder: Path, url: str, count: int, through: str = ""
) -> tuple[float, tuple[int, int]]:
    """Steps a second, the median of some rounds, and what the workers counted. They reach the
    database by `through`."""
    os.mkdir(folder)
    rounds = []
    counts: list[tuple[int, int]] = []
    async with (
        open_bench(folder, url, "sender", work=False) as bench,
        _workers(folder, through or url, count, counts),
    ):
        plan = await bench.plan(chain(STEPS))
        for plans in (WARM, *[PLANS] * ROUNDS):
            commands = [bench.command(plan) for _ in range(plans)]
            began = time.perf_counter()
            for at in range(0, plans, 10):
                await bench.bus.publish(commands[at : at + 10])
            await bench.ended(commands, pause_s=0.02)
            rounds.append(plans * STEPS / (time.perf_counter() - began))
    looks, told = zip(*counts, strict=True)
    return statistics.median(rounds[1:]), (sum(looks), sum(told))


@contextlib.asynccontextmanager
async def _workers(
    folder: Path, url: str, count: int, counts: list[tuple[int, int]]
) -> AsyncIterator[None]:
    """Once they have ended, `counts` has what each says of itself."""
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
    for said, _ in await asyncio.gather(*(worker.communicate(b"") for worker in workers)):
        looks, told = map(int, said.split())
        counts.append((looks, told))


async def work(folder: Path, name: str, url: str) -> None:
    """One worker process, until its standard input ends; it says how often it has looked for work and
    how often it was told of something."""
    looks, told = itertools.count(), itertools.count()
    look = SqlBus._lease

    async def counted(self: SqlBus, limit: int, work: bool) -> Any:
        next(looks)
        return await look(self, limit, work)

    SqlBus._lease = counted  # type: ignore[method-assign]
    async with open_bench(folder, url, name) as bench:
        bench.bus._database.on_elsewhere(lambda _: next(told) and None)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    print(next(looks), next(told))


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
