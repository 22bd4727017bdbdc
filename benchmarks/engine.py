"""The four engine workloads, on the real bus, processor and worker, with a tool that does nothing."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.bus.sql import SqlBus
from backend.context.folder import FolderFiles
from backend.contracts.events import EVENT_TYPES, Event, new_id, utc_now
from backend.contracts.plans import PlanDocument
from backend.contracts.ports import Blobs, Document, Output
from backend.contracts.tools import ToolResult, ToolSpec
from backend.drivers.runs import Graphs, RunDecider
from backend.drivers.steps import StepDriver
from backend.plans.ir import compile_document, ir_hash
from backend.processor import Processor
from backend.settings import Settings
from backend.stores.contents import SqlBlobs
from backend.stores.database import Database
from backend.stores.folder import FolderBlobs
from backend.stores.sql import SqlStore
from backend.stores.sqlite import Sqlite
from backend.tools.define import Tool, ToolContext
from backend.tools.outgoing import Outgoing
from backend.tools.registry import Registry
from backend.workers.worker import Worker

OWNER = "bench"


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one workload: wall seconds, process CPU seconds, steps done."""

    wall_s: float
    cpu_s: float
    steps: int


class Bench:
    """An engine on a fresh database, and what it takes to start runs and see them end."""

    def __init__(
        self, bus: SqlBus, store: SqlStore, database: Path, started: asyncio.Event
    ) -> None:
        self.bus = bus
        self.store = store
        self.database = database
        self.started = started  # set whenever a step's tool begins

    async def plan(self, steps: list[dict[str, Any]]) -> dict[str, Any]:
        """Store a revision; returns what `plan.execute` needs to name it."""
        document = PlanDocument.model_validate(
            {"plan_name": "bench", "events": [{"name": "go", "kind": "manual"}], "steps": steps}
        )
        ir = compile_document(document)
        plan_id, hashed = new_id(), ir_hash(ir)
        body = {"ir": ir.model_dump(mode="json", by_alias=True), "ir_hash": hashed}
        await self.store.put(Document("revision", f"{plan_id}:1", OWNER, body))
        return {"plan_id": plan_id, "revision": 1, "ir_hash": hashed}

    def command(self, plan: dict[str, Any]) -> Output:
        run_id = new_id()
        data = {**plan, "run_id": run_id, "inputs": {}, "trigger": None, "event": {}}
        event = Event(new_id(), "plan.execute", OWNER, utc_now(), data)
        return Output(event, "stream", EVENT_TYPES["plan.execute"].stream(data))

    async def ended(self, commands: list[Output], pause_s: float = 0.002) -> None:
        """Wait until all those runs have ended."""
        waiting = {o.stream: None for o in commands if o.stream}
        async with contextlib.aclosing(self.bus.follow(dict(waiting))) as feed:
            async for news in feed:
                for stream, page in news.items():
                    if any(e.type == "run.completed" for c in page.commits for e in c.outputs):
                        waiting.pop(stream, None)
                if not waiting:
                    return
                await asyncio.sleep(pause_s)  # looking at every commit would cost more than it

    async def measure(self, commands: list[Output], steps: int) -> Figures:
        cpu, wall = time.process_time(), time.perf_counter()
        await self.bus.publish(commands)
        await self.ended(commands)
        return Figures(time.perf_counter() - wall, time.process_time() - cpu, steps)


@contextlib.asynccontextmanager
async def open_bench(
    folder: Path, url: str = "", name: str = "bench", *, work: bool = True
) -> AsyncIterator[Bench]:
    """On the PostgreSQL at `url`, or SQLite in `folder`. Without `work` it only sends and looks."""
    database: Database
    blobs: Blobs
    if url:
        from backend.stores.postgres import Postgres

        database = Postgres(url)
        blobs = SqlBlobs(database)
    else:
        database, blobs = Sqlite(folder / "bench.db"), FolderBlobs(folder / "blobs")
    await database.start()
    store = SqlStore(database)
    bus = SqlBus(database, owner=name, blobs=blobs, clock=utc_now)
    await bus.start()
    started = asyncio.Event()
    settings = Settings(data_dir=folder)
    files = FolderFiles(folder / "files")
    registry = Registry([_noop(started)], settings, http=Outgoing(settings), files=files)
    runs = RunDecider(Graphs(store))
    processor = Processor([runs], [StepDriver(registry, bus, store)], utc_now)
    worker = Worker(bus, store, processor)
    task = asyncio.create_task(worker.run() if work else asyncio.sleep(0))
    try:
        yield Bench(bus, store, folder / "bench.db", started)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await bus.close()
        await database.close()


def _noop(started: asyncio.Event) -> Tool:
    async def nothing(context: ToolContext) -> ToolResult:
        started.set()
        return ToolResult({"ok": True})

    spec = ToolSpec(id="bench.nothing", name="Nothing", description="does nothing", purity="pure")
    return Tool(spec, nothing)


def chain(length: int) -> list[dict[str, Any]]:
    return [
        {"name": f"s{i}", "on": [f"step.s{i - 1}" if i else "go"], "action": "bench.nothing"}
        for i in range(length)
    ]


def fan(width: int) -> list[dict[str, Any]]:
    middle = [
        {"name": f"m{i}", "on": ["step.first"], "action": "bench.nothing"} for i in range(width)
    ]
    last = {"name": "last", "on": [f"step.m{i}" for i in range(width)], "action": "bench.nothing"}
    return [{"name": "first", "on": ["go"], "action": "bench.nothing"}, *middle, last]


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
