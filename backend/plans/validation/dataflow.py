"""V4: every reference and every name in a guard resolves on every path, and types agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backend.contracts.errors import Fix, Invalid, Issue
from backend.contracts.plans import Step
from backend.plans import pointer
from backend.plans.bindings import Reference, references
from backend.plans.validation.guards import guard
from backend.plans.validation.meant import Meant
from backend.plans.validation.order import Order
from backend.plans.validation.schema import KIND_WORDS, Absent, Shape
from backend.plans.validation.sight import Place, Sight, Unseen
from backend.plans.validation.spelling import braced, rebraced
from backend.plans.validation.subject import ITEM_ROOTS, Subject


def dataflow(subject: Subject, order: Order) -> Iterator[Issue]:
    for index, step in enumerate(subject.document.steps):
        sight = Sight(subject, order, step)
        meant = Meant(subject, sight, step, index)
        flow = Flow(subject, sight, meant, step)
        yield from flow.repetition()
        yield from flow.arguments()
        if step.guard is not None:
            yield from guard(subject, sight, step.guard, f"steps/{index}/guard", meant.after)


class Flow:
    """The references of one step."""

    def __init__(self, subject: Subject, sight: Sight, meant: Meant, step: Step) -> None:
        self._subject = subject
        self._sight = sight
        self._meant = meant
        self._step = step

    def arguments(self) -> Iterator[Issue]:
        spec = self._subject.spec(self._step)
        wanted = Shape.of(spec.inputs) if spec else Shape()
        for param, value in self._step.args.items():
            place: Place = ("args", param)
            try:
                found = references(value)
            except Invalid as error:
                yield self._unreadable(error, place, value)
                continue
            yield from self._misspelt(value, place)
            for reference in found:
                where = (*place, *reference.where)
                aim = _at(wanted, where[1:])
                seen = self._sight.produced(reference)
                if isinstance(seen, Unseen):
                    yield self._unseen(seen, reference, where, aim)
                elif aim is not None:
                    yield from self._agreement(reference, where, seen, aim)

    def repetition(self) -> Iterator[Issue]:
        value, place = self._step.for_each, ("for_each",)
        if value is None:
            if self._step.max_parallel is not None:
                yield self._issue(
                    "PLAN_FOR_EACH_INVALID",
                    f"Step “{self._step.name}” limits parallel items but repeats over nothing.",
                    ("max_parallel",),
                    "Add “for_each”, or remove “max_parallel”.",
                    fix=Fix(
                        path=self._meant.path(("max_parallel",)),
                        value=None,
                        label="Remove the limit",
                    ),
                )
            return
        try:
            found = references(value)
        except Invalid as error:
            yield self._unreadable(error, place, value)
            return
        if len(found) != 1 or value != found[0].text or found[0].root in ITEM_ROOTS:
            meant = braced(value)
            fits = meant and self._brings_a_list(meant)
            yield self._issue(
                "PLAN_FOR_EACH_INVALID",
                "“for_each” must be one reference to a list.",
                place,
                "Write it like ${fetch.links}.",
                fix=self._meant.put(place, meant) if fits else None,
            )
            return
        list_ = Shape({"type": "array"})
        seen = self._sight.produced(found[0], in_items=False)
        if isinstance(seen, Unseen):
            yield self._unseen(seen, found[0], place, list_)
        elif "array" not in seen.kinds:
            yield self._mismatch(found[0], place, seen, list_, "“for_each” needs a list")

    def _brings_a_list(self, text: str) -> bool:
        (reference,) = references(text)
        seen = self._sight.produced(reference, in_items=False)
        return isinstance(seen, Shape) and "array" in seen.kinds

    def _misspelt(self, value: Any, place: Place) -> Iterator[Issue]:
        """Placeholders of other languages, where they name a step or an input of this plan."""
        for where, text in _texts(value, place):
            fixed = rebraced(text, self._resolves)
            if fixed != text:
                yield self._issue(
                    "PLAN_REFERENCE_INVALID",
                    f"“{text[:80]}” names a value the way other languages do; here it stays as it is.",
                    where,
                    "Write ${step.output}.",
                    fix=self._meant.put(where, fixed),
                )

    def _resolves(self, text: str) -> bool:
        (reference,) = references(text)
        known = reference.root in self._subject.steps or reference.root == "inputs"
        return bool(known and reference.path) and self._sight.meant(reference) is not None

    def _agreement(
        self, reference: Reference, where: Place, produced: Shape, wanted: Shape
    ) -> Iterator[Issue]:
        whole = self._meant.value(where) == reference.text
        made = produced if whole else Shape({"type": "string"})
        places = list(made.conflicts(wanted))
        if not places:
            return
        inside = pointer.join(*places[0])
        what = _either(_at(made, places[0]) or made) if whole else "text"
        needed = _either(_at(wanted, places[0]) or wanted)
        if inside:
            what, needed = f"{what} at “{inside}”", f"{needed} there"
        aim = f"“{where[-1]}” of “{self._step.action}” needs {needed}"
        yield self._mismatch(reference, where, produced, wanted, aim, what)

    def _mismatch(
        self,
        reference: Reference,
        where: Place,
        produced: Shape,
        wanted: Shape,
        aim: str,
        what: str = "",
    ) -> Issue:
        fitting = self._sight.outputs(reference.root, wanted)
        return self._issue(
            "PLAN_INTERFACE_MISMATCH",
            f"{reference.text} is {what or _either(produced)}; {aim}.",
            where,
            "Refer to an output of the right kind, or put a step between that converts it.",
            tuple(f"${{{reference.root}.{name}}}" for name in fitting),
            self._meant.matching(reference, where, produced, wanted, fitting),
        )

    def _unseen(
        self, unseen: Unseen, reference: Reference, where: Place, wanted: Shape | None
    ) -> Issue:
        fix = None
        suggestion = unseen.suggestion
        if unseen.code == "PLAN_REFERENCE_NEEDS_DEFAULT":
            suggestion = f'Say what holds then: ${{{reference.root}.… ?? ""}}.'
            fix = self._meant.defaulted(where, wanted)
        elif unseen.code == "PLAN_REFERENCE_NOT_BEFORE":
            fix = self._meant.after(reference.root)
        else:
            fix = self._meant.instead(unseen, reference, where, wanted)
        return self._issue(unseen.code, unseen.message, where, suggestion, unseen.available, fix)

    def _unreadable(self, error: Invalid, where: Place, value: Any) -> Issue:
        fix = None
        if isinstance(value, str):
            fixed = rebraced(value, self._resolves)
            try:
                references(fixed)
                fix = self._meant.put(where, fixed) if fixed != value else None
            except Invalid:
                fix = None
        return self._issue(error.code, error.message, where, error.hint, fix=fix)

    def _issue(
        self,
        code: str,
        message: str,
        where: Place,
        suggestion: str = "",
        available: tuple[str, ...] = (),
        fix: Fix | None = None,
    ) -> Issue:
        return Issue(
            code=code,
            message=message,
            path=self._meant.path(where),
            suggestion=suggestion,
            available=available,
            fix=fix,
        )


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    stack: list[tuple[Any, Place]] = [(value, place)]
    while stack:
        each, where = stack.pop()
        if isinstance(each, str):
            if "{" in each:
                yield where, each
        elif isinstance(each, dict):
            stack.extend((item, (*where, key)) for key, item in each.items())
        elif isinstance(each, list):
            stack.extend((item, (*where, index)) for index, item in enumerate(each))


def _at(shape: Shape, place: Place) -> Shape | None:
    try:
        for part in place:
            shape = shape.at(part)
    except Absent:
        return None
    return shape


def _either(shape: Shape) -> str:
    kinds = shape.kinds - ({"integer"} if "number" in shape.kinds else set())
    return " or ".join(KIND_WORDS.get(kind, kind) for kind in sorted(kinds - {"null"}) or ["null"])
