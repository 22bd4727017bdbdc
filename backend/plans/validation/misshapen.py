"""V1: what is wrong with a document that does not have its shape, in words, and what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from backend.contracts.errors import Fix, Issue
from backend.contracts.plans import (
    AtTrigger,
    CronTrigger,
    EventTrigger,
    Input,
    IntervalTrigger,
    ManualTrigger,
    PlanDocument,
    Retry,
    Step,
    WebhookTrigger,
)
from backend.plans import pointer
from backend.plans.validation.subject import did_you_mean, nearest

_KINDS: dict[str, type[BaseModel]] = {
    "manual": ManualTrigger,
    "cron": CronTrigger,
    "interval": IntervalTrigger,
    "at": AtTrigger,
    "webhook": WebhookTrigger,
    "event": EventTrigger,
}
_TELLTALE = {
    "schedule": "cron",
    "schedules": "cron",
    "every_s": "interval",
    "timestamp": "at",
    "secret": "webhook",
    "type": "event",
}
_WORDS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "string_unicode": "holds characters that are not text",
}
_PATTERNS = {
    "name": "may hold letters, digits, “_” and “-”, must not start with a digit, at most 64 long",
    "event": "may hold letters, digits, “_”, “-” and “.”, must not start with a digit, at most 128",
}


def misfit(detail: ErrorDetails, raw: dict[str, Any]) -> Issue:
    loc = _location(detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(loc, raw)
        case "missing":
            return broken(f"{_subject(loc[:-1])} needs “{loc[-1]}”.", loc)
        case "union_tag_not_found" | "union_tag_invalid":
            return _kind(loc, raw)
        case "literal_error":
            return _choice(detail, loc, raw)
        case "string_pattern_mismatch":
            key = "event" if {"on", "emits", "events"} & set(loc) else "name"
            return broken(f"{_subject(loc)} {_PATTERNS[key]}.", loc)
        case kind:
            words = (
                _WORDS.get(kind)
                or _limit(detail)
                or detail["msg"].replace("Input should", "must", 1)
            )
            words = f"{_subject(loc)} {words}.".replace("must be a valid", "must be a")
            return broken(words, loc, _reshaped(detail, loc, raw))


def _limit(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    bounds = {
        "ge": "at least",
        "gt": "more than",
        "le": "at most",
        "lt": "less than",
        "max_length": "at most",
    }
    for key, words in bounds.items():
        if key in context:
            unit = " elements" if detail["type"] == "too_long" else ""
            unit = " characters" if detail["type"] == "string_too_long" else unit
            return f"must {'have' if unit else 'be'} {words} {context[key]:,}{unit}"
    return ""


def _location(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Where in the document: pydantic also names the trigger's kind and marks keys."""
    parts = [part for part in loc if part != "[key]"]
    if len(parts) > 2 and parts[0] == "events" and parts[2] in _KINDS:
        del parts[2]
    return tuple(parts)


def _subject(loc: tuple[str | int, ...]) -> str:
    match loc:
        case ():
            return "The plan"
        case ("steps", int(index)):
            return f"Step {index + 1}"
        case ("events", int(index)):
            return f"Trigger {index + 1}"
        case ("steps", int(index), *rest):
            return f"“{'.'.join(map(str, rest))}” of step {index + 1}"
        case ("events", int(index), *rest):
            return f"“{'.'.join(map(str, rest))}” of trigger {index + 1}"
        case _:
            return f"“{'.'.join(map(str, loc))}”"


def _unknown_key(loc: tuple[str | int, ...], raw: dict[str, Any]) -> Issue:
    *parent, key = loc
    holder = pointer.follow(raw, parent)
    model = _model(tuple(parent), holder)
    known = tuple(model.model_fields) if model else ()
    near = nearest(str(key), [name for name in known if name not in holder], 1)
    fix = None
    if near:
        renamed = {(near[0] if name == key else name): value for name, value in holder.items()}
        fix = Fix(path=pointer.join(*parent), value=renamed, label=f"Rename to “{near[0]}”")
    return Issue(
        code="PLAN_STRUCTURE_INVALID",
        message=f"{_subject(tuple(parent))} has no field “{str(key)[:80]}”.",
        path=pointer.join(*loc),
        suggestion=did_you_mean(near) or f"Remove “{str(key)[:80]}”.",
        available=known,
        fix=fix,
    )


def _model(parent: tuple[str | int, ...], holder: Mapping[str, Any]) -> type[BaseModel] | None:
    """What the object at a place should be; None within values of any shape."""
    match parent:
        case ():
            return PlanDocument
        case ("steps", int()):
            return Step
        case ("steps", int(), "retry"):
            return Retry
        case ("events", int()):
            return _KINDS.get(holder.get("kind", ""))
        case ("inputs", _):
            return Input
    return None


def _kind(loc: tuple[str | int, ...], raw: dict[str, Any]) -> Issue:
    trigger = pointer.follow(raw, loc)
    given = trigger.get("kind") if isinstance(trigger, dict) else None
    near = nearest(given, _KINDS, 1) if isinstance(given, str) else ()
    guessed = near or tuple(
        kind for key, kind in _TELLTALE.items() if isinstance(trigger, dict) and key in trigger
    )
    where = pointer.join(*loc, "kind")
    return Issue(
        code="PLAN_STRUCTURE_INVALID",
        message=f"{_subject(loc)} must say its kind: {', '.join(_KINDS)}.",
        path=where,
        suggestion=did_you_mean(guessed[:1]),
        available=tuple(_KINDS),
        fix=Fix(path=where, value=guessed[0], label=f"Use “{guessed[0]}”") if guessed else None,
    )


def _choice(detail: ErrorDetails, loc: tuple[str | int, ...], raw: dict[str, Any]) -> Issue:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    choices = tuple(part.strip("' ") for part in expected.replace(" or ", ",").split(","))
    near = nearest(str(detail["input"])[:80], choices, 1)
    named = Fix(path=pointer.join(*loc), value=near[0], label=f"Use “{near[0]}”") if near else None
    return Issue(
        code="PLAN_STRUCTURE_INVALID",
        message=f"{_subject(loc)} must be {' or '.join(choices)}.",
        path=pointer.join(*loc),
        suggestion=did_you_mean(near),
        available=choices,
        fix=_reshaped(detail, loc, raw) or named,
    )


def _reshaped(detail: ErrorDetails, loc: tuple[str | int, ...], raw: dict[str, Any]) -> Fix | None:
    """A single name where a list of them belongs, and nothing where a field can be left out."""
    where, given = pointer.join(*loc), detail["input"]
    if detail["type"] == "list_type" and isinstance(given, str) and given:
        return Fix(path=where, value=[given], label="Make it a list")
    if given is None and len(loc) > 0:
        *parent, key = loc
        holder = pointer.follow(raw, parent)
        model = _model(tuple(parent), holder) if isinstance(holder, dict) else None
        field = model.model_fields.get(str(key)) if model else None
        if field is not None and not field.is_required():
            value = field.get_default(call_default_factory=True)
            return Fix(path=where, value=value, label="Leave it out")
    return None


def broken(message: str, loc: tuple[str | int, ...], fix: Fix | None = None) -> Issue:
    return Issue(code="PLAN_STRUCTURE_INVALID", message=message, path=pointer.join(*loc), fix=fix)
