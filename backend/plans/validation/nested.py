"""Saved plans that a plan calls: they end somewhere, and what they call is there."""

from __future__ import annotations

from collections.abc import Iterator

from backend.contracts.errors import Issue
from backend.plans.nested import MAX_DEPTH, called, cycle, depth, document_of
from backend.plans.validation.order import Order
from backend.plans.validation.subject import Subject, did_you_mean


def nested(subject: Subject, order: Order) -> Iterator[Issue]:
    for index, step in enumerate(subject.document.steps):
        spec = subject.spec(step)
        if spec is not None and spec.type == "plan":
            yield from _called(subject, step.action, f"steps/{index}/action")


def _called(subject: Subject, tool: str, path: str) -> Iterator[Issue]:
    if circle := cycle(tool, subject.catalogue):
        yield Issue(
            code="PLAN_CYCLE",
            message=f"“{tool}” comes to call itself: {' → '.join(circle)}.",
            path=path,
            suggestion="Save one of them without the call that closes the circle.",
            available=circle,
        )
        return
    if depth(tool, subject.catalogue) > MAX_DEPTH:
        yield Issue(
            code="PLAN_TOO_DEEP",
            message=f"“{tool}” calls plans more than {MAX_DEPTH} deep.",
            path=path,
            suggestion="Put the steps of one of the plans in the place of the call.",
        )
        return
    yield from _gone(subject, tool, path)


def _gone(subject: Subject, tool: str, path: str) -> Iterator[Issue]:
    """Tools that a called plan was saved with and that are no more, at any depth."""
    waiting, seen = [tool], {tool}
    while waiting:
        plan = waiting.pop()
        for step in document_of(subject.catalogue.tools[plan]).steps:
            if step.action not in subject.catalogue.tools:
                near = subject.nearest(step.action, subject.catalogue.tools)
                yield Issue(
                    code="PLAN_TOOL_UNKNOWN",
                    message=f"Step “{step.name}” of “{plan}” needs the tool “{step.action}”, "
                    "which is gone.",
                    path=path,
                    suggestion=did_you_mean(near) or f"Mend “{plan}” and save it again.",
                    available=near,
                )
        for other in called(plan, subject.catalogue):
            if other in subject.catalogue.tools and other not in seen:
                seen.add(other)
                waiting.append(other)
