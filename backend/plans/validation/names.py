"""V2: names are unique and free, and everything listened to is announced by somebody."""

from __future__ import annotations

from collections.abc import Iterator

from backend.contracts.errors import Fix, Issue
from backend.contracts.plans import RESERVED_ACTION, RESERVED_STEP_NAMES, Step
from backend.plans.ir import STEP_PREFIX
from backend.plans.validation.order import Order
from backend.plans.validation.subject import Subject, did_you_mean


def names(subject: Subject, order: Order) -> Iterator[Issue]:
    yield from _triggers(subject)
    yield from _steps(subject)
    for index, step in enumerate(subject.document.steps):
        for position, name in enumerate(step.emits):
            if name.startswith(STEP_PREFIX) or name in subject.triggers:
                yield _reserved(name, f"steps/{index}/emits/{position}", "a step emits")
        for position, name in enumerate(step.on):
            where = f"steps/{index}/on/{position}"
            if not subject.listening.known(name):
                yield _unknown(subject, order, index, name, where)
            elif name in step.on[:position]:
                yield Issue(
                    code="PLAN_NAME_REPEATED",
                    message=f"Step “{step.name}” listens to “{name}” twice.",
                    path=where,
                    severity="warning",
                    suggestion="List it once.",
                    fix=Fix(
                        path=f"steps/{index}/on",
                        value=list(dict.fromkeys(step.on)),
                        label="List each name once",
                    ),
                )


def _triggers(subject: Subject) -> Iterator[Issue]:
    seen: set[str] = set()
    for index, trigger in enumerate(subject.document.events):
        where = f"events/{index}/name"
        if trigger.name.startswith(STEP_PREFIX) or trigger.name in RESERVED_STEP_NAMES:
            yield _reserved(trigger.name, where, "a trigger has")
        elif trigger.name in seen or trigger.name in subject.steps:
            yield _taken(trigger.name, where)
        seen.add(trigger.name)


def _steps(subject: Subject) -> Iterator[Issue]:
    seen: set[str] = set()
    for index, step in enumerate(subject.document.steps):
        where = f"steps/{index}/name"
        if step.name in RESERVED_STEP_NAMES:
            yield _reserved(step.name, where, "a step has")
        elif step.name in seen:
            yield _taken(step.name, where)
        seen.add(step.name)


def _taken(name: str, where: str) -> Issue:
    return Issue(
        code="PLAN_NAME_TAKEN",
        message=f"The name “{name}” is used more than once.",
        path=where,
        suggestion="Give each trigger and each step a name of its own.",
    )


def _reserved(name: str, where: str, who: str) -> Issue:
    return Issue(
        code="PLAN_NAME_RESERVED",
        message=f"The name “{name}” that {who} means something else in a plan.",
        path=where,
        suggestion="Choose another name.",
    )


def _unknown(subject: Subject, order: Order, index: int, name: str, where: str) -> Issue:
    available = subject.listening.names()
    if name in subject.steps:
        near: tuple[str, ...] = (STEP_PREFIX + name,)
    else:
        near = subject.nearest(name, [*available, *_endings(subject, name)])
    step = subject.document.steps[index]
    return Issue(
        code="PLAN_EVENT_UNKNOWN",
        message=f"Nothing announces “{name}”.",
        path=where,
        suggestion=did_you_mean(near) or "Listen to a trigger or to “step.” and a step's name.",
        available=available[:50],
        fix=_declared(subject, name) or _heard(subject, order, step, where, near),
    )


def _endings(subject: Subject, name: str) -> Iterator[str]:
    """The names of how steps can end, where a name may have meant one of those: “step.wach.changed”
    never meant “step.watch”."""
    if name.count(".") < 2:
        return
    for step in subject.steps.values():
        spec = subject.spec(step)
        for action in (*(spec.actions if spec else ()), RESERVED_ACTION):
            yield f"{STEP_PREFIX}{step.name}.{action}"


def _declared(subject: Subject, name: str) -> Fix | None:
    """A plan without triggers whose one outer event has no declaration: it is started by hand."""
    if subject.document.events or name.startswith(STEP_PREFIX) or name in RESERVED_STEP_NAMES:
        return None
    outer = {
        heard
        for step in subject.document.steps
        for heard in step.on
        if not subject.listening.known(heard) and heard not in subject.steps
    }
    if outer != {name}:
        return None
    trigger = {"name": name, "kind": "manual"}
    return Fix(path="events", value=[trigger], label="Start it by hand")


def _heard(
    subject: Subject, order: Order, step: Step, where: str, near: tuple[str, ...]
) -> Fix | None:
    """The first name that was meant; one that closes a circle, or is listed already, was not."""
    for meant in near:
        edges = subject.listening(meant, step.name)
        sources = [edge.source for edge in edges if subject.from_step(edge)]
        closes = any(s == step.name or order.before(s, step.name) for s in sources)
        if meant in step.on or closes:
            continue
        return Fix(path=where, value=meant, label=f"Listen to “{meant}”")
    return None
