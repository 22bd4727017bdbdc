"""A run's state: the fold of its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

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


@dataclass(frozen=True, slots=True)
class ItemState:
    """One item of a `for_each` step, or the only one of an ordinary step (index None)."""

    status: StepStatus = "pending"
    attempt: int = 0
    output: Any = None
    error: Mapping[str, Any] | None = None
    question: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StepState:
    """`output` is the tool's output, or for `for_each` the list of outputs in input order.

    `iteration` counts a step's executions in reactive plans, from 1. `action` is the named action
    the tool took. `error` is {code, message, hint?}.
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
    items: tuple[ItemState, ...] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunState:
    """`event` is what started the run; `waiting_on` counts, per step, the upstream not yet settled."""

    run_id: str
    plan_id: str
    ir_hash: str
    owner: str
    status: RunStatus = "running"
    thread_id: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, StepState] = field(default_factory=dict)
    waiting_on: Mapping[str, int] = field(default_factory=dict)
    fired: frozenset[str] = frozenset()
    error: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
