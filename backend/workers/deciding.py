"""What a stream makes of events that wait for it, and what is left of one that nobody can handle. Pure
but for reading the stream: settling is the caller's."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from typing import Any

import structlog

from backend.contracts.events import Event
from backend.contracts.ports import (
    Bus,
    Commit,
    DeadLetter,
    Delivery,
    Document,
    Output,
    Settlement,
    Store,
)
from backend.drivers import snapshots
from backend.processor import Decided, Processor
from backend.workers.failures import as_data
from backend.workers.streams import Pending, Stream

log = structlog.get_logger()


async def load(bus: Bus, store: Store, stream: Stream, events: Sequence[Event]) -> frozenset[str]:
    """Read the stream's state. Returns which of the `events`, that wait for it, are causes in it already:
    they are not decided again. Raises `NotFound` when the first is for something that does not exist."""
    opened = await snapshots.read(bus, store, stream.decider, stream.name, events[0])
    ids = [event.id for event in events]
    known = await asyncio.gather(
        *(snapshots.stands(bus, stream.name, opened, event_id) for event_id in ids)
    )
    stream.state = opened.state
    stream.position = opened.position
    stream.snapshot_due = opened.skipped + snapshots.EVERY
    stream.loaded = True
    return frozenset(event_id for event_id, there in zip(ids, known, strict=True) if there)


def decide(
    processor: Processor, stream: Stream, pendings: Sequence[Pending]
) -> tuple[Settlement, Any]:
    """Decide events in their order, without touching the stream's state before it is settled. Returns the
    settlement, and that state once it is done."""
    state, position = stream.state, stream.position
    decided: list[Decided] = []
    dead: list[DeadLetter] = []
    for pending in pendings:
        step, letters = _judge(processor, stream, pending, state, position)
        dead.extend(letters)
        decided.append(step)
        state = step.state
        position += 1
    documents = [document for d in decided for document in d.documents]
    if position >= stream.snapshot_due:
        documents += _snapshot(stream, state, decided[-1].commit)
    settlement = Settlement(
        tuple(p.delivery for p in pendings),
        tuple(d.commit for d in decided),
        tuple(
            o
            for p, d in zip(pendings, decided, strict=True)
            for o in (*d.outputs, *p.extra)
            if o.lane != "log"
        ),
        tuple(documents),
        tuple(dead),
        (stream.name,) if any(p.fused for p in pendings) else (),
    )
    return settlement, state


def _snapshot(stream: Stream, state: Any, last: Commit) -> list[Document]:
    """Of a state that somebody may want to read again. One that is not written, because the settlement
    is not, is missed by nobody: the next is due as if it were."""
    if stream.decider.closed(state):
        return []
    document, size = snapshots.take(stream.decider, state, last)
    stream.snapshot_due = last.position + 1 + snapshots.interval(size)
    return [] if document is None else [document]


def _judge(
    processor: Processor, stream: Stream, pending: Pending, state: Any, position: int
) -> tuple[Decided, tuple[DeadLetter, ...]]:
    """What the stream makes of an event: its decision, or that it stalls over it."""
    at = (stream.decider, stream.name, state, pending.event, position)
    error = pending.error
    if error is None:
        try:
            return processor.decide(*at), ()
        except Exception as failure:  # noqa: BLE001 - the one place: a failure becomes an event
            log.error("stream.stalled", stream=stream.name, error=traceback.format_exc())
            error = failure
    data = as_data(error)
    return processor.stall(*at, data), (DeadLetter(pending.delivery, data),)


def buried(processor: Processor, delivery: Delivery, error: Exception) -> Settlement:
    """A dead letter, and what follows from work that failed."""
    data = as_data(error)
    outputs: tuple[Output, ...] = ()
    if delivery.stream is None:
        outputs = tuple(processor.work_failed(delivery, data).outputs)
    return Settlement((delivery,), (), outputs, (), (DeadLetter(delivery, data),))
