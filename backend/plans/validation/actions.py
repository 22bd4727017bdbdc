"""V7: what a step announces by name is declared by its tool, and somebody listens."""

from __future__ import annotations

from collections.abc import Iterator

from backend.contracts.errors import Fix, Issue
from backend.contracts.plans import RESERVED_ACTION, Step
from backend.contracts.tools import ToolSpec
from backend.plans.ir import STEP_PREFIX
from backend.plans.validation.order import Order
from backend.plans.validation.subject import DEFAULT_ACTION, Subject, did_you_mean

_FAILED = frozenset(
    {"fail", "fails", "failed", "failure", "err", "errored", "exception", "timeout"}
)
_DONE = frozenset(
    {"done", "complete", "completed", "success", "succeeded", "finished", "ok", "ended", "output"}
)


def actions(subject: Subject, _: Order) -> Iterator[Issue]:
    index = subject.index
    for listener, step in enumerate(subject.document.steps):
        for position, name in enumerate(step.on):
            yield from _undeclared(subject, step, name, f"steps/{listener}/on/{position}")
    for name, step in subject.steps.items():
        heard = {edge.action for edge in subject.outgoing[name] if edge.event is None}
        errors = any(edge.action == RESERVED_ACTION for edge in subject.outgoing[name])
        yield from _error_handling(step, index[name], heard=errors)
        spec = subject.spec(step)
        declared = [action for action in (spec.actions if spec else ()) if action != DEFAULT_ACTION]
        unheard = [action for action in declared if action not in heard]
        if unheard and heard - {RESERVED_ACTION} and not heard & {None, DEFAULT_ACTION}:
            yield Issue(
                code="PLAN_ACTION_UNHANDLED",
                message=f"When step “{name}” ends with {_words(unheard)}, nothing follows.",
                path=f"steps/{index[name]}",
                severity="warning",
                suggestion=f"Listen to “{STEP_PREFIX}{name}.{unheard[0]}” too, if it matters.",
                available=tuple(unheard),
            )


def _undeclared(subject: Subject, step: Step, name: str, where: str) -> Iterator[Issue]:
    source, action = subject.listening.outcome(name) or (None, None)
    if source is None or action in (None, RESERVED_ACTION, DEFAULT_ACTION):
        return
    spec = subject.spec(subject.steps[source])
    if spec is None or action in spec.actions:
        return
    known = (*spec.actions, RESERVED_ACTION)
    near = subject.nearest(action, known, 1)
    prefix = f"{STEP_PREFIX}{source}"
    meant = f"{prefix}.{near[0]}" if near else _ending(spec, prefix, action)
    yield Issue(
        code="PLAN_ACTION_UNDEFINED",
        message=f"“{spec.id}” of step “{source}” never ends with “{action[:80]}”.",
        path=where,
        suggestion=did_you_mean(near) or f"Listen to “{meant or prefix}”.",
        available=tuple(f"{prefix}.{action}" for action in known),
        fix=Fix(path=where, value=meant, label=f"Listen to “{meant}”")
        if meant and meant not in step.on
        else None,
    )


def _ending(spec: ToolSpec, prefix: str, action: str) -> str:
    """What other words for having gone well or ill mean; "" for any other word."""
    word = action.lower()
    if word in _FAILED:
        return f"{prefix}.{RESERVED_ACTION}"
    return prefix if word in _DONE and not spec.actions else ""


def _error_handling(step: Step, index: int, *, heard: bool) -> Iterator[Issue]:
    error = f"{STEP_PREFIX}{step.name}.{RESERVED_ACTION}"
    where = f"steps/{index}/on_error"
    if step.on_error == "route" and not heard:
        yield Issue(
            code="PLAN_ERROR_UNHANDLED",
            message=f"Step “{step.name}” routes its errors, but nothing listens to “{error}”.",
            path=where,
            suggestion=f"Let a step listen to “{error}”, or choose “fail” or “continue”.",
            available=("fail", "continue"),
            fix=Fix(path=where, value="fail", label="End the run when it fails"),
        )
    if heard and step.on_error in (None, "fail"):
        yield Issue(
            code="PLAN_ERROR_UNANNOUNCED",
            message=f"A step listens to “{error}”, but “{step.name}” ends the run when it fails.",
            path=where,
            suggestion="Set “on_error” to “route”.",
            available=("route", "continue"),
            fix=Fix(path=where, value="route", label="Route its errors"),
        )


def _words(names: list[str]) -> str:
    return " or ".join(f"“{name}”" for name in names)
