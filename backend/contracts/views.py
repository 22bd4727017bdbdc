"""What the product shows of its plans and runs: read models for chat, API and command line alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from backend.contracts.errors import Issue
from backend.contracts.plans import PlanDocument, PlanStatus, Trust
from backend.contracts.runs import RunState
from backend.contracts.schedules import Schedule

NEWEST_RUNS = 3


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two documents; `path` as in `Issue.path`."""

    kind: Literal["added", "removed", "changed"]
    path: str
    label: str
    old: Any = None
    new: Any = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one run will do, in words for a person, at most: {"sends 1 mail to x", "writes 1 file"}.
    `per_item` warns that a step repeats once per item of a list not known yet."""

    effects: tuple[str, ...] = ()
    step_effects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cost_usd: float = 0.0
    duration_s: float = 0.0
    per_item: bool = False


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as of one of its revisions. `latest` is the newest revision's number: a card of an older
    one is superseded. `when` is the trigger in words, `firings` its next due times. `changes` are
    against the revision before. `run_id` is the latest run a person started. `trust`: made by the
    planner alone, edited since, or written by hand; `lock` is its lockfile, `provenance` how it was
    planned. `saved` is the tool that the plan is under its name, "" while it has none. `hooks` are the
    paths of its webhooks' addresses by trigger, while it listens."""

    plan_id: str
    owner: str
    revision: int
    latest: int
    status: PlanStatus
    ir_hash: str
    catalogue_hash: str
    document: PlanDocument
    issues: tuple[Issue, ...] = ()
    changes: tuple[Change, ...] = ()
    when: str = ""
    timezone: str = "UTC"
    firings: tuple[datetime, ...] = ()
    forecast: Forecast = field(default_factory=Forecast)
    schedules: tuple[Schedule, ...] = ()
    run_id: str | None = None
    thread_id: str | None = None
    origin: Literal["planner", "edited", "hand"] = "hand"
    planner: str = ""
    request: str = ""
    not_covered: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    trust: Trust = "untrusted"
    lock: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    saved: str = ""
    hooks: Mapping[str, str] = field(default_factory=dict)
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlanRevision:
    """One revision in a plan's history: who wrote it, what became of it, and how it differs from the
    one before. `saved`: it is what the plan's name stands for."""

    number: int
    created_at: datetime
    origin: Literal["planner", "edited", "hand"]
    ir_hash: str
    request: str = ""
    saved: bool = False
    decided: Literal["", "approved", "rejected"] = ""
    decided_by: str | None = None
    decided_at: datetime | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class ThreadUpdate:
    """What is new in a thread. `runs` carry whole states, already folded; `cursor` resumes behind.

    Where more runs of a plan than `NEWEST_RUNS`, which the clock or an event had started, have come and gone
    since the last update, the older ones are only counted: `earlier` is {plan id: {status: number}}.
    """

    cursor: str
    plans: tuple[PlanView, ...] = ()
    runs: tuple[RunState, ...] = ()
    messages: tuple[Mapping[str, Any], ...] = ()
    earlier: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
