"""Who may send what, and whose things an event may touch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.contracts.errors import Forbidden, Invalid
from backend.contracts.events import EVENT_TYPES, Event
from backend.contracts.security import SYSTEM, Principal, Verdict

_ALLOW = Verdict("allow", "owner")


def authorize(event: Event, owner: str | None) -> Verdict:
    """Whether `event` may be handled by a stream (or driver) whose things belong to `owner`."""
    kind = EVENT_TYPES.get(event.type)
    if kind is None:
        return Verdict("deny", "catalogue", "EXEC_EVENT_UNKNOWN", f"no event type {event.type!r}")
    if event.category == "input" and not kind.outside:
        return Verdict(
            "deny", "facts", "EXEC_EVENT_INSIDE_ONLY", f"{event.type} only comes from inside"
        )
    if owner is not None and event.user_id not in (owner, SYSTEM.user_id):
        return Verdict("deny", "owner", "EXEC_FORBIDDEN", "this belongs to somebody else")
    return _ALLOW


def check_outside(who: Principal, type: str, data: Mapping[str, Any], user_id: str) -> None:
    """The door for events from outside. Raises `Forbidden` or `Invalid`."""
    kind = EVENT_TYPES.get(type)
    if kind is not None and not kind.outside:
        raise Forbidden(
            f"{type} cannot be sent from outside: it only comes from inside.",
            code="EXEC_EVENT_INSIDE_ONLY",
        )
    if user_id != who.user_id and not who.roles & {"operator", "admin"}:
        raise Forbidden("An event's userID must be your own.", code="EXEC_FORBIDDEN")
    missing = [name for name in (kind.required if kind else ()) if name not in data]
    if missing:
        raise Invalid(f"{type} needs {', '.join(missing)} in its data.", code="EXEC_EVENT_INVALID")
    if kind is not None and kind.key and not isinstance(data[kind.key], str):
        raise Invalid(f"{kind.key} must be a string.", code="EXEC_EVENT_INVALID")
