"""V1: the document's shape, from raw JSON of any kind and size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
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
from backend.plans.ir import Listening
from backend.plans.validation.subject import did_you_mean, nearest

MAX_CHARACTERS = 2_000_000
MAX_VALUES = 200_000
MAX_DEPTH = 32
MAX_EDGES = 20_000
MAX_REFERENCES = 20_000
MAX_ISSUES = 50
_EXACT = 2**53 - 1
_LARGER = "The plan is larger than any plan may be."
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


def shape(raw: Any) -> tuple[PlanDocument | None, tuple[Issue, ...]]:
    """The document, or one issue per error of its shape."""
    if isinstance(raw, PlanDocument):
        triggers = [trigger.model_dump(mode="json") for trigger in raw.events]
        raw = raw.model_dump() | {"events": triggers}
    unfit = _unfit(raw)
    if unfit is not None:
        return None, (unfit,)
    if not isinstance(raw, dict):
        return None, (_broken("A plan is a JSON object with “plan_name” and “steps”.", ()),)
    try:
        document = PlanDocument.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        issues = [_issue(detail, raw) for detail in details[:MAX_ISSUES]]
        if len(details) > MAX_ISSUES:
            issues.append(
                _broken(f"There are {len(details) - MAX_ISSUES} more errors like these.", ())
            )
        return None, tuple(issues)
    if Listening(document).count(document) > MAX_EDGES:
        return None, (_too_large(f"The plan has more than {MAX_EDGES:,} connections.", ("steps",)),)
    return document, ()


def _unfit(raw: Any) -> Issue | None:
    """Why this is not JSON of a reasonable size, if so. Never recursive: the input is hostile."""
    characters = values = references = 0
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(raw, ())]
    while stack:
        value, path = stack.pop()
        values += 1
        if isinstance(value, (dict, list, tuple)) and len(stack) + len(value) > MAX_VALUES:
            return _too_large(_LARGER, ())
        if isinstance(value, dict):
            wrong = next((key for key in value if _text_error(key)), None)
            if wrong is not None:
                return _unrepresentable("A key is not text.", path)
            characters += sum(map(len, value))
            stack.extend((item, (*path, key)) for key, item in value.items())
        elif isinstance(value, (list, tuple)):
            stack.extend((item, (*path, index)) for index, item in enumerate(value))
        else:
            characters += len(value) if isinstance(value, str) else 8
            references += value.count("${") if isinstance(value, str) else 0
            problem = _scalar_error(value)
            if problem:
                return _unrepresentable(problem, path)
        if len(path) > MAX_DEPTH:
            return _too_large(f"The plan is nested more than {MAX_DEPTH} levels deep.", path[:8])
        if references > MAX_REFERENCES:
            return _too_large(f"The plan holds more than {MAX_REFERENCES:,} references.", ())
        if characters > MAX_CHARACTERS or values > MAX_VALUES:
            return _too_large(_LARGER, ())
    return None


def _scalar_error(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        return _text_error(value)
    if isinstance(value, int):
        return "" if abs(value) <= _EXACT else "This whole number is too large to keep exactly."
    if isinstance(value, float):
        return "" if math.isfinite(value) else "This number is not finite."
    return f"A {type(value).__name__} is not a JSON value."


def _text_error(value: Any) -> str:
    if not isinstance(value, str):
        return "This is not text."
    try:
        value.encode()
    except UnicodeEncodeError:
        return "This text holds half a character (a lone surrogate)."
    return ""


def _issue(detail: ErrorDetails, raw: dict[str, Any]) -> Issue:
    loc = _location(detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(loc, raw)
        case "missing":
            return _broken(f"{_subject(loc[:-1])} needs “{loc[-1]}”.", loc)
        case "union_tag_not_found" | "union_tag_invalid":
            return _kind(loc, raw)
        case "literal_error":
            return _choice(detail, loc)
        case "string_pattern_mismatch":
            key = "event" if {"on", "emits", "events"} & set(loc) else "name"
            return _broken(f"{_subject(loc)} {_PATTERNS[key]}.", loc)
        case kind:
            words = (
                _WORDS.get(kind)
                or _limit(detail)
                or detail["msg"].replace("Input should", "must", 1)
            )
            return _broken(f"{_subject(loc)} {words}.".replace("must be a valid", "must be a"), loc)


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
    known = _keys(tuple(parent), holder)
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


def _keys(parent: tuple[str | int, ...], holder: Mapping[str, Any]) -> tuple[str, ...]:
    model: type[BaseModel] = PlanDocument
    match parent:
        case ("steps", int()):
            model = Step
        case ("steps", int(), "retry"):
            model = Retry
        case ("events", int()):
            model = _KINDS[holder["kind"]]
        case ("inputs", _):
            model = Input
    return tuple(model.model_fields)


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


def _choice(detail: ErrorDetails, loc: tuple[str | int, ...]) -> Issue:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    choices = tuple(part.strip("' ") for part in expected.replace(" or ", ",").split(","))
    near = nearest(str(detail["input"])[:80], choices, 1)
    return Issue(
        code="PLAN_STRUCTURE_INVALID",
        message=f"{_subject(loc)} must be {' or '.join(choices)}.",
        path=pointer.join(*loc),
        suggestion=did_you_mean(near),
        available=choices,
        fix=Fix(path=pointer.join(*loc), value=near[0], label=f"Use “{near[0]}”") if near else None,
    )


def _broken(message: str, loc: tuple[str | int, ...]) -> Issue:
    return Issue(code="PLAN_STRUCTURE_INVALID", message=message, path=pointer.join(*loc))


def _unrepresentable(message: str, loc: tuple[str | int, ...]) -> Issue:
    return Issue(
        code="PLAN_VALUE_UNREPRESENTABLE",
        message=message,
        path=_printable(pointer.join(*loc)),
        suggestion="Write the value as plain JSON text or a smaller number.",
    )


def _too_large(message: str, loc: tuple[str | int, ...]) -> Issue:
    return Issue(
        code="PLAN_TOO_LARGE",
        message=message,
        path=_printable(pointer.join(*loc)),
        suggestion="Keep long values in a file and have a step read it, or split the plan.",
    )


def _printable(path: str) -> str:
    return path.encode(errors="replace").decode()[:500]
