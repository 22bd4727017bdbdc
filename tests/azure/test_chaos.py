"""Worker processes on Azure's doubles while everything breaks: killed, cut off, unanswered, told twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import signal
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import invariants
from tests.azure.doubles import Double
from tests.azure.servicebus.double import ServiceBus
from tests.azure.servicebus.handlers import LEAKS
from tests.azure.worker import Place, opened
from tests.workers.child import CALLS, everything
from tests.workers.engine import Engine

ROOT = Path(__file__).parents[2]
RUNS = 2
WORKERS = 2
NAMES = [f"r{number}" for number in range(RUNS)]
LOCK_S = 5.0
SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "1").split()]

# what the broker does wrong now and then, and how often
RATES = {
    "drop-operation": 0.01,
    "lose-send-reply": 0.02,
    "lose-settle-reply": 0.02,
    "lose-management-reply": 0.02,
    "refuse-settle": 0.03,
    "redeliver": 0.05,
    "busy": 0.02,
}
# … and the database
COSMOS = (
    {"kind": "status", "status": 429, "retry_after_ms": 20, "every": 13},
    {"kind": "lose", "every": 61},
    {"kind": "drop", "every": 53},
    {"kind": "status", "status": 503, "every": 97},
)


@dataclass
class Scene:
    place: Place
    broker: ServiceBus
    workers: list[Process] = field(default_factory=list)
    started: int = 0

    async def start(self) -> None:
        self.started += 1
        command = self.place.command(f"w{self.started}", RUNS)
        with (Path(self.place.folder) / f"said-{self.started}").open("wb") as log:
            self.workers.append(
                await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=log, stderr=log)
            )

    def deeds(self) -> Counter[str]:
        """What all processes have done."""
        paths = Path(self.place.folder).glob("deeds-*")
        return Counter(line for path in paths for line in path.read_text().split())

    async def until(self, count: int) -> None:
        """That many deeds are done, or all workers are."""
        while self.deeds().total() < count and any(w.returncode is None for w in self.workers):  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    async def kill(self, worker: Process) -> None:
        """With -9, and another takes its place."""
        if worker.returncode is None:
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
            await self.start()


@pytest.fixture
def doubles() -> Iterator[tuple[ServiceBus, Double]]:
    """Of the test's own: their faults strike everybody."""
    with ServiceBus() as broker:
        cosmos = Double("tests.azure.cosmos")
        yield broker, cosmos
        cosmos.close()


@pytest.fixture
async def scene(doubles: tuple[ServiceBus, Double], tmp_path: Path) -> AsyncIterator[Scene]:
    broker, cosmos = doubles
    queue = f"q{secrets.token_hex(4)}"
    settings: dict[str, Any] = {
        "lock_duration": LOCK_S,
        "duplicate_window": 3600,
        "max_delivery_count": 1000,
    }
    await broker.create(queue, requires_session=True, **settings)
    await broker.create(f"{queue}-work", **settings)
    place = Place(
        str(tmp_path),
        broker.connection_string,
        queue,
        f"AccountEndpoint={cosmos.url}/;AccountKey={cosmos.key};",
        "chaos",
    )
    made = Scene(place, broker)
    yield made
    for worker in made.workers:
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()


async def finished(engine: Engine) -> set[str]:
    """The deeds whose completion is in the log."""
    done: set[str] = set()
    waiting = [(run, run) for run in NAMES]
    while waiting:
        run_id, name = waiting.pop()
        for commit in (await invariants.read(engine.bus, run_id)).commits:
            data = commit.cause.data
            if commit.cause.type == invariants.FINISHED and data["step"] not in CALLS:
                done.add(f"{name}.{data['step']}")
            for event in commit.outputs:
                if "child" in event.data:
                    index = event.data["index"]
                    called = f"{name}.{event.data['step']}{'' if index is None else index}"
                    waiting.append((event.data["child"], called))
    return done


@pytest.mark.crash
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings(*LEAKS)
@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_breaks_nothing_is_lost_and_nothing_finished_is_done_again(
    scene: Scene, doubles: tuple[ServiceBus, Double], seed: int
) -> None:
    chance = random.Random(seed)
    broker, cosmos = doubles
    wanted = {deed for deed in everything() if deed.partition(".")[0] in NAMES}
    for _ in range(WORKERS):
        await scene.start()
    async with opened(scene.place, "watcher") as engine:
        for kind, rate in RATES.items():
            await broker.fault(kind, rate=rate, seed=chance.randrange(1000))
        seen: list[tuple[set[str], Counter[str]]] = []
        with cosmos.faults(*COSMOS):
            for step in range(1, 4):
                await scene.until(step * len(wanted) // 5)
                seen.append((await finished(engine), scene.deeds()))
                await trouble(scene, chance)
            await broker.clear_faults()
        await asyncio.gather(*(worker.wait() for worker in scene.workers))
        assert await invariants.broken(engine.bus, NAMES) == []
        assert await finished(engine) == wanted
    assert set(scene.deeds()) == wanted
    for done, counts in seen:
        again = {deed for deed in done if scene.deeds()[deed] != counts[deed]}
        assert not again


async def trouble(scene: Scene, chance: random.Random) -> None:
    kind = chance.choice(["kill", "kill", "drop", "silent", "both"])
    if kind in ("kill", "both"):
        alive = [worker for worker in scene.workers if worker.returncode is None]
        if alive:
            await scene.kill(chance.choice(alive))
    if kind != "kill":
        await scene.broker.drop(silent=kind == "silent")
