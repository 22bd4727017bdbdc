"""Which of the items something is done for: "each item with stock under 3"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.planner import conditions
from agents.planner.entities import Text
from agents.planner.guard import literal
from agents.planner.loops import Marker

Span = tuple[int, int]
_WHICH = re.compile(
    r"\s*,?\s*(?:with(?:\s+an?)?|whose|where(?:\s+the)?|(?:that|which|who)\s+(?:has|have)(?:\s+an?)?)\s+"
)
_END = re.compile(r"(?=[\s,;.]|$)")


@dataclass(frozen=True, slots=True)
class Restriction:
    """What must hold of an item, at `place` in the text."""

    condition: conditions.Condition
    place: Span

    def guard(self, steps: Sequence[dict[str, Any]]) -> bool:
        """Guard the repeated ones of these steps; whether there are any."""
        repeated = [step for step in steps if step.get("for_each")]
        for step in repeated[-1:]:
            own = step.get("guard")
            step["guard"] = f"({own}) and ({self._expression})" if own else self._expression
        return bool(repeated)

    @property
    def _expression(self) -> str:
        value = self.condition.number or literal(self.condition.text)
        operator = self.condition.operator or ("!=" if self.condition.negated else "==")
        return f"item.{self.condition.field} {operator} {value}"


def restriction(text: Text, marker: Marker, end: int) -> Restriction | None:
    """The longest part behind a marker that says something of a field of the items."""
    which = _WHICH.match(text.plain, marker.spans[-1][1], end)
    if which is None:
        return None
    for stop in reversed([m.start() for m in _END.finditer(text.plain, which.end(), end)]):
        words = slice(which.end(), stop)
        read = conditions.read(text.plain[words], text.said[words])
        known = isinstance(read, conditions.Condition) and read.kind in ("number", "equals")
        if known and isinstance(read, conditions.Condition):
            return Restriction(read, (which.start(), stop))
    return None
