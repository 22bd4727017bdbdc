"""Everything that can be wrong with a plan, found at once by pure functions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from backend.contracts.errors import Issue
from backend.contracts.plans import Catalogue, Checked
from backend.plans.ir import ir_hash
from backend.plans.validation.actions import actions
from backend.plans.validation.budget import budget
from backend.plans.validation.coverage import coverage
from backend.plans.validation.dataflow import dataflow
from backend.plans.validation.effects import effects
from backend.plans.validation.graph import graph
from backend.plans.validation.inputs import inputs
from backend.plans.validation.names import names
from backend.plans.validation.nested import nested
from backend.plans.validation.order import Order
from backend.plans.validation.plugged import Validator, plugged
from backend.plans.validation.policy import policy
from backend.plans.validation.probes import sound_fixes
from backend.plans.validation.shape import shape
from backend.plans.validation.subject import Subject
from backend.plans.validation.tools import tools
from backend.plans.validation.triggers import triggers

__all__ = ["MAX_ISSUES", "VALIDATORS", "Subject", "Validator", "check"]

VALIDATORS: Mapping[str, Callable[[Subject, Order], Iterator[Issue]]] = {
    "names": names,
    "tools": tools,
    "inputs": inputs,
    "data flow": dataflow,
    "triggers": triggers,
    "graph": graph,
    "actions": actions,
    "policy": policy,
    "effects": effects,
    "budget": budget,
    "saved plans": nested,
    "coverage": coverage,
}
MAX_ISSUES = 500
PATIENCE_S = 5.0
_RANK = {"error": 0, "warning": 1, "info": 2}


def check(
    raw: Any,
    catalogue: Catalogue,
    *,
    now: datetime,
    timezone: str = "UTC",
    not_covered: tuple[str, ...] = (),
    request: str = "",
    budget_usd: float | None = None,
    validators: Mapping[str, Validator] | None = None,
    patience_s: float = PATIENCE_S,
    clock: Callable[[], float] = time.monotonic,
) -> Checked:
    """A plan document as JSON, checked against the tools a person may use; never raises.

    A broken shape is reported alone. Otherwise all validators speak, errors first. `now` is aware;
    `timezone` is the person's; `request` is what they said, and `not_covered` words of it that no step
    expresses; `budget_usd` is the most that one run may cost. `validators` are further ones by name:
    none of them can silence another. What `patience_s` (seconds of `clock`) is not enough for is said
    to be unchecked (PLAN_VALIDATION_TIMEOUT).
    """
    document, issues = shape(raw)
    if document is None:
        return Checked(issues)
    until = clock() + patience_s
    subject = Subject(
        document, catalogue, now, timezone, not_covered, request=request, budget_usd=budget_usd
    )
    ir = subject.ir
    order = Order(subject)
    running: dict[str, Iterator[Issue]] = {
        name: validate(subject, order) for name, validate in VALIDATORS.items()
    }
    running |= {name: plugged(name, each, subject) for name, each in (validators or {}).items()}
    found: list[Issue] = []
    for name in list(running):
        for issue in running[name]:
            found.append(issue)
            if clock() > until:
                break
        else:
            del running[name]
        if running and clock() > until:
            found.append(_unchecked(list(running), patience_s))
            break
    else:
        found = sound_fixes(found, subject)
    return Checked(_listed(found), document, ir, ir_hash(ir) if ir else "")


def _unchecked(left: list[str], patience_s: float) -> Issue:
    return Issue(
        code="PLAN_VALIDATION_TIMEOUT",
        message=f"Checking this plan took more than {patience_s:g} seconds. Not checked to the end: "
        f"{', '.join(left)}.",
        suggestion="Split the plan into smaller ones, or check it again when there is less to do.",
        available=tuple(left),
    )


def _listed(found: list[Issue]) -> tuple[Issue, ...]:
    """Errors first, and not more than anyone could read."""
    found.sort(key=lambda issue: _RANK[issue.severity])
    if len(found) <= MAX_ISSUES:
        return tuple(found)
    more = f"There are {len(found) - MAX_ISSUES:,} more issues."
    return (*found[:MAX_ISSUES], Issue(code="PLAN_MORE_ISSUES", message=more, severity="info"))
