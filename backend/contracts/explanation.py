"""Why something happened: the chain from a side effect back to the sentence that asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

LinkKind = Literal[
    "effect",  # what a step did: id is "run:step"
    "permission",  # a person let a step do it
    "event",  # something in the log
    "run",
    "trigger",  # what started the run: a person, a due time, an event
    "approval",
    "revision",  # a document written or edited by a person, or checked anew: id is "plan:number"
    "planning",
    "request",  # what the person said
]


@dataclass(frozen=True, slots=True)
class Link:
    """One link; `id` may be explained in its turn. `detail` is what is known of it, as JSON."""

    kind: LinkKind
    id: str
    at: datetime | None
    words: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """From what was asked about (`id`) back to its beginning; `words` is all of it in one line."""

    id: str
    links: tuple[Link, ...]
    words: str = ""
