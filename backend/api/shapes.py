"""Runs and events as they are on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from backend.contracts.events import Event
from backend.contracts.runs import RunState

# What the engine counts for itself says nothing to anybody else.
INNER: Any = {
    "waiting_on": True,
    "fired": True,
    "wanted": True,
    "active": True,
    "asking": True,
    "failing": True,
    "steps": {"__all__": {"values", "begun", "active", "asking", "left"}},
}
_runs: TypeAdapter[RunState] = TypeAdapter(RunState)


def run_as_json(state: RunState) -> dict[str, Any]:
    found: dict[str, Any] = _runs.dump_python(state, mode="json", exclude=INNER)
    return found


def event_as_json(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "userID": event.user_id,
        "timestamp": event.timestamp.isoformat(),
        "source": event.source,
        "category": event.category,
        "data": dict(event.data),
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
    }
