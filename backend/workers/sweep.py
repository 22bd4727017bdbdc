"""Each minute: schedules past due are enqueued again; runs and planning sessions past their retention
are forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from backend.contracts.errors import Unavailable
from backend.contracts.events import EVENT_TYPES, Event
from backend.contracts.planning import PLANNING
from backend.contracts.ports import Bus, Output, Store
from backend.contracts.runs import ENDED_RUN
from backend.drivers.schedules import timer_id
from backend.drivers.snapshots import SNAPSHOT

log = structlog.get_logger()

_EVERY_S = 60.0


async def sweep(bus: Bus, store: Store, now: Callable[[], datetime]) -> None:
    """At start and each minute, until cancelled."""
    while True:
        try:
            await enqueue_due(bus, store, now())
            await prune_runs(bus, store, now())
            await prune_sessions(store, now())
        except Unavailable as error:
            log.warning("sweep.unavailable", error=error.message)
        await asyncio.sleep(_EVERY_S)


async def prune_runs(bus: Bus, store: Store, now: datetime) -> None:
    """Forget runs that ended longer ago than they are to be kept, with their whole history."""
    while old := [d for d in await store.due("run", now) if d.status in ENDED_RUN]:
        streams = {f"run:{document.id}": document for document in old}
        # Snapshots first: without its stream one would be of no use, and found by nobody again.
        for stream, document in streams.items():
            await store.delete(SNAPSHOT, stream, document.owner)
        await bus.prune(list(streams))
        for document in old:
            await store.delete("run", document.id, document.owner)


async def prune_sessions(store: Store, now: datetime) -> None:
    """Forget planning sessions kept long enough; what came of them keeps their provenance."""
    while old := await store.due(PLANNING, now):
        for document in old:
            await store.delete(PLANNING, document.id, document.owner)


async def enqueue_due(bus: Bus, store: Store, now: datetime) -> None:
    """A safety net under the timers: enqueue the firing of every active schedule past due, with the
    id its own timer has."""
    kind = EVENT_TYPES["schedule.due"]
    outputs = []
    for document in await store.due("schedule", now):
        if document.status != "active" or document.due_at is None or document.body is None:
            continue
        generation = document.body["generation"]
        data = {
            "schedule_id": document.id,
            "due": document.due_at.isoformat(),
            "generation": generation,
        }
        event = Event(
            timer_id(document.id, generation, document.due_at),
            "schedule.due",
            document.owner,
            now,
            data,
        )
        outputs.append(Output(event, kind.lane, kind.stream(data)))
    if outputs:
        await bus.publish(outputs)
