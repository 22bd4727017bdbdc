"""What stands before a step: what it may refer to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agents.planner.lexicon import WORDS
from backend.contracts.tools import ToolSpec

EVENT = "event"  # what stands for the event that starts the run


@dataclass(frozen=True, slots=True)
class Made:
    """A step that stands before. `listed`: it is done for each item, so each of its outputs is a list.
    `quiet`: only a guard looks at it. `aside`: meant only when it is named, such as a yes. `narrows`:
    the step whose result it stands for from then on. `batch`: made by the same clause. `scalar`:
    the name of its one value, which may be no text. `told`: the person's own words that it sent out."""

    name: str
    spec: ToolSpec
    listed: bool = False
    quiet: bool = False
    aside: bool = False
    narrows: str = ""
    batch: int = 0
    scalar: str = ""
    told: str = ""

    @property
    def goes_out(self) -> bool:
        word = WORDS.get(self.spec.id)
        return word is not None and word.stage == "out"


def narrowed(made: Made, earlier: Iterable[Made]) -> Made:
    """What stands for a step's result now: the part of it that was picked since."""
    for later in earlier:
        if later.narrows == made.name and not later.quiet:
            made = later
    return made
