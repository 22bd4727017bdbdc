"""A safety net under the timers: schedules past due are enqueued again, with the same ids."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from backend.contracts.errors import Unavailable
from backend.contracts.events import EVENT_TYPES, Event
from backend.contracts.ports import Bus, Output, Store
from backend.drivers.schedules import timer_id

log = structlog.get_logger()

_EVERY_S = 60.0


async def sweep(bus: Bus, store: Store, now: Callable[[], datetime]) -> None:
    """At start and each minute, until cancelled."""
    while True:
        try:
            await sweep_once(bus, store, now())
        except Unavailable as error:
            log.warning("sweep.unavailable", error=error.message)
        await asyncio.sleep(_EVERY_S)


async def sweep_once(bus: Bus, store: Store, now: datetime) -> int:
    """Enqueue the firing of every active schedule past due; returns how many there were."""
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
    return len(outputs)
