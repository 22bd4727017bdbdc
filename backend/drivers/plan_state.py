"""A plan's state: the fold of its stream's events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from backend.contracts.events import Event
from backend.contracts.plans import PlanStatus


@dataclass(frozen=True, slots=True)
class PlanState:
    """`offered` is what was last proposed; `approved` what runs (they differ while a revision of a
    running plan waits). `schedules` are the ids that are set; `saved` is the revision that is kept
    under a name."""

    plan_id: str = ""
    owner: str | None = None
    status: PlanStatus = "proposed"
    offered: Mapping[str, Any] = field(default_factory=dict)
    approved: Mapping[str, Any] = field(default_factory=dict)
    schedules: tuple[str, ...] = ()
    saved: Mapping[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str = ""
    created_at: datetime | None = None


# What of a proposal the plan keeps in its state: all that approval and triggering look at.
KEPT = (
    "revision",
    "ir_hash",
    "catalogue_hash",
    "valid",
    "thread_id",
    "triggers",
    "timezone",
    "title",
    "planning_id",
    "nested",
)


def evolve(state: PlanState, event: Event) -> PlanState:
    """The state after an event of the plan's stream; others change nothing."""
    data = event.data
    match event.type:
        case "plan.proposed":
            return replace(
                state,
                plan_id=data["plan_id"],
                owner=state.owner or event.user_id,
                status="proposed",
                offered={name: data.get(name) for name in KEPT},
                created_at=state.created_at or event.timestamp,
                reason="",
            )
        case "plan.approved":
            return replace(
                state,
                status="scheduled" if data["lasting"] else "approved",
                approved={
                    **state.offered,
                    "inputs": data["inputs"],
                    "status": "scheduled" if data["lasting"] else "approved",
                },
                schedules=tuple(data["schedules"]),
                run_id=data.get("run_id"),
                decided_by=event.user_id,
                decided_at=event.timestamp,
            )
        case "plan.rejected":
            return replace(
                state,
                # a turned-down revision leaves what was approved before as it is
                status=state.approved.get("status", "rejected"),
                reason=data.get("reason", ""),
                decided_by=event.user_id,
                decided_at=event.timestamp,
            )
        case "plan.archived":
            return replace(state, status="archived", schedules=())
        case "plan.saved" | "plan.unsaved":
            return replace(state, saved=data if event.type == "plan.saved" else {})
        case "plan.execute" if data.get("trigger") is None:
            return replace(state, run_id=data["run_id"])
    return state
