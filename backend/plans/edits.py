"""A person's edits in the card: values in places, turned into a new document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from backend.contracts.errors import Invalid, Issue
from backend.contracts.plans import Catalogue, PlanDocument, Step
from backend.plans import pointer
from backend.plans.bindings import references
from backend.plans.validation.conversions import converted
from backend.plans.validation.schema import Absent, Shape
from backend.plans.validation.shape import shape

_TRIGGER_FIELDS = frozenset(
    {
        "schedule",
        "timezone",
        "only_if",
        "every_s",
        "anchor",
        "timestamp",
        "filter",
        "type",
        "secret",
    }
)
_SEPARATOR = re.compile(r"[,\n]")


def edit(document: PlanDocument, edits: Mapping[str, Any], catalogue: Catalogue) -> PlanDocument:
    """The document with `edits`, paths to new values, as {"steps/2/args/to": "a@example.com"}.

    Editable are literal arguments, whether a step asks before it acts, a trigger's time and filter,
    defaults of inputs, the name and the description. Text typed where the tool wants something else
    is converted; nothing typed (None or "") into an optional field clears it. Raises `Invalid`
    (PLAN_EDIT_REFUSED), with issues where a value does not fit its field.
    """
    triggers = [trigger.model_dump(mode="json") for trigger in document.events]
    raw = document.model_dump() | {"events": triggers}
    for path, value in edits.items():
        match pointer.split(path):
            case ("plan_name" | "description" as field,):
                raw[field] = value
            case ("events", index, field) if field in _TRIGGER_FIELDS:
                _trigger(raw, path, index)[field] = None if value == "" else value
            case ("events", index, "schedules", _):
                _put(_trigger(raw, path, index), path, pointer.split(path)[2:], value)
            case ("inputs", name, "default") if name in raw["inputs"]:
                kinds = frozenset({document.inputs[name].type})
                raw["inputs"][name]["default"] = _fitted(value, kinds, Shape())
            case ("steps", index, "approval"):
                _step(document, path, index)
                raw["steps"][int(index)]["approval"] = _approval(path, value)
            case ("steps", index, "args", *_):
                _argument(raw, document, catalogue, path, index, value)
            case _:
                raise _refused(path, "This part of a plan cannot be edited here.")
    edited, issues = shape(raw)
    if edited is None:
        raise Invalid(issues[0].message, code="PLAN_EDIT_REFUSED", issues=issues)
    return edited


def _argument(
    raw: dict[str, Any],
    document: PlanDocument,
    catalogue: Catalogue,
    path: str,
    index: str,
    value: Any,
) -> None:
    step = _step(document, path, index)
    parts = pointer.split(path)[3:]
    if not parts:
        raise _refused(path, "Edit one argument at a time.")
    spec = catalogue.tools.get(step.action)
    wanted = Shape.of(spec.inputs) if spec else Shape()
    required = spec.inputs.get("required", ()) if spec else ()
    try:
        for part in parts:
            wanted = wanted.at(part)
    except Absent as absent:
        raise _refused(path, f"“{step.action}” has no such argument.", absent.available) from None
    args = raw["steps"][int(index)]["args"]
    current = _current(step.args, parts, path)
    if _bound(current):
        raise _refused(path, f"This value comes from {current}; it is not typed in.")
    cleared = value is None or (value == "" and "string" not in wanted.kinds)
    if cleared and len(parts) == 1 and parts[0] not in required and "null" not in wanted.kinds:
        args.pop(parts[0], None)
    else:
        _put(args, path, parts, _fitted(value, wanted.kinds, wanted))


def _approval(path: str, value: Any) -> str | None:
    """Only what the person said outright takes the asking away; whether it may go, validation says."""
    if value in ("required", True):
        return "required"
    if value is False:
        return None
    raise _refused(path, "A step asks before it acts, or it does not.", ("required",))


def _bound(value: Any) -> bool:
    try:
        return any(reference.text == value for reference in references(value))
    except Invalid:  # a reference that cannot be read is there to be mended
        return False


def _current(args: Mapping[str, Any], parts: tuple[str, ...], path: str) -> Any:
    """The value now in that place; None when the argument is not given yet."""
    if parts[0] not in args:
        if len(parts) > 1:
            raise _refused(path, "There is nothing to edit.")
        return None
    try:
        return pointer.follow(args, parts)
    except LookupError:
        raise _refused(path, "There is nothing to edit.") from None


def _put(holder: Any, path: str, parts: tuple[str, ...], value: Any) -> None:
    *upper, last = parts
    try:
        inner = pointer.follow(holder, upper)
        if isinstance(inner, list):
            inner[int(last)] = value
        else:
            inner[last] = value
    except (LookupError, ValueError, TypeError):
        raise _refused(path, "There is nothing to edit.") from None


def _trigger(raw: dict[str, Any], path: str, index: str) -> dict[str, Any]:
    if not index.isdecimal() or int(index) >= len(raw["events"]):
        raise _refused(path, "There is no such trigger.")
    found: dict[str, Any] = raw["events"][int(index)]
    return found


def _step(document: PlanDocument, path: str, index: str) -> Step:
    if not index.isdecimal() or len(index) > 6 or int(index) >= len(document.steps):
        raise _refused(path, "There is no such step.")
    return document.steps[int(index)]


def _fitted(value: Any, kinds: frozenset[str], wanted: Shape) -> Any:
    """Text from a form as the kind of value the field takes, where there is no doubt."""
    if not isinstance(value, str) or "string" in kinds:
        return value
    simple = converted(value, kinds)
    if simple is not None:
        return simple
    if kinds & {"array", "object"} and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    if "array" in kinds:
        parts = [part.strip() for part in _SEPARATOR.split(value) if part.strip()]
        inner = wanted.at(0)
        return [_fitted(part, inner.kinds, inner) for part in parts]
    return value


def _refused(path: str, message: str, available: tuple[str, ...] = ()) -> Invalid:
    issue = Issue(code="PLAN_EDIT_REFUSED", message=message, path=path[:500], available=available)
    return Invalid(message, code="PLAN_EDIT_REFUSED", issues=(issue,))
