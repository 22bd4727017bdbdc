"""Everything that can be wrong with a plan, found at once by pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from backend.contracts.errors import Invalid, Issue
from backend.contracts.plans import IR, Catalogue, Checked, PlanDocument
from backend.plans.ir import compile_document, ir_hash
from backend.plans.validation.actions import actions
from backend.plans.validation.coverage import coverage
from backend.plans.validation.dataflow import dataflow
from backend.plans.validation.graph import graph
from backend.plans.validation.inputs import inputs
from backend.plans.validation.names import names
from backend.plans.validation.order import Order
from backend.plans.validation.shape import shape
from backend.plans.validation.subject import Subject
from backend.plans.validation.tools import tools
from backend.plans.validation.triggers import triggers

VALIDATORS: tuple[Callable[[Subject, Order], Iterator[Issue]], ...] = (
    names,
    tools,
    inputs,
    dataflow,
    triggers,
    graph,
    actions,
    coverage,
)
MAX_ISSUES = 500
_RANK = {"error": 0, "warning": 1, "info": 2}


def check(
    raw: Any,
    catalogue: Catalogue,
    *,
    now: datetime,
    timezone: str = "UTC",
    not_covered: tuple[str, ...] = (),
) -> Checked:
    """A plan document as JSON, checked against the tools a person may use; never raises.

    A broken shape is reported alone. Otherwise all validators speak, errors first. `now` is aware;
    `timezone` is the person's; `not_covered` are words of the request that no step expresses.
    """
    document, issues = shape(raw)
    if document is None:
        return Checked(issues)
    subject = Subject(document, catalogue, now, timezone, not_covered)
    order = Order(subject)
    found = [issue for validate in VALIDATORS for issue in validate(subject, order)]
    ir, digest = _compiled(document)
    return Checked(_listed(found), document, ir, digest)


def _listed(found: list[Issue]) -> tuple[Issue, ...]:
    """Errors first, and not more than anyone could read."""
    found.sort(key=lambda issue: _RANK[issue.severity])
    if len(found) <= MAX_ISSUES:
        return tuple(found)
    more = f"There are {len(found) - MAX_ISSUES:,} more issues."
    return (*found[:MAX_ISSUES], Issue(code="PLAN_MORE_ISSUES", message=more, severity="info"))


def _compiled(document: PlanDocument) -> tuple[IR | None, str]:
    try:
        ir = compile_document(document)
        return ir, ir_hash(ir)
    except Invalid:  # reported by the validators: a name taken twice
        return None, ""
