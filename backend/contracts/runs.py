"""A run's state: the fold of its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

RunStatus = Literal["running", "waiting", "completed", "failed", "cancelled", "stalled"]
StepStatus = Literal[
    "pending",  # not ready yet
    "running",  # handed to a worker
    "retrying",  # failed, another attempt is due
    "waiting",  # asks a person
    "unknown",  # an effect was interrupted half way; asks a person
    "done",
    "skipped",
    "failed",
    "cancelled",
]
ENDED_STEP: frozenset[StepStatus] = frozenset({"done", "skipped", "failed", "cancelled"})
ENDED_RUN: frozenset[RunStatus] = frozenset({"completed", "failed", "cancelled"})

State = TypeVar("State", "ItemState", "StepState", "RunState")


@dataclass(frozen=True)
class ItemState:
    """One item of a `for_each` step. `args` are what it was last called with, until it ends;
    `due_at` is when a further attempt may start; `child` the run that a saved plan made of it."""

    status: StepStatus = "pending"
    attempt: int = 0
    action: str = "default"
    output: Any = None
    error: Mapping[str, Any] | None = None
    question: Mapping[str, Any] | None = None
    note: str = ""
    args: Mapping[str, Any] | None = None
    due_at: datetime | None = None
    child: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class StepState:
    """`output` is the tool's output; for `for_each`, each field of it is the list of that field over
    all items in input order (null where an item has none). It is None while the step has nothing to
    offer: not run yet, skipped, failed.

    `iteration` counts a step's executions in reactive plans, from 1. `action` is the named action
    the tool took. `error` is {code, message, hint?}; `errors`, for `for_each`, are the same with the
    item's index. `question` is {kind: "gate" | "ask" | "unknown", ...}. `child` is the id of the run
    that a saved plan made of this call. For `for_each`, `values` are
    the items' values, `begun` how many have begun, `active`, `asking` and `left` how many run, ask
    and have not ended.
    """

    status: StepStatus = "pending"
    iteration: int = 0
    attempt: int = 0
    action: str = "default"
    output: Any = None
    error: Mapping[str, Any] | None = None
    errors: tuple[Mapping[str, Any], ...] = ()
    question: Mapping[str, Any] | None = None
    note: str = ""
    args: Mapping[str, Any] | None = None
    due_at: datetime | None = None
    child: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    items: tuple[ItemState, ...] | None = None
    values: Sequence[Any] = ()
    begun: int = 0
    active: int = 0
    asking: int = 0
    left: int = 0


@dataclass(frozen=True)
class RunState:
    """`event` is what started the run; `steps` has those that have begun or ended. `parent` is the call
    of another run that it answers: {"run_id", "step", "iteration", "index", "attempt", "outputs"}.

    `active` and `asking` count the calls that are out and the questions that are open. `failing`:
    something failed for good, so nothing new starts. The rest is the engine's: `waiting_on` has, per
    step that has heard from some upstream, a bit for each it has not heard from; `fired` the steps
    among them that an upstream wants started; `wanted` the starts (True) and skips (False) that are
    due to a step and not yet taken up.
    """

    run_id: str
    plan_id: str
    ir_hash: str
    owner: str
    status: RunStatus = "running"
    thread_id: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)
    parent: Mapping[str, Any] | None = None
    steps: Mapping[str, StepState] = field(default_factory=dict)
    waiting_on: Mapping[str, int] = field(default_factory=dict)
    fired: frozenset[str] = frozenset()
    wanted: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    active: int = 0
    asking: int = 0
    failing: bool = False
    error: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


def changed(state: State, **changes: Any) -> State:
    """`dataclasses.replace`, six times as fast: states change with every event of every run."""
    new = object.__new__(type(state))
    new.__dict__.update(state.__dict__, **changes)
    return new
