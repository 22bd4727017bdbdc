"""V6: every step can be reached and can start, and cycles are allowed, leave and end."""

from __future__ import annotations

from collections.abc import Iterator

from backend.contracts.errors import Fix, Issue
from backend.plans.validation.order import Order
from backend.plans.validation.subject import Subject


def graph(subject: Subject, order: Order) -> Iterator[Issue]:
    index = subject.index
    acyclic = subject.document.graph_type == "acyclic"
    for loop in order.loops:
        if acyclic:
            yield _cycle(loop, index[loop[0]])
        elif not _leaves(subject, set(loop)):
            yield Issue(
                code="PLAN_LOOP_UNBOUNDED",
                message=f"The loop {_words(loop)} has no way out: nothing in it can be skipped.",
                path=f"steps/{index[loop[0]]}/on",
                suggestion="Give one of its steps a guard, or listen to a named action.",
            )
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


def _leaves(subject: Subject, loop: set[str]) -> bool:
    """Whether some step of a loop may decide not to go round again."""
    for name in loop:
        if subject.steps[name].guard is not None:
            return True
        for edge in subject.incoming[name]:
            if edge.source in loop and subject.from_step(edge) and edge.action is not None:
                return True
            source = subject.steps.get(edge.source) if edge.source in loop else None
            spec = subject.spec(source) if source else None
            if spec and spec.actions and edge.event is None:
                return True
    return False


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
