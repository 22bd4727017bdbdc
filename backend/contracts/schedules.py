"""When a plan runs next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

ScheduleStatus = Literal["active", "paused", "ended"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """`trigger` is the plan document's trigger as JSON; `generation` grows with every change, and a
    timer that names an older one is a no-op. Times are aware, in UTC."""

    id: str
    plan_id: str
    ir_hash: str
    owner: str
    trigger: dict[str, Any]
    timezone: str = "UTC"
    status: ScheduleStatus = "active"
    generation: int = 0
    next_due: datetime | None = None
    last_due: datetime | None = None
    thread_id: str | None = None
