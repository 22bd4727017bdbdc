"""The ports: where technologies vary, and nowhere else. Each has one conformance suite."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from backend.contracts.errors import LightningError
from backend.contracts.events import Event, Lane
from backend.contracts.plans import Catalogue
from backend.contracts.security import Verdict

# --- Bus: log and delivery ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Output:
    """An event to be recorded and, unless `lane` is "log", delivered: to the decider of `stream`, or
    to any worker. `due` None means now. An event's id is delivered at most once into a stream."""

    event: Event
    lane: Lane = "log"
    stream: str | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """What one stream made of one cause. `position` counts the stream's commits from 0."""

    stream: str
    position: int
    cause: Event
    outputs: tuple[Event, ...] = ()
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message leased to this process. `token` proves the lease; `attempt` counts from 1. `error` is why
    the bus gave it up by itself: it is not to be handled, but to be made a dead letter."""

    event: Event
    lane: Lane
    stream: str | None
    token: str
    attempt: int = 1
    error: LightningError | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A stored document. Only the envelope can be filtered or sorted on.

    `position` makes a write that follows from a commit repeatable: a smaller or equal position
    than the stored one changes nothing. `etag` is set by the store. A None body deletes.
    """

    kind: str
    id: str
    owner: str
    body: Mapping[str, Any] | None
    parent: str | None = None
    status: str | None = None
    sort: str = ""
    due_at: datetime | None = None
    position: int | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    delivery: Delivery
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settlement:
    """One atomic act: append `commits` at their expected positions, queue `outputs`, write
    `documents`, record the `dead`, acknowledge `acks`. All of it, or nothing.

    An adapter whose `fuses` is False takes at most one ack and one commit. `undisturbed` names
    streams (of a fused hop) for which no due message may be waiting unleased or leased to another
    process, or it is a conflict; this process's own leases do not disturb.
    """

    acks: tuple[Delivery, ...] = ()
    commits: tuple[Commit, ...] = ()
    outputs: tuple[Output, ...] = ()
    documents: tuple[Document, ...] = ()
    dead: tuple[DeadLetter, ...] = ()
    undisturbed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """`ok`: it is durable; `kept` are those of its outputs leased to this process at once.
    `conflict`: a position was taken, or an undisturbed stream was not. `stale`: a lease was lost.
    In both cases nothing of it was done."""

    outcome: Literal["ok", "conflict", "stale"]
    kept: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Commits in order, and the cursor behind the last: opaque, but for `cursor_at`."""

    commits: tuple[Commit, ...]
    cursor: str


def cursor_at(position: int) -> str:
    """The cursor in front of a stream's commit at `position`, on every bus."""
    return str(position)


class Bus(Protocol):
    """Log and delivery in one, because they must change in one transaction.

    Errors: `Unavailable` when the technology does not answer or its disk is full; nothing was done
    then, and the call may be repeated.
    """

    fuses: bool

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def publish(self, outputs: Sequence[Output]) -> None:
        """Queue events from outside any delivery. Durable on return. Repeating it is harmless."""
        ...

    async def receive(self, limit: int, *, work: bool = True) -> Sequence[Delivery]:
        """Lease up to `limit` due messages; waits until there is at least one. In a stream the
        oldest first, and nobody else gets that stream's messages while any of them is leased.
        Without `work` only messages of streams. Cancelling it loses nothing."""
        ...

    async def settle(self, settlements: Sequence[Settlement], keep: int = 0) -> Sequence[Settled]:
        """Each settlement by itself: one that is stale or in conflict never fails its neighbours.
        Up to `keep` outputs due now come back leased, in `Settled.kept`."""
        ...

    async def claim(self, delivery: Delivery, key: str, outputs: Sequence[Output] = ()) -> bool:
        """Before an effect: record `key` and queue `outputs`. False when the key is taken (by
        an earlier, interrupted delivery): then nothing is queued. `key` lives as long as the run."""
        ...

    async def release(self, delivery: Delivery, delay_s: float) -> None:
        """Give a message back, to be delivered again after `delay_s`."""
        ...

    async def decided(self, stream: str, event_id: str) -> bool:
        """Whether this cause is already in the stream."""
        ...

    async def history(
        self, stream: str, cursor: str | None = None, limit: int = 1000
    ) -> History: ...

    async def head(self, stream: str) -> str:
        """The cursor behind the stream's newest commit."""
        ...

    def follow(
        self, streams: Mapping[str, str | None]
    ) -> AsyncGenerator[Mapping[str, History], None]:
        """What is there and then what comes, for several streams from their cursors (None: the
        start). At least once; never an empty mapping. Ends when the bus is closed."""
        ...

    async def dead_letters(self, limit: int = 100) -> Sequence[DeadLetter]: ...

    async def replay(self, event_id: str) -> bool:
        """Queue a dead letter again. False when there is none of that id."""
        ...

    async def prune(self, streams: Sequence[str]) -> None:
        """Forget whole streams (closed runs past their retention), with their claims."""
        ...


# --- Store: documents -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    items: tuple[Document, ...]
    cursor: str | None = None


class Store(Protocol):
    """Documents with etags. `owner` None means any owner, for the system's own reads."""

    async def get(self, kind: str, id: str, owner: str | None) -> Document | None: ...

    async def put(self, document: Document, *, create: bool = False) -> Document:
        """Write, and return it with its new etag. `create` demands that there is none yet; an
        `etag` on the document demands that it is the stored one; else `Conflict`. A document of
        another owner is never replaced: `Conflict`."""
        ...

    async def delete(self, kind: str, id: str, owner: str | None) -> bool: ...

    async def list(
        self,
        kind: str,
        *,
        owner: str | None,
        status: str | None = None,
        parent: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        newest_first: bool = True,
    ) -> Page:
        """By `sort`, then id."""
        ...

    async def due(self, kind: str, before: datetime, limit: int = 100) -> Sequence[Document]:
        """Documents whose `due_at` is at or before `before`, earliest first."""
        ...

    async def search(
        self, kind: str, words: str, *, owner: str, limit: int = 20
    ) -> Sequence[Document]:
        """By words in the body's text values; best first."""
        ...


# --- Blobs: contents ------------------------------------------------------------------------------


class Blobs(Protocol):
    """Contents by sha256, each owner's apart."""

    async def put(self, owner: str, content: bytes) -> str:
        """Returns the sha256 in hex. The same content is stored once per owner."""
        ...

    async def get(self, owner: str, sha256: str) -> bytes:
        """Raises `NotFound`, also when the content belongs to somebody else."""
        ...


# --- what an operator should know of a backend ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Charge:
    """What one kind of call has cost since the process started, in request units as the technology counts
    them itself."""

    calls: int = 0
    request_units: float = 0.0


Charges = Callable[[], Mapping[str, Charge]]
"""By container and operation, as "documents.read"; empty where calls cost nothing by themselves."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about how a backend is set up that works, and that its operator should know. `part` is
    "database" or "bus"; `advice` says what to change."""

    part: str
    words: str
    advice: str = ""


# --- a person's files -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileInfo:
    path: str
    size: int
    modified: datetime


class Files(Protocol):
    """A person's own files. Paths are relative, with `/`; leaving the space is `Forbidden`."""

    async def read(self, owner: str, path: str) -> bytes: ...

    async def write(
        self, owner: str, path: str, content: bytes, *, append: bool = False
    ) -> FileInfo: ...

    async def list(
        self, owner: str, folder: str = "", pattern: str = "*"
    ) -> Sequence[FileInfo]: ...

    async def delete(self, owner: str, path: str) -> None:
        """Raises `NotFound`; a folder is `Invalid`."""
        ...


# --- LLM ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Completion:
    """`data` is the parsed object when a schema was asked for."""

    text: str
    model: str
    data: Any = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


OnPartial = Callable[[Mapping[str, Any]], None]


class LLM(Protocol):
    """A chat model. Errors: `Unavailable` (down, slow, truncated, no usable answer), `RateLimited`."""

    model: str

    async def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 2000,
        on_partial: OnPartial | None = None,
    ) -> Completion:
        """The whole answer. `on_partial` sees the object asked for grow, where the server streams."""
        ...

    def stream(
        self, messages: Sequence[Mapping[str, str]], *, max_tokens: int = 2000
    ) -> AsyncIterator[str]: ...


# --- Planner --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """`text` is what the person said now; `catalogue` all that a plan of theirs may use. `previous` is
    the open plan's document when this may be a revision of it; `timezone` the person's IANA zone;
    `history` earlier turns, oldest first."""

    text: str
    user_id: str
    timezone: str
    now: datetime
    catalogue: Catalogue
    previous: Mapping[str, Any] | None = None
    history: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PlanAnswer:
    """One of C2's answers. `document` for a plan; `text` for everything said to the person.

    `not_covered` are words of the request that no step expresses; `sources` say, per "step.arg",
    where a value came from ("said", "default", "step fetch"); `planner` is "offline" or a model id.
    `revises`: the document changes the request's `previous` one, rather than being a new plan. A
    question may carry the `document` drafted so far. `selection` says how the tools were chosen:
    {"mode": "exact" | "reuse" | "compose", "reason", "confidence", "tools", "candidates"}; `usage`
    what models took: {"model", "calls", "input_tokens", "output_tokens", "cost_usd"}.
    """

    kind: Literal["plan", "question", "refusal", "talk", "manage"]
    text: str = ""
    document: Mapping[str, Any] | None = None
    confidence: float = 1.0
    not_covered: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    planner: str = "offline"
    stages: tuple[Mapping[str, Any], ...] = ()
    revises: bool = False
    selection: Mapping[str, Any] = field(default_factory=dict)
    usage: Mapping[str, Any] = field(default_factory=dict)


class Planner(Protocol):
    async def warm(self, catalogue: Catalogue) -> None:
        """Load what the first request would otherwise wait for. Once, after start."""
        ...

    async def plan(self, request: PlanRequest) -> PlanAnswer: ...
