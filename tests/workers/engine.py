"""A worker over any bus and store, with a few tools that count what they do."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.context.folder import FolderFiles
from backend.contracts.errors import ToolError
from backend.contracts.events import EVENT_TYPES, Event, derived_id, utc_now
from backend.contracts.plans import PlanDocument
from backend.contracts.ports import Bus, Commit, Document, Output, Store
from backend.contracts.runs import RunState
from backend.contracts.tools import Purity, ToolResult, ToolSpec
from backend.drivers.runs import Graphs, RunDecider
from backend.drivers.steps import StepDriver
from backend.drivers.threads import ThreadDecider
from backend.drivers.turn import commits_of
from backend.lightning.following import running
from backend.plans.ir import compile_document, ir_hash
from backend.processor import Processor
from backend.tools.define import Tool, ToolContext
from backend.tools.outgoing import Outgoing
from backend.tools.registry import Registry
from backend.workers.worker import Worker
from tests.systems import settings_for

OWNER = "alice"


@dataclass
class Deeds:
    """What the tools did: `done` counts calls by step; a step in `held` waits to be released."""

    done: Counter[str] = field(default_factory=Counter)
    held: MutableMapping[str, asyncio.Event] = field(default_factory=dict)
    begun: asyncio.Event = field(default_factory=asyncio.Event)


class Engine:
    def __init__(
        self, bus: Bus, store: Store, folder: Path, deeds: Deeds, hands: int = 256
    ) -> None:
        self.bus = bus
        self.store = store
        self.deeds = deeds
        self.hands = hands
        settings = settings_for(folder)
        tools = [_tool(p, deeds) for p in ("pure", "idempotent", "effect")]
        registry = Registry(
            tools, settings, http=Outgoing(settings), files=FolderFiles(folder / "files")
        )
        self.runs = RunDecider(Graphs(store))
        drivers = [StepDriver(registry, bus, store)]
        self.processor = Processor([self.runs, ThreadDecider()], drivers, utc_now)

    def worker(self) -> Worker:
        return Worker(self.bus, self.store, self.processor, max_parallel=self.hands)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.worker().run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def start(
        self,
        steps: Sequence[Mapping[str, Any]],
        run_id: str = "r1",
        **called: Sequence[Mapping[str, Any]],
    ) -> str:
        """Start a run of these steps; `called` are those of the saved plans they call, by slug."""
        nested = {
            f"plan.{slug}": {
                **await self.revision(inner),
                "outputs": {"what": [inner[-1]["name"], "step"]},
            }
            for slug, inner in called.items()
        }
        data = {"run_id": run_id, **await self.revision(steps), "nested": nested}
        await self.send("plan.execute", data)
        return run_id

    async def revision(self, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        document = PlanDocument.model_validate(
            {
                "plan_name": "p",
                "inputs": {
                    "by": {"default": ""},
                    "items": {"type": "array", "default": ["0", "1"]},
                },
                "events": [{"name": "go", "kind": "manual"}],
                "steps": list(steps),
            }
        )
        ir = compile_document(document)
        hashed = ir_hash(ir)
        body = {"ir": ir.model_dump(mode="json", by_alias=True), "ir_hash": hashed}
        await self.store.put(Document("revision", f"{hashed[:8]}:1", OWNER, body))
        return {"plan_id": hashed[:8], "revision": 1, "ir_hash": hashed}

    async def send(self, type: str, data: Mapping[str, Any], user: str = OWNER) -> None:
        kind = EVENT_TYPES[type]
        event = Event(derived_id(type, str(data), user), type, user, utc_now(), data)
        await self.bus.publish([Output(event, kind.lane, kind.stream(data))])

    async def until(self, run_id: str, *statuses: str) -> RunState:
        async with contextlib.aclosing(self.bus.follow({f"run:{run_id}": None})) as feed:
            async for _ in feed:
                opened = await running(self.bus, self.store, self.runs, run_id, None)
                state = opened.state.state
                if state is not None and state.status in statuses:
                    return state
        raise AssertionError("the bus was closed")

    async def until_event(self, run_id: str, type: str) -> None:
        stream = f"run:{run_id}"
        async with contextlib.aclosing(self.bus.follow({stream: None})) as feed:
            async for news in feed:
                if any(e.type == type for c in news[stream].commits for e in (c.cause, *c.outputs)):
                    return

    async def commits(self, run_id: str) -> list[Commit]:
        return await commits_of(self.bus, f"run:{run_id}")


def step(name: str, *on: str, tool: str = "pure", **more: Any) -> dict[str, Any]:
    args = {"step": name, **more.pop("args", {})}
    after = [f"step.{s}" for s in on] or ["go"]
    return {"name": name, "on": after, "action": f"test.{tool}", "args": args, **more}


def _tool(purity: Purity, deeds: Deeds) -> Tool:
    async def act(context: ToolContext, step: str, fail: int = 0) -> ToolResult:
        deeds.done[step] += 1
        deeds.begun.set()
        if step in deeds.held:
            await deeds.held[step].wait()
        if fail < 0 or deeds.done[step] <= fail:
            raise ToolError("It did not work.", transient=fail > 0, unknown=fail == -2)
        return ToolResult({"step": step, "times": deeds.done[step]})

    inputs = {
        "type": "object",
        "properties": {"step": {"type": "string"}, "fail": {"type": "integer"}},
        "required": ["step"],
        "additionalProperties": False,
    }
    spec = ToolSpec(
        id=f"test.{purity}", name=purity, description=purity, purity=purity, inputs=inputs
    )
    return Tool(spec, act)
