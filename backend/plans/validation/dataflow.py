"""V4: every reference and every name in a guard resolves on every path, and types agree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from backend.contracts.errors import Fix, Invalid, Issue
from backend.contracts.plans import Input, Step
from backend.expressions import parse
from backend.plans import pointer
from backend.plans.bindings import Reference, references
from backend.plans.validation.order import Order
from backend.plans.validation.schema import KIND_WORDS, KINDS, Absent, Shape, kind_of
from backend.plans.validation.subject import ITEM_ROOTS, Subject, did_you_mean

OPEN_ROOTS = ("event", "run")
_RUN = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "plan_id": {"type": "string"}, "started_at": {}},
}


def dataflow(subject: Subject, order: Order) -> Iterator[Issue]:
    for index, step in enumerate(subject.document.steps):
        flow = Flow(subject, order, step, index)
        yield from flow.repetition()
        yield from flow.arguments()
        yield from flow.guard()


class Flow:
    """The references of one step."""

    def __init__(self, subject: Subject, order: Order, step: Step, index: int) -> None:
        self._subject = subject
        self._order = order
        self._step = step
        self._index = index

    def arguments(self) -> Iterator[Issue]:
        spec = self._subject.spec(self._step)
        wanted = Shape.of(spec.inputs) if spec else Shape()
        try:
            found = references(self._step.args)
        except Invalid as error:
            yield self._unreadable(error, ("args",))
            return
        for reference in found:
            where = ("args", *reference.where)
            produced, issue = self._produced(reference, where)
            if issue is not None:
                yield issue
            elif produced is not None:
                yield from self._agreement(reference, where, produced, wanted)

    def repetition(self) -> Iterator[Issue]:
        value = self._step.for_each
        if value is None:
            if self._step.max_parallel is not None:
                yield self._issue(
                    "PLAN_FOR_EACH_INVALID",
                    f"Step “{self._step.name}” limits parallel items but repeats over nothing.",
                    ("max_parallel",),
                    "Add “for_each”, or remove “max_parallel”.",
                )
            return
        try:
            found = references(value)
        except Invalid as error:
            yield self._unreadable(error, ("for_each",))
            return
        if len(found) != 1 or not _whole(value, found[0]) or found[0].root in ITEM_ROOTS:
            yield self._issue(
                "PLAN_FOR_EACH_INVALID",
                "“for_each” must be one reference to a list.",
                ("for_each",),
                "Write it like ${fetch.links}.",
            )
            return
        produced, issue = self._produced(found[0], ("for_each",))
        if issue is not None:
            yield issue
        elif produced is not None and "array" not in produced.kinds:
            yield self._issue(
                "PLAN_INTERFACE_MISMATCH",
                f"{found[0].text} is {_either(produced)}; “for_each” needs a list.",
                ("for_each",),
                "Refer to an output that is a list.",
                self._outputs(found[0].root, Shape({"type": "array"})),
            )

    def guard(self) -> Iterator[Issue]:
        if self._step.guard is None:
            return
        try:
            guard = parse(self._step.guard)
        except Invalid as error:
            yield self._unreadable(error, ("guard",))
            return
        spelled = {name.replace("-", "_"): name for name in reversed(self._subject.steps)}
        roots = {
            name: name if name in self._subject.steps else spelled.get(name, name)
            for name in sorted(guard.names)
        }
        sound = set()
        for name, root in roots.items():
            issue = self._root(root, name, ("guard",), has_default=name not in guard.required)
            if issue is None:
                sound.add(name)
            else:
                yield issue
        for name, *path in sorted(fields(self._step.guard)):
            if name in sound:
                reference = Reference(roots[name], tuple(path), text=".".join([name, *path]))
                _, issue = self._produced(reference, ("guard",))
                if issue is not None and issue.code == "PLAN_REFERENCE_UNKNOWN":
                    yield issue

    def _produced(
        self, reference: Reference, where: tuple[str | int, ...]
    ) -> tuple[Shape | None, Issue | None]:
        """The shape of what a reference yields; None when it is not known or there is an issue."""
        issue = self._root(reference.root, reference.text, where, has_default=reference.has_default)
        if issue is not None:
            return None, issue
        shape = self._shape(reference.root)
        for position, part in enumerate(reference.path):
            try:
                shape = shape.at(part)
            except Absent as absent:
                return None, self._absent(reference, position, where, absent.available)
        if reference.has_default and shape.kinds != KINDS:
            kinds = sorted(shape.kinds | {kind_of(reference.default)})
            return (
                shape if kind_of(reference.default) in shape.kinds else Shape({"type": kinds})
            ), None
        return shape, None

    def _root(
        self, root: str, text: str, where: tuple[str | int, ...], *, has_default: bool
    ) -> Issue | None:
        """Why the first name of a reference means nothing here, if so."""
        if root in ("inputs", *OPEN_ROOTS):
            return None
        if root in ITEM_ROOTS:
            if self._step.for_each is not None and where[0] != "for_each":
                return None
            return self._issue(
                "PLAN_REFERENCE_UNKNOWN",
                f"{text}: “{root}” exists only in a step with “for_each”.",
                where,
                "Add “for_each” to the step, or refer to a step's output.",
            )
        if root not in self._subject.steps:
            return self._unknown_root(root, text, where)
        if self._step.name in self._order.murky:
            return None
        if not self._order.before(self._step.name, root):
            return self._issue(
                "PLAN_REFERENCE_NOT_BEFORE",
                f"{text}: step “{root}” does not come before “{self._step.name}”.",
                where,
                f"Let “{self._step.name}” come after it: add “step.{root}” to its “on”.",
                self._earlier,
            )
        if not has_default and not self._order.sure(self._step.name, root):
            return self._issue(
                "PLAN_REFERENCE_NEEDS_DEFAULT",
                f"{text}: step “{root}” may be skipped before “{self._step.name}” starts.",
                where,
                f"Say what holds then: default({text}.…, 0)."
                if where[0] == "guard"
                else f'Say what holds then: ${{{root}.… ?? ""}}.',
            )
        return None

    def _unknown_root(self, root: str, text: str, where: tuple[str | int, ...]) -> Issue:
        known = (*self._earlier, "inputs", *OPEN_ROOTS)
        inputs = self._subject.document.inputs
        near = (f"inputs.{root}",) if root in inputs else self._subject.nearest(root, known)
        return self._issue(
            "PLAN_REFERENCE_UNKNOWN",
            f"{text}: there is no step “{root[:80]}”.",
            where,
            did_you_mean(near),
            known[:50],
            self._replacement(where, text, root, near[0] if near else ""),
        )

    def _absent(
        self,
        reference: Reference,
        position: int,
        where: tuple[str | int, ...],
        available: tuple[str, ...],
    ) -> Issue:
        part = str(reference.path[position])
        holder = ".".join([reference.root, *map(str, reference.path[:position])])
        near = self._subject.nearest(part, available, 1)
        code = "PLAN_REFERENCE_UNKNOWN"
        return self._issue(
            code,
            f"{reference.text}: “{holder}” has no “{part[:80]}”.",
            where,
            did_you_mean(near),
            available,
            self._replacement(where, reference.text, f"{holder}.{part}", f"{holder}.{near[0]}")
            if near
            else None,
        )

    def _agreement(
        self,
        reference: Reference,
        where: tuple[str | int, ...],
        produced: Shape,
        wanted: Shape,
    ) -> Iterator[Issue]:
        try:
            for part in where[1:]:
                wanted = wanted.at(part)
        except Absent:
            return
        whole = _whole(self._value(where), reference)
        kinds = produced.kinds if whole else frozenset({"string"})
        if kinds & wanted.kinds:
            return
        what = _either(produced) if whole else "text"
        yield self._issue(
            "PLAN_INTERFACE_MISMATCH",
            f"{reference.text} is {what}; “{where[-1]}” of “{self._step.action}” needs "
            f"{_either(wanted)}.",
            where,
            "Refer to an output of the right kind, or put a step between that converts it.",
            self._outputs(reference.root, wanted),
        )

    def _shape(self, root: str) -> Shape:
        if root == "inputs":
            return Shape.of(_inputs_schema(self._subject.document.inputs))
        if root == "run":
            return Shape(_RUN)
        if root == "index":
            return Shape({"type": "integer"})
        if root == "item":
            return self._item()
        other = self._subject.steps.get(root)
        spec = self._subject.spec(other) if other else None
        if other is None or spec is None:
            return Shape()
        made = Shape.of(spec.outputs)
        return made.columns() if other.for_each is not None else made

    def _item(self) -> Shape:
        try:
            (reference,) = references(self._step.for_each)
            shape = self._shape(reference.root) if reference.root != "item" else Shape()
            for part in reference.path:
                shape = shape.at(part)
            return shape.at(0)
        except (Invalid, Absent, ValueError):
            return Shape()

    def _outputs(self, root: str, wanted: Shape) -> tuple[str, ...]:
        """References into the same step that would fit."""
        step = self._subject.steps.get(root)
        spec = self._subject.spec(step) if step else None
        if spec is None:
            return ()
        made = Shape.of(spec.outputs)
        names = spec.outputs.get("properties", {})
        return tuple(f"${{{root}.{name}}}" for name in names if made.at(name).kinds & wanted.kinds)

    @cached_property
    def _earlier(self) -> tuple[str, ...]:
        return tuple(
            name for name in self._subject.steps if self._order.before(self._step.name, name)
        )

    def _value(self, where: tuple[str | int, ...]) -> Any:
        if where[0] == "args":
            return pointer.follow(self._step.args, where[1:])
        return getattr(self._step, str(where[0]))

    def _replacement(
        self, where: tuple[str | int, ...], text: str, old: str, new: str
    ) -> Fix | None:
        value = self._value(where)
        if not new or not isinstance(value, str):
            return None
        fixed = value.replace(text, text.replace(old, new, 1))
        if fixed == value:
            return None
        return Fix(path=self._path(where), value=fixed, label=f"Use “{new}”")

    def _unreadable(self, error: Invalid, where: tuple[str | int, ...]) -> Issue:
        code = error.code if error.code.startswith("PLAN_") else "PLAN_REFERENCE_INVALID"
        return self._issue(code, error.message, where, error.hint)

    def _issue(
        self,
        code: str,
        message: str,
        where: tuple[str | int, ...],
        suggestion: str = "",
        available: tuple[str, ...] = (),
        fix: Fix | None = None,
    ) -> Issue:
        return Issue(
            code=code,
            message=message,
            path=self._path(where),
            suggestion=suggestion,
            available=available,
            fix=fix,
        )

    def _path(self, where: tuple[str | int, ...]) -> str:
        return pointer.join("steps", self._index, *where)


def fields(expression: str) -> set[tuple[str, ...]]:
    """The names an expression looks at with their fields: ("fetch", "status")."""
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(ast.parse(" ".join(expression.split("\n")).strip(), mode="eval")):
        path: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            path.insert(0, inner.attr)
            inner = inner.value
        if path and isinstance(inner, ast.Name):
            found.add((inner.id, *path))
    return found


def _inputs_schema(inputs: dict[str, Input]) -> dict[str, Any]:
    properties = {name: {"type": given.type} for name, given in inputs.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _whole(value: Any, reference: Reference) -> bool:
    return isinstance(value, str) and value == reference.text


def _either(shape: Shape) -> str:
    kinds = shape.kinds - ({"integer"} if "number" in shape.kinds else set())
    return " or ".join(KIND_WORDS.get(kind, kind) for kind in sorted(kinds - {"null"}) or ["null"])
