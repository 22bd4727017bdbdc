"""V6: every step can be reached and can start, and cycles are allowed, leave and end."""

from __future__ import annotations

from collections.abc import Iterator

from backend.contracts.errors import Fix, Invalid, Issue
from backend.contracts.plans import Edge, Step
from backend.expressions import parse
from backend.plans.validation.order import Order, components
from backend.plans.validation.subject import DEFAULT_ACTION, Subject


def graph(subject: Subject, order: Order) -> Iterator[Issue]:
    index = subject.index
    acyclic = subject.document.graph_type == "acyclic"
    for loop in order.loops:
        if acyclic:
            yield _cycle(loop, index[loop[0]])
            continue
        for endless in _endless(subject, loop):
            yield Issue(
                code="PLAN_LOOP_UNBOUNDED",
                message=f"The loop {_words(endless)} has no way out: nothing in it can be skipped.",
                path=f"steps/{index[endless[0]]}/on",
                suggestion="Give one of its steps a guard, or listen to a named action.",
                available=tuple(endless[:50]),
            )
    for name, step in subject.steps.items():
        if step.guard is not None and _verdict(step.guard) is False:
            yield _never(name, index[name])
    for name in subject.steps:
        if name in order.murky or (acyclic and order.circular(name)):
            continue
        if name not in order.reachable:
            yield _unreachable(subject, name, index[name])
        elif not acyclic and name not in order.startable:
            yield from _deadlock(subject, order, name, index[name])


def _cycle(loop: list[str], index: int) -> Issue:
    return Issue(
        code="PLAN_CYCLE",
        message=f"These steps wait for each other: {_words(loop)}.",
        path=f"steps/{index}/on",
        suggestion="Break the circle, or make the plan “reactive” if it is meant to loop.",
        available=tuple(loop[:50]),
        fix=Fix(path="graph_type", value="reactive", label="Make the plan reactive"),
    )


def _endless(subject: Subject, loop: list[str]) -> Iterator[list[str]]:
    """The rounds within a loop that nothing can end: no step of them may be skipped, and no edge of
    them depends on how its source ended."""
    members = {name for name in loop if not _may_skip(subject.steps[name])}

    def certain(name: str) -> list[str]:
        edges = subject.incoming[name]
        return [e.source for e in edges if e.source in members and not _depends(subject, e)]

    names = [name for name in loop if name in members]
    for group in components(names, certain):
        if len(group) > 1 or group[0] in certain(group[0]):
            yield sorted(group, key=loop.index)


def _may_skip(step: Step) -> bool:
    return step.guard is not None and _verdict(step.guard) is None


def _depends(subject: Subject, edge: Edge) -> bool:
    if edge.event is not None:
        return False
    spec = subject.spec(subject.steps[edge.source])
    return edge.action not in (None, DEFAULT_ACTION) or bool(spec and spec.actions)


def _verdict(guard: str) -> bool | None:
    """What a guard says that looks at nothing; None where it depends on something."""
    try:
        expression = parse(guard)
        return None if expression.names else bool(expression.evaluate({}))
    except Invalid:
        return None


def _never(name: str, index: int) -> Issue:
    return Issue(
        code="PLAN_STEP_UNREACHABLE",
        message=f"Step “{name}” never runs: its guard is false whatever happens.",
        path=f"steps/{index}/guard",
        suggestion="Let the guard look at an input, an event or a step, or remove the step.",
    )


def _unreachable(subject: Subject, name: str, index: int) -> Issue:
    if not subject.document.events:
        return Issue(
            code="PLAN_STEP_UNREACHABLE",
            message=f"Nothing can start step “{name}”: the plan has no trigger.",
            path=f"steps/{index}/on",
            suggestion="Add a trigger, at least one of kind “manual”, and listen to it.",
        )
    return Issue(
        code="PLAN_STEP_UNREACHABLE",
        message=f"No trigger leads to step “{name}”.",
        path=f"steps/{index}/on",
        suggestion="Listen to a trigger, or to a step that one leads to.",
        available=tuple(sorted(subject.triggers)),
    )


def _deadlock(subject: Subject, order: Order, name: str, index: int) -> Iterator[Issue]:
    if not subject.joins_all(subject.steps[name]):
        return
    awaited = [
        edge.source
        for edge in subject.incoming[name]
        if subject.from_step(edge) and edge.source not in order.startable
    ]
    yield Issue(
        code="PLAN_DEADLOCK",
        message=f"Step “{name}” waits for {_words(awaited)}, which waits for it.",
        path=f"steps/{index}/join",
        suggestion="Use “join”: “any”, so that the first event starts it.",
        fix=Fix(path=f"steps/{index}/join", value="any", label="Start on any event"),
    )


def _words(names: list[str]) -> str:
    shown = [f"“{name}”" for name in names[:5]]
    return " → ".join(shown) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
