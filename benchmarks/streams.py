"""`python -m benchmarks.streams`: how long it takes to open streams of 500, 5,000 and 50,000 commits, as a
worker opens them whose memory they are not in; and a thread, whose plan has fired as often, as its page does.

The commits are decided by the deciders and settled in the bus, only without a queue in between.
"""

from __future__ import annotations

import base64
import contextlib
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import uvloop

from backend.bootstrap import System, open_system
from backend.contracts.events import EVENT_TYPES, Event, new_id, utc_now
from backend.contracts.ports import Delivery, Output
from backend.contracts.security import Principal
from backend.settings import Settings
from backend.workers.deciding import decide, load
from backend.workers.streams import Pending, Stream

SIZES = (500, 5_000, 50_000)
ITEMS = 3_000
TIMES = 3
BATCH = 50
EVERY_MINUTE = {"name": "go", "kind": "interval", "every_s": 60}
NOTE = {"name": "note", "on": ["go"], "action": "notify.user", "args": {"text": "hi"}}
EACH = {
    "name": "each",
    "on": ["go"],
    "action": "notify.user",
    "args": {"text": "${item}"},
    "for_each": "${inputs.items}",
    "max_parallel": 20,
    "retry": {"max_attempts": 20},
}


class House:
    """A system without workers: what a worker would decide is decided here, and settled in batches."""

    def __init__(self, system: System, who: Principal) -> None:
        self.system = system
        self.who = who
        self.bus = system.lightning.bus
        self.streams: dict[str, Stream] = {}
        self.work: deque[Event] = deque()
        self._queue: dict[str, deque[Event]] = {}

    def send(self, type: str, data: dict[str, Any]) -> None:
        kind = EVENT_TYPES[type]
        event = Event(new_id(), type, self.who.user_id, utc_now(), data)
        self._put(Output(event, kind.lane, kind.stream(data)))

    async def settle(self) -> None:
        """Until nothing is due."""
        while self._queue:
            name, waiting = next(iter(self._queue.items()))
            events = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
            if not waiting:
                del self._queue[name]
            await self._decide(name, events)

    async def _decide(self, name: str, events: list[Event]) -> None:
        stream = self.streams.get(name)
        if stream is None:
            stream = self.streams[name] = Stream(name, self.system.processor.decider(name))
            await opened(self.system, stream, events[0])
        pendings = [Pending(e, Delivery(e, "stream", name, "")) for e in events]
        settlement, state = decide(self.system.processor, stream, pendings)
        outputs = settlement.outputs
        alone = replace(settlement, acks=(), outputs=(), undisturbed=())
        (settled,) = await self.bus.settle([alone])
        assert settled.outcome == "ok"
        stream.state = state
        stream.position += len(events)
        if name.startswith("run:") and stream.decider.closed(state):
            del self.streams[name]
        for output in outputs:
            self._put(output)

    def _put(self, output: Output) -> None:
        if output.lane == "work":
            self.work.append(output.event)
        elif output.stream is not None and output.due is None:
            self._queue.setdefault(output.stream, deque()).append(output.event)

    # --- streams that grow ------------------------------------------------------------------------

    async def schedule(self, count: int) -> tuple[str, Event]:
        id = new_id()
        data = {"schedule_id": id, "plan_id": "p", "ir_hash": "h", "thread_id": None}
        self.send("schedule.create", {**data, "trigger": EVERY_MINUTE, "timezone": "UTC"})
        await self.settle()
        stream = self.streams[f"schedule:{id}"]
        for _ in range(count - 1):
            due = stream.state.next_due.isoformat()
            self.send("schedule.due", {"schedule_id": id, "due": due, "generation": 0})
            await self._only(stream)
        return stream.name, _event("schedule.due", {"schedule_id": id})

    async def plan(self, count: int) -> tuple[str, Event]:
        id = await self._approved([NOTE])
        stream = self.streams[f"plan:{id}"]
        while stream.position < count:
            for _ in range(min(BATCH, count - stream.position)):
                self.send("plan.trigger", {"plan_id": id, "trigger": "go", "event": {"n": 1}})
            await self._only(stream)
        return stream.name, _event("plan.trigger", {"plan_id": id})

    async def run(self, count: int) -> tuple[str, Event]:
        """Each item fails until there are as many commits as are wanted."""
        id, run_id = await self._approved([EACH]), new_id()
        revision = await self.system.lightning.store.get("revision", f"{id}:1", self.who.user_id)
        assert revision is not None
        assert revision.body is not None
        items = [f"item {n}" for n in range(ITEMS)]
        data = {"plan_id": id, "revision": 1, "ir_hash": revision.body["ir_hash"]}
        more = {"inputs": {"items": items}, "trigger": None, "event": {}}
        self.send("plan.execute", {**data, **more, "run_id": run_id})
        await self.settle()
        stream = self.streams[f"run:{run_id}"]
        tries = -(-count // ITEMS)
        while stream.position < count and self.work:
            for _ in range(min(BATCH, count - stream.position, len(self.work))):
                self._report(self.work.popleft(), tries)
            await self.settle()
        self.work.clear()
        self._queue.clear()
        return stream.name, _event("run.cancel", {"run_id": run_id})

    async def thread(self, count: int) -> str:
        thread_id = new_id()
        plan_id = await self._approved([NOTE], thread_id)
        for done in range(0, count, BATCH):
            for n in range(min(BATCH, count - done)):
                event = {"due": utc_now().isoformat(), "n": n}
                self.send("plan.trigger", {"plan_id": plan_id, "trigger": "go", "event": event})
            await self.settle()
            while self.work:
                self._report(self.work.popleft(), 1)
            await self.settle()
        return thread_id

    async def _approved(self, steps: list[dict[str, Any]], thread_id: str | None = None) -> str:
        inputs = {"items": {"type": "array", "default": []}}
        document = {"plan_name": "p", "events": [EVERY_MINUTE], "inputs": inputs, "steps": steps}
        async with self.system.working():
            door = self.system.lightning
            view = await door.propose(self.who, document, thread_id=thread_id)
            await door.approve(self.who, view.plan_id, view.ir_hash)
        name = f"plan:{view.plan_id}"
        self.streams[name] = Stream(name, self.system.processor.decider(name))
        await opened(self.system, self.streams[name], _event("plan.trigger", {}))
        self.streams.pop(f"thread:{thread_id}", None)
        return view.plan_id

    async def _only(self, stream: Stream) -> None:
        """What waits in one stream; what follows from it is nobody's."""
        await self._decide(stream.name, list(self._queue[stream.name]))
        self._queue.clear()
        self.work.clear()

    def _report(self, call: Event, tries: int) -> None:
        names = ("run_id", "step", "iteration", "index", "attempt")
        data = {name: call.data.get(name) for name in names}
        if data["attempt"] < tries:
            error = {"code": "EXEC_TOOL_FAILED", "message": "no"}
            self.send("plan.step.failed", {**data, "error": error, "transient": True})
        else:
            self.send("plan.step.completed", {**data, "output": {"ok": True}})


def _event(type: str, data: dict[str, Any]) -> Event:
    return Event(new_id(), type, "local", utc_now(), data)


async def opened(system: System, stream: Stream, cause: Event) -> None:
    await load(system.lightning.bus, system.lightning.store, stream, [cause])


async def _open_stream(system: System, name: str, cause: Event) -> None:
    await opened(system, Stream(name, system.processor.decider(name)), cause)


async def _open_thread(system: System, who: Principal, thread_id: str) -> None:
    """Until all is read that is there."""
    head = await system.lightning.bus.head(f"thread:{thread_id}")
    async with contextlib.aclosing(system.lightning.follow(who, thread_id)) as feed:
        async for update in feed:
            cursors = orjson.loads(base64.urlsafe_b64decode(update.cursor))
            if cursors[f"thread:{thread_id}"] == head:
                return


async def _took(work: Callable[[], Awaitable[None]]) -> str:
    """The median, in ms."""
    samples = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await work()
        samples.append(time.perf_counter() - began)
    return f"{statistics.median(samples) * 1000:12.1f}"


async def main(sizes: tuple[int, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            data_dir=Path(folder),
            jwt_signing_key="k" * 40,
        )
        async with open_system(settings) as system:
            house = House(system, await system.lightning.users.local_user())
            print("ms to open        " + "".join(f"{size:>12,}" for size in sizes), "commits")
            for grow in (house.schedule, house.plan, house.run):
                print(f"{grow.__name__:18}", end="")
                for size in sizes:
                    opening = partial(_open_stream, system, *await grow(size))
                    print(await _took(opening), end="", flush=True)
                print()
            print(f"{'thread':18}", end="")
            for size in sizes:
                thread_id = await house.thread(size // 10)
                opening = partial(_open_thread, system, house.who, thread_id)
                print(await _took(opening), end="", flush=True)
            print(" firings, a tenth as many")


if __name__ == "__main__":
    uvloop.run(main(tuple(map(int, sys.argv[1:])) or SIZES))
