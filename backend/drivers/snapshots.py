"""Long streams open quickly: now and then a commit brings a snapshot of its stream's state along.

A snapshot is a cache. Reading goes on behind it instead of from the stream's start, and comes to the
same; one that is missing, of other types than today's, or not of this log, is as if it were not there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import orjson
import structlog
from pydantic import TypeAdapter

from backend.contracts.events import Event
from backend.contracts.ports import Bus, Commit, Document, Store, cursor_at
from backend.drivers.turn import Decider, fold

log = structlog.get_logger()

S = TypeVar("S")

SNAPSHOT = "snapshot"
EVERY = 500  # commits, at least
LARGEST = 1_000_000  # bytes: a document of Cosmos DB takes two million
FOLDS = 1  # to be raised whenever some `evolve` makes something else of the same events
SHORT = 64  # commits for which nobody looks for a snapshot
_BYTES_A_COMMIT = 100  # that snapshots may cost, where a commit itself has about a thousand


@dataclass(frozen=True, slots=True)
class Opened(Generic[S]):
    """A stream as it was read. `position` is its next commit's, `cursor` behind its last. A snapshot
    stands for its first `skipped` commits; `seen` are the causes of the others."""

    state: S
    position: int
    cursor: str
    skipped: int
    seen: frozenset[str]


async def read(
    bus: Bus,
    store: Store,
    decider: Decider[S],
    stream: str,
    cause: Event | None = None,
    owner: str | None = None,
) -> Opened[S]:
    """A stream's state, from its newest snapshot on or from its start; `cause` is what it is read for.
    `owner` None means any owner. Raises `NotFound` as `Decider.open` does."""
    page = await bus.history(stream, limit=SHORT)
    if len(page.commits) == SHORT:
        found = await _recalled(bus, store, decider, stream, owner)
        if found is not None:
            return found
    state = await decider.open(stream, page.commits, cause)
    return await _read_on(bus, decider, stream, state, page.commits, page.cursor, 0)


async def _recalled(
    bus: Bus, store: Store, decider: Decider[S], stream: str, owner: str | None
) -> Opened[S] | None:
    document = await store.get(SNAPSHOT, stream, owner)
    body = document.body if document is not None else None
    if document is None or body is None or body["version"] != version(decider):
        return None
    # The commit it was taken behind is read again: a log that does not have it is another log.
    page = await bus.history(stream, cursor_at(body["position"]))
    last = page.commits[0] if page.commits else None
    if last is None or (last.position, last.cause.id) != (body["position"], body["cause_id"]):
        return None
    try:
        kept = adapter(decider).validate_json(body["state"])
    except ValueError:
        return None
    state = await decider.recall(kept)
    if decider.owner(state) != document.owner:
        return None
    later = page.commits[1:]
    state = fold(decider, state, later)
    return await _read_on(bus, decider, stream, state, later, page.cursor, last.position + 1)


async def _read_on(
    bus: Bus,
    decider: Decider[S],
    stream: str,
    state: S,
    commits: tuple[Commit, ...],
    cursor: str,
    skipped: int,
) -> Opened[S]:
    """To the stream's end; `commits` are in `state` already."""
    seen: set[str] = set()
    position = skipped
    while commits:
        seen.update(commit.cause.id for commit in commits)
        position += len(commits)
        page = await bus.history(stream, cursor)
        commits, cursor = page.commits, page.cursor
        state = fold(decider, state, commits)
    return Opened(state, position, cursor, skipped, frozenset(seen))


async def stands(bus: Bus, stream: str, opened: Opened[Any], event_id: str) -> bool:
    """Whether an event is among a stream's causes already."""
    if event_id in opened.seen:
        return True
    return opened.skipped > 0 and await bus.decided(stream, event_id)


# --- writing --------------------------------------------------------------------------------------


def interval(size: int) -> int:
    """How many commits later the next snapshot is due, after one of `size` bytes."""
    return max(EVERY, size // _BYTES_A_COMMIT)


def take(decider: Decider[S], state: S, last: Commit) -> tuple[Document | None, int]:
    """The snapshot of the state behind `last`, and its size in bytes. None when it would be too large, when
    there is nothing that should be kept, or when the state is not what JSON can hold."""
    owner, kept = decider.owner(state), decider.keep(state)
    if owner is None or kept is None:
        return None, 0
    try:
        plain = adapter(decider).dump_python(kept, exclude_defaults=True, warnings="error")
        # As in the log itself, so that it is read back as it would be from there.
        text = orjson.dumps(plain, default=_listed)
    except Exception as error:  # noqa: BLE001 - a cache that cannot be filled must stop no stream
        log.warning("snapshot.untaken", stream=last.stream, error=repr(error))
        return None, 0
    if len(text) > LARGEST:
        return None, len(text)
    body = {
        "version": version(decider),
        "position": last.position,
        "cause_id": last.cause.id,
        "state": text.decode(),
    }
    return Document(SNAPSHOT, last.stream, owner, body, position=last.position), len(text)


def _listed(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


# --- what a snapshot is made of -------------------------------------------------------------------


def version(decider: Decider[Any]) -> str:
    """What a snapshot must be of to be read: the fields, types and defaults of what is kept."""
    return _version(decider.keeps)


@cache
def _version(keeps: Any) -> str:
    shape = orjson.dumps([FOLDS, _adapted(keeps).json_schema()], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(shape).hexdigest()[:16]


def adapter(decider: Decider[Any]) -> TypeAdapter[Any]:
    return _adapted(decider.keeps)


@cache
def _adapted(keeps: Any) -> TypeAdapter[Any]:
    return TypeAdapter(keeps)
