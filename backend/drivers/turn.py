"""One handling of one event: what a handler sees of the world, and where its outputs gather."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from backend.contracts.events import EVENT_TYPES, Event, derived_id
from backend.contracts.ports import Bus, Commit, Delivery, Document, Output

S = TypeVar("S")


class Turn:
    """`position` is where the commit will stand in its stream (0 for work, which has no stream).

    Outputs get ids derived from the cause and their place, so that handling the same cause again
    makes the same events; from `seed` instead, where what is made must not be taken for those.
    """

    __slots__ = ("cause", "documents", "now", "outputs", "position", "seed")

    def __init__(self, cause: Event, now: datetime, position: int = 0, seed: str = "") -> None:
        self.cause = cause
        self.now = now
        self.position = position
        self.seed = seed or cause.id
        self.outputs: list[Output] = []
        self.documents: list[Document] = []

    def emit(
        self,
        type: str,
        data: Mapping[str, Any],
        *,
        delay_s: float = 0.0,
        due: datetime | None = None,
        id: str | None = None,
        recorded: bool = False,
    ) -> Event:
        """Add an event of a catalogued `type`; its lane and stream follow from the catalogue. What is
        only `recorded` is delivered to nobody."""
        cause = self.cause
        kind = EVENT_TYPES[type]
        event = Event(
            id or derived_id(self.seed, len(self.outputs)),
            type,
            cause.user_id,
            self.now,
            data,
            correlation_id=cause.correlation_id or cause.id,
            causation_id=cause.id,
        )
        if delay_s > 0:
            due = self.now + timedelta(seconds=delay_s)
        if recorded:
            self.outputs.append(Output(event, "log"))
        else:
            self.outputs.append(Output(event, kind.lane, kind.stream(data), due))
        return event

    def write(self, document: Document) -> None:
        self.documents.append(document)


class Decider(Protocol[S]):
    """The one writer of the streams behind `prefix`. Its state is the fold of a stream's events.

    `open` folds what is there (it may load what the first cause names); `decide` puts into the turn
    what follows, changing nothing itself (where it knows the state after all of that anyway, it may
    return it: the same that folding them gives); `project` writes the documents that show the change.

    Of a long stream a snapshot has what `keep` says: a value of the type `keeps`, of which `recall` makes
    the state again.
    """

    prefix: str
    keeps: Any

    async def open(self, stream: str, commits: Sequence[Commit], cause: Event | None) -> S: ...

    def owner(self, state: S) -> str | None: ...

    def evolve(self, state: S, event: Event) -> S: ...

    def decide(self, state: S, turn: Turn) -> S | None: ...

    def project(self, before: S, after: S, turn: Turn) -> None: ...

    def closed(self, state: S) -> bool:
        """Whether nothing more is expected, so that the state need not stay in memory."""
        ...

    def keep(self, state: S) -> Any | None:
        """What a snapshot has of the state; None when there should be none."""
        ...

    async def recall(self, kept: Any) -> S: ...


class Driver(Protocol):
    """Reacts to events that anybody may handle, in parallel; may act on the world."""

    handles: tuple[str, ...]

    async def handle(self, turn: Turn, delivery: Delivery) -> None: ...

    def failed(self, turn: Turn, error: Mapping[str, Any]) -> None:
        """Put into the turn what follows when the event could not be handled at all."""
        ...


def fold(decider: Decider[S], state: S, commits: Sequence[Commit]) -> S:
    for commit in commits:
        if commit.verdict is None or commit.verdict.allowed:
            state = decider.evolve(state, commit.cause)
        for event in commit.outputs:
            state = decider.evolve(state, event)
    return state


async def commits_of(bus: Bus, stream: str) -> list[Commit]:
    """All commits of a stream, from its start."""
    page = await bus.history(stream)
    commits = list(page.commits)
    while page.commits:
        page = await bus.history(stream, page.cursor)
        commits.extend(page.commits)
    return commits
