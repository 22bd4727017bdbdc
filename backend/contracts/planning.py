"""A planning session: how a sentence became a plan, or why it did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

PLANNING = "planning"  # the kind of their documents
Outcome = Literal["plan", "question", "refusal", "talk", "manage", "error"]


@dataclass(frozen=True, slots=True)
class PlanningRecord:
    """`id` is the turn's or the proposal's. `request` is what was planned for; `planner` is "offline" or
    a model's id. `stages` are {"name", "duration_ms", "status"?, "detail"?, "model_ms"?}, in order;
    `repairs` are the issues mended on the way, as {"code", "path", "message"}. `selection` and
    `usage` are as in `PlanAnswer`. `code` says why there is no answer, for the outcome "error".
    `plan_id`, `revision` and `ir_hash` are there when a plan was proposed of it. Durations are in
    milliseconds."""

    id: str
    owner: str
    request: str
    started_at: datetime
    outcome: Outcome
    planner: str = ""
    model: str = ""
    thread_id: str | None = None
    duration_ms: float = 0.0
    stages: tuple[Mapping[str, Any], ...] = ()
    repairs: tuple[Mapping[str, str], ...] = ()
    selection: Mapping[str, Any] = field(default_factory=dict)
    usage: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = 1.0
    not_covered: tuple[str, ...] = ()
    code: str = ""
    plan_id: str | None = None
    revision: int | None = None
    ir_hash: str = ""

    def provenance(self) -> dict[str, Any]:
        """What a revision keeps of it: enough to say where it came from when this record is gone."""
        return {
            "planning_id": self.id,
            "request": self.request,
            "planner": self.planner,
            "model": self.model,
            "started_at": self.started_at.isoformat(),
            "duration_ms": self.duration_ms,
            "stages": [dict(stage) for stage in self.stages],
            "repairs": [dict(issue) for issue in self.repairs],
            "selection": dict(self.selection),
            "usage": dict(self.usage),
        }
