"""What a stream makes of events that wait for it, and what is left of one that nobody can handle. Pure
but for reading the stream: settling is the caller's."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

import structlog

from backend.contracts.events import Event
from backend.contracts.ports import Bus, DeadLetter, Delivery, Output, Settlement
from backend.drivers.turn import commits_of
from backend.processor import Decided, Processor
from backend.workers.failures import as_data
from backend.workers.streams import Pending, Stream

log = structlog.get_logger()


async def load(bus: Bus, stream: Stream, cause: Event) -> frozenset[str]:
    """Read the stream's state from the log. Returns the causes that stand in it already: they are not
    decided again. Raises `NotFound` when `cause` is for something that does not exist."""
    commits = await commits_of(bus, stream.name)
    stream.state = await stream.decider.open(stream.name, commits, cause)
    stream.position = len(commits)
    stream.loaded = True
    return frozenset(commit.cause.id for commit in commits)


def decide(
    processor: Processor, stream: Stream, pendings: Sequence[Pending]
) -> tuple[Settlement, Any]:
    """Decide events in their order, without touching the stream before it is settled. Returns the
    settlement, and the stream's state once that is done."""
    state, position = stream.state, stream.position
    decided: list[Decided] = []
    dead: list[DeadLetter] = []
    for pending in pendings:
        step, letters = _judge(processor, stream, pending, state, position)
        dead.extend(letters)
        decided.append(step)
        state = step.state
        position += 1
    settlement = Settlement(
        tuple(p.delivery for p in pendings),
        tuple(d.commit for d in decided),
        tuple(
            o
            for p, d in zip(pendings, decided, strict=True)
            for o in (*d.outputs, *p.extra)
            if o.lane != "log"
        ),
        tuple(document for d in decided for document in d.documents),
        tuple(dead),
        (stream.name,) if any(p.fused for p in pendings) else (),
    )
    return settlement, state


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
