"""What a message needs: the outcome of the select stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["exact", "reuse", "compose"]


@dataclass(frozen=True, slots=True)
class Selection:
    """What kind of answer a message needs and, for a plan, the ids of the tools to plan with.

    `mode`: a saved plan is meant as it is ("exact"), is a part of it ("reuse"), or the plan is made
    anew ("compose"). `confidence` is 0 to 1. `usage` is what models took for it.
    """

    kind: Literal["plan", "question", "refusal", "talk", "manage"]
    tools: tuple[str, ...] = ()
    text: str = ""
    choices: tuple[str, ...] = ()
    reason: str = ""
    mode: Mode = "compose"
    confidence: float = 1.0
    usage: Mapping[str, Any] = field(default_factory=dict)

    def told(self, candidates: tuple[str, ...] = ()) -> dict[str, Any]:
        """As `PlanAnswer.selection` keeps it."""
        return {
            "mode": self.mode,
            "reason": self.reason,
            "confidence": self.confidence,
            "tools": list(self.tools),
            "candidates": list(candidates),
        }
