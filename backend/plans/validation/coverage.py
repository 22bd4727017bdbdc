"""V10: what the person asked for and no step expresses."""

from __future__ import annotations

from collections.abc import Iterator

from backend.contracts.errors import Issue
from backend.plans.validation.order import Order
from backend.plans.validation.subject import Subject


def coverage(subject: Subject, _: Order) -> Iterator[Issue]:
    for words in subject.not_covered:
        yield Issue(
            code="PLAN_NOT_COVERED",
            message=f"Nothing in this plan does: “{words}”.",
            severity="warning",
            suggestion="Say it in other words, or approve without it.",
        )
