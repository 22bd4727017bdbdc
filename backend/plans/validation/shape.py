"""V1: the document's shape, from raw JSON of any kind and size."""

from __future__ import annotations

import math
from typing import Any

from pydantic import ValidationError

from backend.contracts.errors import Issue
from backend.contracts.plans import PlanDocument
from backend.plans import pointer
from backend.plans.ir import Listening
from backend.plans.validation.misshapen import broken, misfit

MAX_CHARACTERS = 2_000_000
MAX_VALUES = 200_000
MAX_DEPTH = 32
MAX_EDGES = 20_000
MAX_REFERENCES = 20_000
MAX_ISSUES = 50
_EXACT = 2**53 - 1
_LARGER = "The plan is larger than any plan may be."


def shape(raw: Any) -> tuple[PlanDocument | None, tuple[Issue, ...]]:
    """The document, or one issue per error of its shape."""
    if isinstance(raw, PlanDocument):
        triggers = [trigger.model_dump(mode="json") for trigger in raw.events]
        raw = raw.model_dump() | {"events": triggers}
    unfit = _unfit(raw)
    if unfit is not None:
        return None, (unfit,)
    if not isinstance(raw, dict):
        return None, (broken("A plan is a JSON object with “plan_name” and “steps”.", ()),)
    try:
        document = PlanDocument.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        issues = [misfit(detail, raw) for detail in details[:MAX_ISSUES]]
        if len(details) > MAX_ISSUES:
            issues.append(
                broken(f"There are {len(details) - MAX_ISSUES} more errors like these.", ())
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
