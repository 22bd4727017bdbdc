"""V3: every tool exists and can be used, and gets the arguments it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backend.contracts.errors import Fix, Issue
from backend.contracts.plans import Step
from backend.contracts.tools import ToolSpec
from backend.plans import pointer
from backend.plans.validation.literals import literals
from backend.plans.validation.order import Order
from backend.plans.validation.schema import KINDS, Shape
from backend.plans.validation.subject import Subject, did_you_mean


def tools(subject: Subject, order: Order) -> Iterator[Issue]:
    told: set[str] = set()
    for index, step in enumerate(subject.document.steps):
        spec = subject.spec(step)
        if spec is None:
            yield _unknown(subject, step, index)
            continue
        missing = subject.catalogue.missing.get(step.action, ())
        if missing and step.action not in told:
            told.add(step.action)
            yield _unset(spec, missing, index)
        properties = spec.inputs.get("properties", {})
        yield from _missing(subject, order, step, index, spec)
        closed = not spec.inputs.get("additionalProperties", not properties)
        if closed and not spec.inputs.get("patternProperties"):
            for name in step.args.keys() - properties.keys():
                yield _superfluous(subject, step, index, name, properties)
        yield from literals(step, index, spec)


def _unknown(subject: Subject, step: Step, index: int) -> Issue:
    known = subject.catalogue.tools
    near = subject.nearest(step.action, known)
    alike = near or _related(subject, step.action)
    return Issue(
        code="PLAN_TOOL_UNKNOWN",
        message=f"There is no tool “{step.action}”.",
        path=f"steps/{index}/action",
        suggestion=did_you_mean(alike),
        available=alike or tuple(sorted(known))[:50],
        fix=Fix(path=f"steps/{index}/action", value=near[0], label=f"Use “{near[0]}”")
        if near
        else None,
    )


def _related(subject: Subject, action: str) -> tuple[str, ...]:
    """Tools whose ids share a word with this one."""
    known = subject.catalogue.tools
    if not subject.affords(len(known)):
        return ()
    words = _words(action)
    scores = {id: len(words & _words(id)) for id in known}
    return tuple(sorted((id for id in scores if scores[id]), key=lambda id: (-scores[id], id))[:3])


def _words(id: str) -> set[str]:
    return {word for word in id.lower().replace("_", ".").replace("-", ".").split(".") if word}


def _unset(spec: ToolSpec, missing: tuple[str, ...], index: int) -> Issue:
    names = tuple(name.upper() for name in missing)
    return Issue(
        code="PLAN_SETTING_MISSING",
        message=f"“{spec.name}” cannot work yet: {', '.join(names)} is not set."
        if len(names) == 1
        else f"“{spec.name}” cannot work yet: {', '.join(names)} are not set.",
        path=f"steps/{index}/action",
        suggestion=f"Set {', '.join(names)} in the environment or in .env, and start again.",
        available=names,
    )


def _missing(
    subject: Subject, order: Order, step: Step, index: int, spec: ToolSpec
) -> Iterator[Issue]:
    for name in spec.inputs.get("required", ()):
        if name in step.args:
            continue
        where = pointer.join("steps", index, "args", name)
        named = list(_sources(subject, order, step, spec, name))
        value = named[0] if len(named) == 1 else ""
        yield Issue(
            code="PLAN_ARGUMENT_MISSING",
            message=f"“{spec.name}” needs “{name}”.",
            path=where,
            suggestion=f"Take it from {value}." if value else _about(spec, name),
            available=tuple(named),
            fix=_wired(step, where, name, value) if value else None,
        )


def _sources(
    subject: Subject, order: Order, step: Step, spec: ToolSpec, name: str
) -> Iterator[str]:
    """References that surely bring something of the argument's own name and kind."""
    wanted = Shape.of(spec.inputs).at(name).kinds if _declares(spec.inputs, name) else KINDS
    given = subject.document.inputs.get(name)
    if given is not None and Shape({"type": given.type}).kinds & wanted:
        yield f"${{inputs.{name}}}"
    for other in subject.document.steps:
        made = subject.spec(other)
        if made is None or other.for_each is not None or not _declares(made.outputs, name):
            continue
        if order.sure(step.name, other.name) and Shape.of(made.outputs).at(name).kinds & wanted:
            yield f"${{{other.name}.{name}}}"


def _declares(schema: Mapping[str, Any], name: str) -> bool:
    return name in schema.get("properties", {})


def _wired(step: Step, where: str, name: str, value: str) -> Fix:
    label = f"Use {value}"
    if step.args:
        return Fix(path=where, value=value, label=label)
    # The document may have no “args” to put it into.
    return Fix(path=where.rpartition("/")[0], value={name: value}, label=label)


def _about(spec: ToolSpec, name: str) -> str:
    words = spec.inputs.get("properties", {}).get(name, {}).get("description", "")
    return f"“{name}”: {words}" if words else f"Give a value for “{name}”."


def _superfluous(
    subject: Subject, step: Step, index: int, name: str, properties: Mapping[str, Any]
) -> Issue:
    near = subject.nearest(name, [known for known in properties if known not in step.args], 1)
    renamed = {(near[0] if near and key == name else key): step.args[key] for key in step.args}
    return Issue(
        code="PLAN_ARGUMENT_UNKNOWN",
        message=f"“{step.action}” has no argument “{name[:80]}”.",
        path=pointer.join("steps", index, "args", name),
        suggestion=did_you_mean(near) or f"Remove “{name[:80]}”.",
        available=tuple(properties),
        fix=Fix(path=f"steps/{index}/args", value=renamed, label=f"Rename to “{near[0]}”")
        if near
        else None,
    )
