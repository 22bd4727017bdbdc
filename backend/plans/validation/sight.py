"""V4: what one step can see of the others, and what it would see under another name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from backend.contracts.errors import Invalid
from backend.contracts.plans import Input, Step
from backend.plans.bindings import Reference, references
from backend.plans.validation.order import Order
from backend.plans.validation.schema import KINDS, Absent, Shape, kind_of
from backend.plans.validation.subject import ITEM_ROOTS, Subject, did_you_mean

OPEN_ROOTS = ("event", "run")
Chain = tuple[str | int, ...]
Place = tuple[str | int, ...]
_HOLDERS = frozenset({"step", "steps", "node", "nodes", "outputs"})
_RUN = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "plan_id": {"type": "string"}, "started_at": {}},
}


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why a reference brings nothing. `instead` are chains of names that may have been meant."""

    code: str
    message: str
    suggestion: str = ""
    available: tuple[str, ...] = ()
    instead: tuple[Chain, ...] = ()


class Sight:
    """A step's view. `in_items`: from inside its `for_each`, where there is an item."""

    def __init__(self, subject: Subject, order: Order, step: Step) -> None:
        self._subject = subject
        self._order = order
        self._step = step

    def produced(self, reference: Reference, *, in_items: bool = True) -> Shape | Unseen:
        """The shape of what a reference yields, or why it yields nothing."""
        unseen = self.root(
            reference.root,
            reference.text,
            has_default=reference.has_default,
            in_items=in_items,
            path=reference.path,
        )
        if unseen is not None:
            return unseen
        shape = self.shape(reference.root)
        for position, part in enumerate(reference.path):
            try:
                shape = shape.at(part)
            except Absent as absent:
                return self._absent(reference, position, absent.available)
        if reference.has_default and shape.kinds != KINDS:
            default = kind_of(reference.default)
            known = default in shape.kinds
            return shape if known else Shape({"type": sorted(shape.kinds | {default})})
        return shape

    def root(
        self,
        root: str,
        text: str,
        *,
        has_default: bool,
        in_items: bool = True,
        path: Chain = (),
    ) -> Unseen | None:
        """Why the first name of a reference means nothing here, if so."""
        if root in ("inputs", *OPEN_ROOTS):
            return None
        if root in ITEM_ROOTS:
            if self._step.for_each is not None and in_items:
                return None
            return Unseen(
                "PLAN_REFERENCE_UNKNOWN",
                f"{text}: “{root}” exists only in a step with “for_each”.",
                "Add “for_each” to the step, or refer to a step's output.",
            )
        if root not in self._subject.steps:
            return self._unknown(root, text, path)
        if self._step.name in self._order.murky:
            return None
        if not self._order.before(self._step.name, root):
            return Unseen(
                "PLAN_REFERENCE_NOT_BEFORE",
                f"{text}: step “{root}” does not come before “{self._step.name}”.",
                f"Let “{self._step.name}” come after it: add “step.{root}” to its “on”.",
                self.earlier,
            )
        if not has_default and not self._order.sure(self._step.name, root):
            return Unseen(
                "PLAN_REFERENCE_NEEDS_DEFAULT",
                f"{text}: step “{root}” may be skipped before “{self._step.name}” starts.",
            )
        return None

    def shape(self, root: str) -> Shape:
        if root == "inputs":
            return self._inputs
        if root == "run":
            return Shape(_RUN)
        if root == "index":
            return Shape({"type": "integer"})
        if root == "item":
            return self._item
        other = self._subject.steps.get(root)
        spec = self._subject.spec(other) if other else None
        if other is None or spec is None:
            return Shape()
        made = Shape.of(spec.outputs)
        return made.columns() if other.for_each is not None else made

    def meant(self, reference: Reference, *, in_items: bool = True) -> Shape | None:
        """As `produced`, for a reference that may have been meant: that its step does not come before,
        or may be skipped, is said of it in its turn."""
        seen = self.produced(reference, in_items=in_items)
        if isinstance(seen, Shape):
            return seen
        if seen.code == "PLAN_REFERENCE_UNKNOWN" or reference.root == self._step.name:
            return None
        shape = self.shape(reference.root)
        try:
            for part in reference.path:
                shape = shape.at(part)
        except Absent:
            return None
        return shape

    def outputs(self, root: str, wanted: Shape) -> tuple[str, ...]:
        """The outputs of a step that would fit, by name."""
        step = self._subject.steps.get(root)
        spec = self._subject.spec(step) if step else None
        if spec is None:
            return ()
        made = self.shape(root)
        names = spec.outputs.get("properties", {})
        return tuple(name for name in names if made.at(name).agrees(wanted))

    @cached_property
    def earlier(self) -> tuple[str, ...]:
        return tuple(
            name for name in self._subject.steps if self._order.before(self._step.name, name)
        )

    @cached_property
    def _item(self) -> Shape:
        try:
            (reference,) = references(self._step.for_each)
            shape = self.shape(reference.root) if reference.root != "item" else Shape()
            for part in reference.path:
                shape = shape.at(part)
            return shape.at(0)
        except (Invalid, Absent, ValueError):
            return Shape()

    @cached_property
    def _inputs(self) -> Shape:
        properties = {n: input_schema(given) for n, given in self._subject.document.inputs.items()}
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return Shape.of(schema)

    # --- what may have been meant ---------------------------------------------------------------------

    def _unknown(self, root: str, text: str, path: Chain) -> Unseen:
        known = (*self.earlier, "inputs", *OPEN_ROOTS)
        inputs = self._subject.document.inputs
        near = (f"inputs.{root}",) if root in inputs else self._subject.nearest(root, known)
        instead: list[Chain] = []
        if root in _HOLDERS and path and path[0] in self._subject.steps:
            instead.append(path)
        if root in inputs:
            instead.append(("inputs", root, *path))
        instead += [(name, *path) for name in near if name in known]
        if not near and self._subject.affords(len(self._subject.steps)):
            instead += self._makers(root, path)
        return Unseen(
            "PLAN_REFERENCE_UNKNOWN",
            f"{text}: there is no step “{root[:80]}”.",
            did_you_mean(near or (".".join(map(str, chain)) for chain in instead[:1])),
            known[:50],
            tuple(instead),
        )

    def _makers(self, output: str, path: Chain) -> Iterator[Chain]:
        """The one step for sure upstream that makes an output of this name."""
        makers = [
            name
            for name in self.earlier
            if self._order.sure(self._step.name, name)
            and (spec := self._subject.spec(self._subject.steps[name]))
            and output in spec.outputs.get("properties", {})
        ]
        if len(makers) == 1:
            yield (makers[0], output, *path)

    def _absent(self, reference: Reference, position: int, available: tuple[str, ...]) -> Unseen:
        before, part = reference.path[:position], reference.path[position]
        rest = reference.path[position + 1 :]
        holder = ".".join([reference.root, *map(str, before)])
        near = self._subject.nearest(str(part), available, 1)
        instead: list[Chain] = [(reference.root, *before, name, *rest) for name in near]
        if rest and rest[0] in available:
            instead.append((reference.root, *before, *rest))
        return Unseen(
            "PLAN_REFERENCE_UNKNOWN",
            f"{reference.text}: “{holder}” has no “{str(part)[:80]}”.",
            did_you_mean(near),
            available,
            tuple(instead),
        )


def input_schema(given: Input) -> dict[str, Any]:
    return {"type": given.type} | ({"format": given.format} if given.format else {})
