"""V3: every tool exists and can be used, and gets the arguments it needs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from backend.contracts.errors import Fix, Issue
from backend.contracts.plans import Step
from backend.contracts.tools import ToolSpec
from backend.plans import pointer
from backend.plans.validation.effects import aims
from backend.plans.validation.literals import literals, recipients
from backend.plans.validation.order import Order
from backend.plans.validation.schema import KINDS, Shape
from backend.plans.validation.subject import Subject, did_you_mean

_TYPO = 0.85


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
        yield from _missing(subject, order, step, index, spec)
        yield from _superfluous(subject, step, index, spec)
        yield from literals(subject, step, index, spec)
        yield from recipients(step, index, spec)


def _unknown(subject: Subject, step: Step, index: int) -> Issue:
    known = subject.catalogue.tools
    near = subject.nearest(step.action, known)
    alike = near or _related(subject, step.action)
    where = f"steps/{index}/action"
    meant = next((id for id in near if _meant(step, known[id])), None)
    return Issue(
        code="PLAN_TOOL_UNKNOWN",
        message=f"There is no tool “{step.action}”.",
        path=where,
        suggestion=did_you_mean(alike),
        available=alike or tuple(sorted(known))[:50],
        fix=Fix(path=where, value=meant, label=f"Use “{meant}”") if meant else None,
    )


def _meant(step: Step, spec: ToolSpec) -> bool:
    """Whether a tool of a similar name is surely the one: a slip of the pen, or its arguments fit. Else
    “email.read”, where there is none, would become “email.send”."""
    said, id = step.action.lower(), spec.id.lower()
    if _words(said) == _words(id) or sorted(said) == sorted(id):
        return True
    properties = spec.inputs.get("properties", {}).keys()
    fit = (
        step.args.keys() <= properties and set(spec.inputs.get("required", ())) <= step.args.keys()
    )
    return fit and difflib.SequenceMatcher(None, said, id).ratio() >= _TYPO


def _related(subject: Subject, action: str) -> tuple[str, ...]:
    """Tools whose ids share a word with this one."""
    known = subject.catalogue.tools
    if not subject.affords(len(known)):
        return ()
    words = set(_words(action))
    scores = {id: len(words & set(_words(id))) for id in known}
    return tuple(sorted((id for id in scores if scores[id]), key=lambda id: (-scores[id], id))[:3])


def _words(id: str) -> list[str]:
    return [word for word in id.lower().replace("_", ".").replace("-", ".").split(".") if word]


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
    absent = [name for name in spec.inputs.get("required", ()) if name not in step.args]
    sources = {
        name: [
            text for text in _sources(subject, order, step, spec, name) if _may(spec, name, text)
        ]
        for name in absent
    }
    single = {name: found[0] for name, found in sources.items() if len(found) == 1}
    for name in absent:
        where = pointer.join("steps", index, "args", name)
        value = single.get(name, "")
        fix = None
        if value and step.args:
            fix = Fix(path=where, value=value, label=f"Use {value}")
        elif value:  # the document may have no “args” to put it into
            fix = Fix(path=f"steps/{index}/args", value=single, label=f"Use {value}")
        yield Issue(
            code="PLAN_ARGUMENT_MISSING",
            message=f"“{spec.name}” needs “{name}”.",
            path=where,
            suggestion=f"Take it from {value}." if value else _about(spec, name),
            available=tuple(sources[name]),
            fix=fix,
        )


def _may(spec: ToolSpec, name: str, reference: str) -> bool:
    """Where an effect goes is for a person to say: a file that was read would be written over."""
    return not aims(spec, name) or reference.startswith("${inputs.")


def _sources(
    subject: Subject, order: Order, step: Step, spec: ToolSpec, name: str
) -> Iterator[str]:
    """References that surely bring something of the argument's own name and kind."""
    wanted = Shape.of(spec.inputs).at(name).kinds if _declares(spec.inputs, name) else KINDS
    given = subject.document.inputs.get(name)
    if given is not None and Shape({"type": given.type}).kinds & wanted:
        yield f"${{inputs.{name}}}"
    for other in subject.steps.values():
        made = subject.spec(other)
        if (
            made is None
            or not _declares(made.outputs, name)
            or not order.sure(step.name, other.name)
        ):
            continue
        output = Shape.of(made.outputs)
        brought = (output.columns() if other.for_each is not None else output).at(name)
        if brought.kinds & wanted:
            yield f"${{{other.name}.{name}}}"


def _declares(schema: Mapping[str, Any], name: str) -> bool:
    return name in schema.get("properties", {})


def _about(spec: ToolSpec, name: str) -> str:
    words = spec.inputs.get("properties", {}).get(name, {}).get("description", "")
    return f"“{name}”: {words}" if words else f"Give a value for “{name}”."


def _superfluous(subject: Subject, step: Step, index: int, spec: ToolSpec) -> Iterator[Issue]:
    properties = spec.inputs.get("properties", {})
    if not spec.closed:
        return
    odd = [name for name in step.args if name not in properties]
    meant: dict[str, str] = {}
    for name in odd:
        taken = {*step.args, *meant.values()}
        near = subject.nearest(name, [known for known in properties if known not in taken], 1)
        if near:
            meant[name] = near[0]
    renamed = {meant.get(name, name): value for name, value in step.args.items()}
    for name in odd:
        near = (meant[name],) if name in meant else ()
        yield Issue(
            code="PLAN_ARGUMENT_UNKNOWN",
            message=f"“{step.action}” has no argument “{name[:80]}”.",
            path=pointer.join("steps", index, "args", name),
            suggestion=did_you_mean(near) or f"Remove “{name[:80]}”.",
            available=tuple(properties),
            fix=Fix(path=f"steps/{index}/args", value=renamed, label=f"Rename to “{near[0]}”")
            if near
            else None,
        )
