"""The engine: what follows from an event in a run. Pure: no I/O, no clock, no randomness.

The rules are D2-D4 and R2-R4 of the product, in short: a step starts when its upstream is settled
and some of it was taken; otherwise it is skipped, and skipping travels on. What fails for good ends
the run unless its step says otherwise. Every change is an event; `evolve` alone applies them.

Where those rules are silent:
- Names in `emits` are said whenever the step is done, whatever the action. A `for_each` step has no
  action of its own; it says its plain name.
- Once something has failed for good, nothing is tried again, and the run ends as soon as no call is
  out: it does not wait for people. Open questions end as cancelled.
- In loops a step under `any` runs once for each upstream that is taken, later if it is busy now, and
  does not hear of skipping; under `all` it waits to hear from every upstream since it last started.
  When nothing runs and nobody is asked any more, what such a step still waits for at its first start
  counts as skipped: it starts, if anything of its upstream was done. An output stands until its step
  ends again. The loop limit fails the run whatever `on_error` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from backend.contracts.errors import Invalid
from backend.contracts.events import Event
from backend.contracts.runs import ENDED_RUN, RunState
from backend.plans.decision import MAX_ITEMS, Decision, Emit
from backend.plans.fold import Fold
from backend.plans.graph import Graph, graph
from backend.plans.runs import apply

__all__ = ["MAX_ITEMS", "Emit", "Graph", "advance", "decide", "evolve", "graph", "start"]


class Happening(Protocol):
    """What of an event a state depends on."""

    @property
    def type(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def timestamp(self) -> datetime: ...


def start(graph: Graph, event: Event) -> RunState:
    """The state right after `plan.execute` {run_id, plan_id, ir_hash, inputs?, event?, trigger?,
    thread_id?}. `trigger` None starts what any of the triggers would."""
    return _enter(graph, event).state()


def evolve(graph: Graph, state: RunState | None, event: Happening) -> RunState:
    """The state after an event. Late, repeated and unknown events change nothing."""
    if state is None:
        if event.type != "plan.execute" or not isinstance(event, Event):
            raise Invalid("A run begins with plan.execute.", code="EXEC_RUN_UNKNOWN")
        return start(graph, event)
    if state.status in ENDED_RUN:
        return state
    fold = Fold(graph, state)
    return fold.state() if apply(fold, event.type, event.data, event.timestamp) else state


def decide(graph: Graph, state: RunState | None, event: Event) -> tuple[Emit, ...]:
    """What follows from an event. `state` is the run before it, None before `plan.execute`."""
    return advance(graph, state, event, event.timestamp)[0]


def advance(
    graph: Graph, state: RunState | None, event: Event, now: datetime
) -> tuple[tuple[Emit, ...], RunState | None]:
    """What follows from an event, and the state after it and all that follows, these happening at
    `now`: the same as `decide` and then `evolve` over every one of them, in one go."""
    if state is None:
        if event.type != "plan.execute":
            return (), None
        fold = _enter(graph, event)
        return Decision(fold, event, now).execute(), fold.state()
    if state.status in ENDED_RUN:
        return (), state
    fold = Fold(graph, state)
    decision = Decision(fold, event, now)
    match event.type:
        case "run.cancel":
            emits = decision.cancel()
        case "run.answer":
            emits = decision.answer()
        case _ if event.type in _FROM_WORKERS:
            emits = decision.report()
        case _:
            return (), evolve(graph, state, event)
    return emits, fold.state()


_FROM_WORKERS = frozenset(
    {
        "plan.step.started",
        "plan.step.completed",
        "plan.step.failed",
        "plan.step.waiting",
        "plan.step.unknown",
    }
)


def _enter(graph: Graph, event: Event) -> Fold:
    data = event.data
    state = RunState(
        run_id=data["run_id"],
        plan_id=data["plan_id"],
        ir_hash=data["ir_hash"],
        owner=event.user_id,
        thread_id=data.get("thread_id"),
        inputs={**graph.defaults, **(data.get("inputs") or {})},
        event=data.get("event") or {},
        parent=data.get("parent"),
        started_at=event.timestamp,
    )
    fold = Fold(graph, state)
    fold.joins.enter(data.get("trigger"))
    return fold
