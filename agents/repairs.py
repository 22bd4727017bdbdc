"""Which issues can be mended, and those that mend themselves."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from backend.contracts.errors import Issue
from backend.contracts.ports import PlanAnswer
from backend.plans import pointer

# Nothing a planner says differently would help: a person must set something or decide.
BEYOND_WORDS = frozenset(
    {
        "PLAN_SETTING_MISSING",
        "PLAN_NOT_COVERED",
        "PLAN_VALIDATION_TIMEOUT",
        "PLAN_VALIDATOR_FAILED",
    }
)


def mendable(issues: Sequence[Issue]) -> list[Issue]:
    """The errors that another draft could be without."""
    return [i for i in issues if i.severity == "error" and i.code not in BEYOND_WORDS]


def mechanical(
    answer: PlanAnswer, issues: Sequence[Issue]
) -> tuple[PlanAnswer, tuple[Issue, ...]] | None:
    """`answer` with the fixes of `issues` put in place, and the issues so repaired, marked; None when
    there is none to put. Of fixes that reach into each other only the first is put: the others are
    looked at again with what it made of the plan."""
    document: dict[str, Any] = copy.deepcopy(dict(answer.document or {}))
    put: dict[tuple[str, ...], Any] = {}
    repaired: list[Issue] = []
    for issue in issues:
        if issue.fix is None:
            continue
        place, value = pointer.split(issue.fix.path), issue.fix.value
        said = place in put and put[place] == value
        if not said:
            if any(_reaches(place, other) for other in put):
                continue
            if not _put(document, issue.fix.path, value):
                continue
            put[place] = value
        repaired.append(issue.model_copy(update={"repaired": True}))
    if not repaired or document == answer.document:
        return None
    return replace(answer, document=document), tuple(repaired)


def _reaches(place: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one of two places lies within the other."""
    shorter = min(len(place), len(other))
    return place[:shorter] == other[:shorter]


def _put(document: dict[str, Any], path: str, value: Any) -> bool:
    *parents, last = pointer.split(path) or ("",)
    try:
        target = pointer.follow(document, parents)
        if isinstance(target, list):
            target[int(last)] = copy.deepcopy(value)
        else:
            target[last] = copy.deepcopy(value)
    except (LookupError, TypeError, ValueError):
        return False
    return True
