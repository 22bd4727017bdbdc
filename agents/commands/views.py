"""Plans and schedules as data."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from backend.contracts.schedules import Schedule
from backend.contracts.views import PlanView

_plans: TypeAdapter[PlanView] = TypeAdapter(PlanView)
_schedules: TypeAdapter[Schedule] = TypeAdapter(Schedule)


def plan_as_json(view: PlanView) -> dict[str, Any]:
    """As the API answers it."""
    found: dict[str, Any] = _plans.dump_python(view, mode="json")
    return found


def schedule_as_json(schedule: Schedule) -> dict[str, Any]:
    found: dict[str, Any] = _schedules.dump_python(schedule, mode="json")
    return found
