"""A drafted document held against validation before it is shown: what mends itself is mended."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from backend.contracts.errors import Issue
from backend.contracts.ports import PlanRequest
from backend.plans import pointer
from backend.plans.validation import check

# what no other draft would be without: a person must set something, or decide
_BEYOND = frozenset({"PLAN_SETTING_MISSING", "PLAN_NOT_COVERED"})
_ROUNDS = 3


def sound(
    document: dict[str, Any], request: PlanRequest, not_covered: Sequence[str]
) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    """The document with every mechanical fix made, and the errors that are left."""
    errors: tuple[Issue, ...] = ()
    for _ in range(_ROUNDS):
        found = check(
            document,
            request.catalogue,
            now=request.now,
            timezone=request.timezone,
            not_covered=tuple(not_covered),
        )
        errors = tuple(i for i in found.issues if i.severity == "error" and not _outside(i))
        fixes = [issue.fix for issue in errors if issue.fix is not None]
        if not fixes:
            return document, errors
        mended = copy.deepcopy(document)
        for fix in fixes:
            _put(mended, fix.path, fix.value)
        if mended == document:
            return document, errors
        document = mended
    return document, errors


def _outside(issue: Issue) -> bool:
    return issue.code in _BEYOND or issue.code.startswith("PLAN_POLICY")


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = pointer.split(path) or ("",)
    try:
        target = pointer.follow(document, parents)
        target[int(last) if isinstance(target, list) else last] = value
    except (LookupError, TypeError, ValueError):
        return
