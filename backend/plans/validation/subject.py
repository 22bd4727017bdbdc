"""What the validators look at: a document with the questions they all ask already answered."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from backend.contracts.errors import Invalid
from backend.contracts.plans import IR, Catalogue, Edge, PlanDocument, Step
from backend.contracts.tools import ToolSpec
from backend.plans.ir import Listening, compile_document

DEFAULT_ACTION = "default"
ITEM_ROOTS = frozenset({"item", "index"})
_MAX_COMPARISONS = 20_000


@dataclass(frozen=True)
class Subject:
    """`timezone` is the person's, for triggers that name none; `now` aware, in UTC. `request` is what
    the person said, "" where that is not known; `not_covered` are words of it that no step expresses.
    `budget_usd` is the most that one run may cost."""

    document: PlanDocument
    catalogue: Catalogue
    now: datetime
    timezone: str = "UTC"
    not_covered: tuple[str, ...] = ()
    request: str = ""
    budget_usd: float | None = None

    @cached_property
    def ir(self) -> IR | None:
        """None when two steps share a name."""
        try:
            return compile_document(self.document, self.catalogue)
        except Invalid:
            return None

    @cached_property
    def listening(self) -> Listening:
        return Listening(self.document)

    @cached_property
    def steps(self) -> dict[str, Step]:
        """By name; of two with one name, the first."""
        steps: dict[str, Step] = {}
        for step in self.document.steps:
            steps.setdefault(step.name, step)
        return steps

    @cached_property
    def index(self) -> dict[str, int]:
        """Where in the document each of `steps` is."""
        places: dict[str, int] = {}
        for index, step in enumerate(self.document.steps):
            places.setdefault(step.name, index)
        return places

    @cached_property
    def triggers(self) -> frozenset[str]:
        return frozenset(trigger.name for trigger in self.document.events)

    @cached_property
    def incoming(self) -> dict[str, tuple[Edge, ...]]:
        """Per step, what it listens to; names that mean nothing are left out."""
        return {
            name: tuple(
                edge
                for heard in dict.fromkeys(step.on)
                if self.listening.known(heard)
                for edge in self.listening(heard, name)
            )
            for name, step in self.steps.items()
        }

    @cached_property
    def outgoing(self) -> dict[str, list[Edge]]:
        edges: dict[str, list[Edge]] = {name: [] for name in self.steps}
        for heard in self.incoming.values():
            for edge in heard:
                if self.from_step(edge):
                    edges[edge.source].append(edge)
        return edges

    def from_step(self, edge: Edge) -> bool:
        """Whether an edge comes from a step, not from a trigger."""
        return edge.source in self.steps and edge.source not in self.triggers

    @cached_property
    def _comparisons(self) -> list[int]:
        return [0]

    def affords(self, comparisons: int) -> bool:
        """Whether there is time for more suggestions: a plan wrong everywhere gets only so many."""
        self._comparisons[0] += comparisons
        return self._comparisons[0] <= _MAX_COMPARISONS

    def nearest(self, word: str, known: Collection[str], count: int = 3) -> tuple[str, ...]:
        return nearest(word, known, count) if self.affords(len(known)) else ()

    def spec(self, step: Step) -> ToolSpec | None:
        return self.catalogue.tools.get(step.action)

    def joins_all(self, step: Step) -> bool:
        """Whether a step waits for everything upstream: D3's default depends on the plan's kind."""
        return (step.join or ("all" if self.document.graph_type == "acyclic" else "any")) == "all"


def nearest(word: str, known: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The known words most like this one, best first."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower()[:128], by_lower, n=count, cutoff=0.6)
    return tuple(by_lower[name] for name in found)


def did_you_mean(names: Iterable[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return f"Did you mean {' or '.join(quoted)}?" if quoted else ""
