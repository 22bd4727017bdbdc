"""V4: what a reference that brings nothing, or the wrong thing, was surely meant to be."""

from __future__ import annotations

from typing import Any

from backend.contracts.errors import Fix
from backend.contracts.plans import Step
from backend.plans import pointer
from backend.plans.bindings import Reference, references
from backend.plans.validation.defaults import default_for, with_default
from backend.plans.validation.effects import aims
from backend.plans.validation.schema import Shape
from backend.plans.validation.sight import Place, Sight, Unseen
from backend.plans.validation.spelling import labelled, spelled
from backend.plans.validation.subject import Subject


class Meant:
    """The fixes of one step's references. A place is a path inside the step."""

    def __init__(self, subject: Subject, sight: Sight, step: Step, index: int) -> None:
        self._subject = subject
        self._sight = sight
        self._step = step
        self._index = index

    def matching(
        self,
        reference: Reference,
        where: Place,
        produced: Shape,
        wanted: Shape,
        fitting: tuple[str, ...],
    ) -> Fix | None:
        """The output that was surely meant: of the argument's own name, or, of a step named without
        an output, the only one that fits; and one value for a list of such values is a list of one."""
        if self.value(where) != reference.text or self._goes_to(where):
            return None
        named = [name for name in fitting if name == where[-1] and reference.path != (name,)]
        if not named and not reference.path and len(fitting) == 1:
            named = list(fitting)
        if named:
            chain = (reference.root, named[0])
            return self.put(
                where, reference.text.replace(reference.text, spelled(chain, reference))
            )
        listed = where[0] == "args" and "array" in wanted.kinds and "array" not in produced.kinds
        if listed and reference.path and produced.agrees(wanted.at(0)):
            return self.put(where, [reference.text])
        return None

    def _goes_to(self, where: Place) -> bool:
        """Whether the place says where an effect goes, which is for a person to say."""
        spec = self._subject.spec(self._step)
        return spec is not None and where[0] == "args" and aims(spec, str(where[1]))

    def instead(
        self, unseen: Unseen, reference: Reference, where: Place, wanted: Shape | None
    ) -> Fix | None:
        """The first chain of names that brings something fitting."""
        value = self.value(where)
        for root, *path in unseen.instead:
            if root != "inputs" and self._goes_to(where):
                continue
            chain = (str(root), *path)
            text = spelled(chain, reference)
            (other,) = references(text)
            seen = self._sight.meant(other, in_items=where[0] != "for_each")
            if seen is None or not isinstance(value, str):
                continue
            whole = value == reference.text
            made = seen if whole else Shape({"type": "string"})
            if wanted is None or made.agrees(wanted):
                return self.put(where, value.replace(reference.text, text))
        return None

    def defaulted(self, where: Place, wanted: Shape | None) -> Fix | None:
        """Every reference in the same text that needs one gets a default that the argument takes."""
        value = self.value(where)
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
        return self.put(where, fixed) if fixed != value else None

    def after(self, root: str) -> Fix | None:
        """Come after the steps referred to. Where one trigger starts everything, they stand for it:
        skipped with them rather than started without what they make."""
        heard = self._step.on
        if len(self._subject.document.events) == 1:
            heard = [name for name in heard if name not in self._subject.triggers]
        on = [*heard, f"step.{root}"]
        label = f"Come after “{root}”"
        return (
            Fix(path=self.path(("on",)), value=on, label=label) if root != self._step.name else None
        )

    def value(self, where: Place) -> Any:
        if where[0] == "args":
            return pointer.follow(self._step.args, where[1:])
        return getattr(self._step, str(where[0]))

    def put(self, where: Place, value: Any) -> Fix:
        shown = value if isinstance(value, str) else value[0]
        return Fix(path=self.path(where), value=value, label=f"Use {labelled(shown)}")

    def path(self, where: Place) -> str:
        return pointer.join("steps", self._index, *where)
