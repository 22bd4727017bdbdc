"""What is declared before the chains: `@plan(…)`, `@input(…)` and the triggers."""

from __future__ import annotations

import re
from typing import Any

from backend.plans.pipe.scan import Scanner, Value
from backend.plans.pipe.settings import period, whole
from backend.plans.validation.subject import did_you_mean, nearest

# Per word: what may stand first without its name, and all the names there are.
_FIELDS: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {
    "plan": (("name", "description"), frozenset({"graph", "max_iterations"})),
    "input": (("description",), frozenset({"format", "enum"})),
    "manual": ((), frozenset()),
    "cron": (("schedule", "timezone"), frozenset({"schedules", "only_if"})),
    "interval": (("every", "anchor"), frozenset()),
    "at": (("timestamp", "timezone"), frozenset()),
    "webhook": ((), frozenset({"secret", "filter"})),
    "event": (("type", "filter"), frozenset()),
}
KINDS = frozenset(_FIELDS) - {"plan", "input"}
WORDS = frozenset(_FIELDS)
_CONDITION = {"cron": "only_if", "webhook": "filter", "event": "filter"}
_NEEDED = {"interval": "every", "at": "timestamp", "event": "type"}
_EXAMPLE = {
    "interval": "@interval(90m)",
    "at": '@at("2027-01-31T09:00", "Europe/Paris")',
    "event": '@event("email.*")',
}
_FIELD = re.compile(r"([a-z_]+)\s*=(?!=)\s*")
_INPUT = re.compile(r"([A-Za-z_][\w-]*)\s*(?::\s*([a-z]+)\s*)?")


def declaration(on: Scanner, word: str, at: int) -> tuple[str, dict[str, Any]]:
    """What the brackets after `@word` say: the name of an input, and the fields of the document."""
    if word not in WORDS:
        near = nearest(word, WORDS)
        on.fail(f"there is no “@{word}”.", at=at, hint=did_you_mean(near), expected=near)
    name, found = "", dict[str, Any]()
    if on.takes("("):
        on.blanks()
        if word == "input":
            name, found = _input(on)
        _fields(on, word, found)
    elif word in ("plan", "input", "cron"):
        on.expected(f"“(” after “@{word}”")
    needed = _NEEDED.get(word)
    if needed and needed not in found:
        on.fail(f"“@{word}” needs its {needed}.", at=at, hint=f"For example {_EXAMPLE[word]}.")
    if word == "plan":
        return name, _plan(found)
    return name, found if word == "input" else _trigger(word, found)


def _input(on: Scanner) -> tuple[str, dict[str, Any]]:
    head = on.match(_INPUT)
    if head is None:
        on.expected("the input's name", hint='For example @input(to: string = "ann@example.com").')
    found: dict[str, Any] = {} if head[2] is None else {"type": head[2]}
    on.blanks()
    if on.takes("="):
        on.blanks()
        found["default"] = on.value(",)").value
        on.blanks()
    if not on.takes(",") and not on.sees(")"):
        on.expected("“,” or “)”")
    return head[1], found


def _fields(on: Scanner, word: str, found: dict[str, Any]) -> None:
    """Take the rest up to the closing bracket."""
    first, named = _FIELDS[word]
    known = {*first, *named}
    count = 0
    while True:
        on.blanks()
        if on.takes(")"):
            return
        at = on.at
        if on.takes("?"):
            field = _CONDITION.get(word)
            if field is None:
                on.fail(f"“@{word}” takes no condition.", at=at)
            value: Any = on.expression()
        elif (name := on.match(_FIELD)) and name[1] in known:
            field = name[1]
            value = _typed(on, field)
        elif name is not None:
            near = tuple(nearest(name[1], known)) or tuple(sorted(known))
            on.fail(f"“@{word}” has no “{name[1]}”.", at=at, hint=did_you_mean(near), expected=near)
        elif count < len(first):
            field = first[count]
            count += 1
            value = _typed(on, field)
        else:
            on.expected("“)”")
        if isinstance(value, list) and field == "schedule":
            field = "schedules"
        if field in found:
            on.fail(f"“{field}” is given twice.", at=at)
        found[field] = value
        on.blanks()
        if not on.takes(",") and not on.sees(")"):
            on.expected("“,” or “)”")


def _typed(on: Scanner, field: str) -> Any:
    value: Value = on.value(",)")
    if field == "every":
        return period(on, value)
    if field == "max_iterations":
        return whole(on, value)
    if field in ("enum", "schedules") or (field == "schedule" and isinstance(value.value, list)):
        if not isinstance(value.value, list):
            on.fail(f"“{field}” is a list.", at=value.at, hint='For example ["a", "b"].')
        return value.value
    return value.text


def _plan(found: dict[str, Any]) -> dict[str, Any]:
    spelled = {"name": "plan_name", "graph": "graph_type"}
    return {spelled.get(field, field): value for field, value in found.items()}


def _trigger(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    spelled = {"every": "every_s"}
    return {"kind": kind} | {spelled.get(field, field): value for field, value in found.items()}
