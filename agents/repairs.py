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
BEYOND_WORDS = frozenset({"PLAN_SETTING_MISSING", "PLAN_NOT_COVERED"})


def mendable(issues: Sequence[Issue]) -> list[Issue]:
    """The errors that another draft could be without."""
    return [i for i in issues if i.severity == "error" and i.code not in BEYOND_WORDS]


def mechanical(
    answer: PlanAnswer, issues: Sequence[Issue]
) -> tuple[PlanAnswer, tuple[Issue, ...]] | None:
    """`answer` with every fix of `issues` put in place, and the issues so repaired, marked; None when
    there is none to put."""
    document: dict[str, Any] = copy.deepcopy(dict(answer.document or {}))
    repaired = [
        issue.model_copy(update={"repaired": True})
        for issue in issues
        if issue.fix is not None and _put(document, issue.fix.path, issue.fix.value)
    ]
    if not repaired or document == answer.document:
        return None
    return replace(answer, document=document), tuple(repaired)


def _put(document: dict[str, Any], path: str, value: Any) -> bool:
    *parents, last = pointer.split(path) or ("",)
    try:
        target = pointer.follow(document, parents)
        if isinstance(target, list):
            target[int(last)] = value
        else:
            target[last] = value
    except (LookupError, TypeError, ValueError):
        return False
    return True
