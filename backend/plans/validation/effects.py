"""V9: what cannot be undone and whose target, or number, data decides, with nobody asked before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backend.contracts.errors import Fix, Invalid, Issue
from backend.contracts.plans import Step
from backend.contracts.tools import ToolSpec
from backend.plans.bindings import Reference, references
from backend.plans.validation.order import Order
from backend.plans.validation.schema import Shape
from backend.plans.validation.subject import Subject

ASKS = "human.ask"
_TARGETS = frozenset({"email", "idn-email", "uri", "iri", "url", "uri-reference", "hostname"})
_PATHS = frozenset({"path", "file", "filename"})


def effects(subject: Subject, order: Order) -> Iterator[Issue]:
    looping = {name for loop in order.loops for name in loop}
    asking = [step.name for step in subject.steps.values() if _asks(step)]
    for name, step in subject.steps.items():
        spec = subject.spec(step)
        if spec is None or spec.purity != "effect" or spec.undo is not None:
            continue
        if _asks(step) or any(order.sure(name, asked) for asked in asking):
            continue
        reasons = [
            *_targets(subject, step, spec),
            *_repetition(subject, step),
            *(["it repeats in a loop"] if name in looping else []),
        ]
        if reasons:
            where = f"steps/{subject.index[name]}/approval"
            yield Issue(
                code="PLAN_EFFECT_UNGATED",
                message=f"“{name}” cannot be undone, and nobody is asked before: "
                f"{'; '.join(reasons[:3])}.",
                path=where,
                severity="warning",
                suggestion="Let it ask first, if you want to see each time what it is about to do.",
                available=("required",),
                fix=Fix(path=where, value="required", label="Ask first"),
            )


def aims(spec: ToolSpec, param: str) -> bool:
    """Whether the argument says where a tool with effects puts them: a file, a recipient, an address."""
    if spec.purity == "pure" or param not in spec.inputs.get("properties", {}):
        return False
    return param in _PATHS or bool(formats(Shape.of(spec.inputs).at(param)) & _TARGETS)


def _asks(step: Step) -> bool:
    return step.approval == "required" or step.action == ASKS


def _targets(subject: Subject, step: Step, spec: ToolSpec) -> Iterator[str]:
    """The arguments that say where the effect goes, and are not said by a person."""
    for param, value in step.args.items():
        schema = spec.inputs.get("properties", {}).get(param)
        if not isinstance(schema, Mapping):
            continue
        if not aims(spec, param):
            continue
        found = next((r for r in _read(value) if _from_data(subject, step, r)), None)
        if found is not None:
            yield f"its “{param}” is whatever {found.text} brings"


def _repetition(subject: Subject, step: Step) -> Iterator[str]:
    if step.for_each is not None:
        found = next((r for r in _read(step.for_each) if _from_data(subject, step, r)), None)
        if found is not None:
            yield f"it acts once for each of {found.text}, however many there are"


def _from_data(subject: Subject, step: Step, reference: Reference) -> bool:
    """Whether a reference leads to what a step or an event brought, not to what a person said."""
    if reference.root == "item" and step.for_each is not None:
        return any(
            _from_data(subject, step, outer)
            for outer in _read(step.for_each)
            if outer.root != "item"
        )
    if reference.root == "event":
        return True
    source = subject.steps.get(reference.root)
    return source is not None and source.action != ASKS


def _read(value: Any) -> tuple[Reference, ...]:
    try:
        return references(value)
    except Invalid:  # the data flow's validator says so
        return ()


def formats(shape: Shape, depth: int = 0) -> frozenset[str]:
    """The formats of text that a shape allows, itself or as an element of a list."""
    found: set[str] = set()
    for branch in shape.branches():
        format = branch.get("format")
        if isinstance(format, str):
            found.add(format)
        if depth < 2 and isinstance(branch.get("items"), Mapping):
            found |= formats(Shape(branch["items"], shape.root), depth + 1)
    return frozenset(found)
