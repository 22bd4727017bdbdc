"""Saved plans that a plan calls: they end somewhere, and what they call is there."""

from __future__ import annotations

from collections.abc import Iterator

from backend.contracts.errors import Invalid, Issue
from backend.contracts.plans import Step
from backend.expressions import parse
from backend.plans.bindings import references
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
    for plan in _below(subject, tool):
        for step in document_of(subject.catalogue.tools[plan]).steps:
            if step.action not in subject.catalogue.tools:
                yield _gone(subject, plan, step, path)
            elif _hears(step):
                yield Issue(
                    code="PLAN_INTERFACE_MISMATCH",
                    message=f"Step “{step.name}” of “{plan}” takes something from the event that starts "
                    "it; called by a step there is none.",
                    path=path,
                    suggestion=f"Make it an input of “{plan}”, or give a default: "
                    '${event.name ?? ""}.',
                )


def _below(subject: Subject, tool: str) -> list[str]:
    """The saved plans that run when this one is called, itself the first."""
    found = [tool]
    for plan in found:
        for other in called(plan, subject.catalogue):
            if other in subject.catalogue.tools and other not in found:
                found.append(other)
    return found


def _gone(subject: Subject, plan: str, step: Step, path: str) -> Issue:
    near = subject.nearest(step.action, subject.catalogue.tools)
    return Issue(
        code="PLAN_TOOL_UNKNOWN",
        message=f"Step “{step.name}” of “{plan}” needs the tool “{step.action}”, which is gone.",
        path=path,
        suggestion=did_you_mean(near) or f"Mend “{plan}” and save it again.",
        available=near,
    )


def _hears(step: Step) -> bool:
    """Whether a step needs what an event brings."""
    try:
        taken = references([step.args, step.for_each])
        named = parse(step.guard).required if step.guard else frozenset()
    except Invalid:
        return False  # it could not have been saved so
    return "event" in named or any(r.root == "event" and not r.has_default for r in taken)
