"""Arguments as they are filled, and what there is one of for each time a step is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

Span = tuple[int, int]


class Item(Protocol):
    """What a step gets that is done for each of many."""

    @property
    def address(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def person(self) -> str: ...
    @property
    def made(self) -> str: ...
    def value(self, words: str = "") -> str: ...


@dataclass(slots=True)
class Filled:
    """Arguments with where each came from; `missing` are required ones nobody gave; `spans` the
    words that were used; `refers` the steps referred to; `repeats`: an item was used; `again`: the
    step whose own words are sent out again."""

    args: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    refers: list[str] = field(default_factory=list)
    repeats: bool = False
    again: str = ""

    def put(self, name: str, value: Any, source: str, *spans: Span) -> None:
        self.args[name] = value
        self.sources[name] = source
        self.spans += spans
