"""Fixes that change the graph are tried before they are offered: one that breaks another thing is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from backend.contracts.errors import Fix, Issue
from backend.contracts.plans import PlanDocument
from backend.plans import pointer
from backend.plans.validation.dataflow import dataflow
from backend.plans.validation.graph import graph
from backend.plans.validation.names import names
from backend.plans.validation.order import Order
from backend.plans.validation.subject import Subject

PROBED = frozenset({"PLAN_CYCLE", "PLAN_DEADLOCK", "PLAN_REFERENCE_NOT_BEFORE"})
_MAX_STEPS = 2_000  # looked at again in all: a large plan that is wrong everywhere has other cares

_Key = tuple[str, str, str]


def sound_fixes(found: Sequence[Issue], subject: Subject) -> list[Issue]:
    """The issues, without the fixes among `PROBED` that would not do, or that there is no time to try."""
    before: Counter[_Key] | None = None
    spent = 0
    kept: list[Issue] = []
    for issue in found:
        if issue.fix is None or issue.code not in PROBED:
            kept.append(issue)
            continue
        spent += len(subject.document.steps)
        sound = False
        if spent <= _MAX_STEPS:
            before = before or _errors(subject)
            sound = _mends(subject, issue, issue.fix, before)
        kept.append(issue if sound else issue.model_copy(update={"fix": None}))
    return kept


def _mends(subject: Subject, issue: Issue, fix: Fix, before: Counter[_Key]) -> bool:
    document = _fixed(subject.document, pointer.split(fix.path), fix.value)
    after = _errors(replace(subject, document=document))
    return not after - before and after[_key(issue)] < before[_key(issue)]


def _errors(subject: Subject) -> Counter[_Key]:
    order = Order(subject)
    found: Iterable[Issue] = (
        issue
        for validate in (names, dataflow, graph)
        for issue in validate(subject, order)
        if issue.severity == "error"
    )
    return Counter(map(_key, found))


def _key(issue: Issue) -> _Key:
    return issue.code, issue.path, issue.message


def _fixed(document: PlanDocument, path: tuple[str, ...], value: Any) -> PlanDocument:
    """The document with a field of its own, or of one of its steps, changed."""
    match path:
        case ("steps", index, field):
            steps = list(document.steps)
            steps[int(index)] = steps[int(index)].model_copy(update={field: value})
            return document.model_copy(update={"steps": steps})
        case (field,):
            return document.model_copy(update={field: value})
    raise ValueError(f"No fix of the graph is at {'/'.join(path)}.")
