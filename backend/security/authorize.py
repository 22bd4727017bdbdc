"""Who may send what, and whose things an event may touch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.contracts.errors import Forbidden, Invalid
from backend.contracts.events import EVENT_TYPES, Event, EventType, FieldType
from backend.contracts.security import SYSTEM, Principal, Verdict

_ALLOW = Verdict("allow", "owner")
_MAX_TEXT = 1_000
_WORDS: Mapping[FieldType, str] = {
    "text": f"text of at most {_MAX_TEXT} characters",
    "count": "a whole number, 0 or more",
    "object": "an object",
}


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
    if user_id == SYSTEM.user_id:
        raise Forbidden("Nobody speaks for the system itself.", code="EXEC_FORBIDDEN")
    if kind is not None:
        _check_fields(kind, data)


def _check_fields(kind: EventType, data: Mapping[str, Any]) -> None:
    missing = [name for name in kind.required if name not in data]
    if missing:
        raise _invalid(f"{kind.name} needs {', '.join(missing)} in its data.")
    unknown = sorted(set(data) - set(kind.fields))
    if unknown:
        named = ", ".join(name[:60] for name in unknown[:5])
        raise _invalid(f"{kind.name} has no {named}. It has: {', '.join(kind.fields)}.")
    for name, wanted in kind.fields.items():
        value = data.get(name)
        if (value is not None or name in kind.required) and not _is(wanted, value):
            raise _invalid(f"{name} must be {_WORDS[wanted]}.")


def _is(wanted: FieldType, value: Any) -> bool:
    match wanted:
        case "text":
            return isinstance(value, str) and len(value) <= _MAX_TEXT
        case "count":
            return type(value) is int and 0 <= value < 2**31
        case "object":
            return isinstance(value, Mapping)
        case "any":
            return True


def _invalid(message: str) -> Invalid:
    return Invalid(message, code="EXEC_EVENT_INVALID")
