"""What a message needs: the outcome of the select stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Selection:
    """What kind of answer a message needs and, for a plan, the ids of the tools to plan with."""

    kind: Literal["plan", "question", "refusal", "talk", "manage"]
    tools: tuple[str, ...] = ()
    text: str = ""
    choices: tuple[str, ...] = ()
    reason: str = ""
