"""V4: every reference and every name in a guard resolves on every path, and types agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backend.contracts.errors import Fix, Invalid, Issue
from backend.contracts.plans import Step
from backend.plans import pointer
from backend.plans.bindings import Reference, references
from backend.plans.validation.defaults import default_for, with_default
from backend.plans.validation.guards import guard
from backend.plans.validation.order import Order
from backend.plans.validation.schema import KIND_WORDS, Absent, Shape
from backend.plans.validation.sight import Sight, Unseen
from backend.plans.validation.spelling import braced, labelled, rebraced, spelled
from backend.plans.validation.subject import ITEM_ROOTS, Subject

Place = tuple[str | int, ...]


def dataflow(subject: Subject, order: Order) -> Iterator[Issue]:
    for index, step in enumerate(subject.document.steps):
        sight = Sight(subject, order, step)
        flow = Flow(subject, order, sight, step, index)
        yield from flow.repetition()
        yield from flow.arguments()
        if step.guard is not None:
            yield from guard(subject, sight, step.guard, f"steps/{index}/guard", flow.after)


class Flow:
    """The references of one step."""

    def __init__(
        self, subject: Subject, order: Order, sight: Sight, step: Step, index: int
    ) -> None:
        self._subject = subject
        self._order = order
        self._sight = sight
        self._step = step
        self._index = index

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
                        path=self._path(("max_parallel",)), value=None, label="Remove the limit"
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
                fix=self._fix(place, meant) if fits else None,
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
                    fix=self._fix(where, fixed),
                )

    def _resolves(self, text: str) -> bool:
        (reference,) = references(text)
        known = reference.root in self._subject.steps or reference.root == "inputs"
        return bool(known and reference.path) and self._sight.meant(reference) is not None

    def _agreement(
        self, reference: Reference, where: Place, produced: Shape, wanted: Shape
    ) -> Iterator[Issue]:
        whole = self._value(where) == reference.text
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
            self._matching(reference, where, produced, wanted, fitting),
        )

    def _matching(
        self,
        reference: Reference,
        where: Place,
        produced: Shape,
        wanted: Shape,
        fitting: tuple[str, ...],
    ) -> Fix | None:
        """The output that was surely meant: of the argument's own name, or, of a step named without
        an output, the only one that fits; and one value for a list of such values is a list of one."""
        if self._value(where) != reference.text:
            return None
        named = [name for name in fitting if name == where[-1] and reference.path != (name,)]
        if not named and not reference.path and len(fitting) == 1:
            named = list(fitting)
        if named:
            chain = (reference.root, named[0])
            return self._fix(
                where, reference.text.replace(reference.text, spelled(chain, reference))
            )
        listed = where[0] == "args" and "array" in wanted.kinds and "array" not in produced.kinds
        if listed and reference.path and produced.agrees(wanted.at(0)):
            return self._fix(where, [reference.text])
        return None

    def _unseen(
        self, unseen: Unseen, reference: Reference, where: Place, wanted: Shape | None
    ) -> Issue:
        fix = None
        suggestion = unseen.suggestion
        if unseen.code == "PLAN_REFERENCE_NEEDS_DEFAULT":
            suggestion = f'Say what holds then: ${{{reference.root}.… ?? ""}}.'
            fix = self._defaulted(where, wanted)
        elif unseen.code == "PLAN_REFERENCE_NOT_BEFORE":
            fix = self.after(reference.root)
        else:
            fix = self._instead(unseen, reference, where, wanted)
        return self._issue(unseen.code, unseen.message, where, suggestion, unseen.available, fix)

    def _instead(
        self, unseen: Unseen, reference: Reference, where: Place, wanted: Shape | None
    ) -> Fix | None:
        """The first chain of names that brings something fitting."""
        value = self._value(where)
        for root, *path in unseen.instead:
            chain = (str(root), *path)
            text = spelled(chain, reference)
            (other,) = references(text)
            seen = self._sight.meant(other, in_items=where[0] != "for_each")
            if seen is None or not isinstance(value, str):
                continue
            whole = value == reference.text
            made = seen if whole else Shape({"type": "string"})
            if wanted is None or made.agrees(wanted):
                return self._fix(where, value.replace(reference.text, text))
        return None

    def _defaulted(self, where: Place, wanted: Shape | None) -> Fix | None:
        """Every reference in the same text that needs one gets a default that the argument takes."""
        value = self._value(where)
        if not isinstance(value, str):
            return None
        fixed = value
        for reference in references(value):
            unseen = self._sight.produced(reference, in_items=where[0] != "for_each")
            if not isinstance(unseen, Unseen):
                continue
            if unseen.code != "PLAN_REFERENCE_NEEDS_DEFAULT":
                continue
            whole = value == reference.text
            sure = Reference(reference.root, reference.path, has_default=True)
            made = self._sight.produced(sure)
            if isinstance(made, Unseen):
                return None
            default = default_for(made, wanted if whole else None)
            if default is None:
                return None
            fixed = fixed.replace(reference.text, with_default(reference, default))
        return self._fix(where, fixed) if fixed != value else None

    def after(self, root: str) -> Fix | None:
        """Come after the steps referred to. Where one trigger starts everything, they stand for it:
        skipped with them rather than started without what they make."""
        heard = self._step.on
        if len(self._subject.document.events) == 1:
            heard = [name for name in heard if name not in self._subject.triggers]
        on = [*heard, f"step.{root}"]
        label = f"Come after “{root}”"
        return (
            Fix(path=self._path(("on",)), value=on, label=label)
            if root != self._step.name
            else None
        )

    def _value(self, where: Place) -> Any:
        if where[0] == "args":
            return pointer.follow(self._step.args, where[1:])
        return getattr(self._step, str(where[0]))

    def _fix(self, where: Place, value: Any) -> Fix:
        shown = value if isinstance(value, str) else value[0]
        return Fix(path=self._path(where), value=value, label=f"Use {labelled(shown)}")

    def _unreadable(self, error: Invalid, where: Place, value: Any) -> Issue:
        fix = None
        if isinstance(value, str):
            fixed = rebraced(value, self._resolves)
            try:
                references(fixed)
                fix = self._fix(where, fixed) if fixed != value else None
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
            path=self._path(where),
            suggestion=suggestion,
            available=available,
            fix=fix,
        )

    def _path(self, where: Place) -> str:
        return pointer.join("steps", self._index, *where)


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
