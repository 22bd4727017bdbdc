"""`make bench`: the engine beside the machine's own durable-commit rate, in one run."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import uvloop

from benchmarks.engine import Bench, Figures, chain, fan, open_bench, peak_mb
from benchmarks.machine import durable_commits_per_s, fdatasync_ms


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rate = durable_commits_per_s(folder)
        print(f"machine: {rate:,.0f} durable commits/s, fdatasync {fdatasync_ms(folder):.2f} ms\n")
        async with open_bench(folder / "w") as bench:
            await _warm(bench)
            await _chain(bench, rate)
            await _fan(bench, rate)
        async with open_bench(folder / "w3") as bench:
            await _many(bench, rate)
        async with open_bench(folder / "w4") as bench:
            await _idle(bench)


async def _warm(bench: Bench) -> None:
    await bench.measure([bench.command(await bench.plan(chain(5)))], 5)


async def _chain(bench: Bench, rate: float) -> None:
    plan = await bench.plan(chain(100))
    runs = [await bench.measure([bench.command(plan)], 100) for _ in range(5)]
    best = _median(runs)
    per_step = best.wall_s / 100
    print(
        f"W1 100-step chain     {per_step * 1000:6.3f} ms/step"
        f"   {per_step * rate:5.2f} commits' time   CPU {best.cpu_s * 10:5.3f} ms/step"
    )


async def _fan(bench: Bench, rate: float) -> None:
    plan = await bench.plan(fan(100))
    runs = [await bench.measure([bench.command(plan)], 102) for _ in range(5)]
    best = _median(runs)
    print(
        f"W2 1 -> 100 -> 1      {best.wall_s * 1000:6.1f} ms"
        f"        {best.wall_s * rate:5.0f} commits' time"
    )


async def _many(bench: Bench, rate: float) -> None:
    plan = await bench.plan(chain(5))
    await bench.measure([bench.command(plan) for _ in range(20)], 100)
    before = _bytes(bench)
    figures = await bench.measure([bench.command(plan) for _ in range(1000)], 5000)
    per_s = figures.steps / figures.wall_s
    size = (_bytes(bench) - before) / figures.steps
    print(
        f"W3 1,000 plans x 5    {per_s:6,.0f} steps/s"
        f"   {per_s / rate:5.2f} of the commit rate   CPU {figures.cpu_s / 5:5.3f} ms/step"
        f"\n   memory {peak_mb():.0f} MB at most   database {size / 1000:.2f} kB/step"
    )


async def _idle(bench: Bench) -> None:
    plan = await bench.plan(chain(1))
    await bench.measure([bench.command(plan)], 1)
    samples = []
    for _ in range(100):
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        bench.started.clear()
        await bench.bus.publish([bench.command(plan)])
        await bench.started.wait()
        samples.append((time.perf_counter() - began) * 1000)
    samples.sort()
    print(f"W4 idle, sent -> step started   p50 {samples[50]:.2f} ms   p95 {samples[95]:.2f} ms")


def _median(runs: list[Figures]) -> Figures:
    middle = statistics.median_low([r.wall_s for r in runs])
    return next(r for r in runs if r.wall_s == middle)


def _bytes(bench: Bench) -> int:
    """The database with its log written back: the log's own file is reused, not grown."""
    with contextlib.closing(sqlite3.connect(bench.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return bench.database.stat().st_size


uvloop.run(main())  # as the server and the worker do
