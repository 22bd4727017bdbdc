"""V8: what policy says of each tool for this person: not at all, or only after asking."""

from __future__ import annotations

from collections.abc import Iterator

from backend.contracts.errors import Fix, Issue
from backend.plans.validation.order import Order
from backend.plans.validation.subject import Subject


def policy(subject: Subject, _: Order) -> Iterator[Issue]:
    for index, step in enumerate(subject.document.steps):
        verdict = subject.catalogue.verdicts.get(step.action)
        if verdict is None or verdict.allowed:
            continue
        why = f" {verdict.reason}" if verdict.reason else ""
        if verdict.decision == "deny":
            yield Issue(
                code="PLAN_TOOL_FORBIDDEN",
                message=f"You may not use “{step.action[:80]}”.{why}",
                path=f"steps/{index}/action",
                suggestion="Do it with another tool, or ask who keeps the policies.",
            )
        elif step.approval != "required":
            where = f"steps/{index}/approval"
            yield Issue(
                code="PLAN_APPROVAL_REQUIRED",
                message=f"“{step.action[:80]}” may act only after it asked each time.{why}",
                path=where,
                suggestion="Let this step ask first.",
                available=("required",),
                fix=Fix(path=where, value="required", label="Ask first"),
            )
