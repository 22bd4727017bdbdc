"""What has been planned so far, while a request is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agents.planner.made import Made
from backend.contracts.tools import ToolSpec

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Gap:
    """A required argument nobody gave."""

    step: str
    spec: ToolSpec
    name: str


@dataclass(slots=True)
class Draft:
    """The steps so far. `unknown` are clauses with no tool for them and the nearest tools' ids;
    `left` the places of words that no step expresses; `candidates` the tools that were thought of;
    `watches`: it is to tell when something is so, as soon as it is."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    unknown: list[tuple[Span, tuple[str, ...]]] = field(default_factory=list)
    left: list[Span] = field(default_factory=list)
    candidates: list[str] = field(default_factory=list)
    confidence: float = 1.0
    watches: bool = False
