"""Documents inside a transaction: shared by the store and the bus."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from backend.contracts.errors import Conflict
from backend.contracts.ports import Document
from backend.stores.database import Connection, Dialect, Insert, Query, Raced, Write
from backend.stores.encoding import encode

COLUMNS = "kind, id, owner, parent, status, sort, due_at, position, etag, body"
_TYPES = ("text",) * 6 + ("bigint", "bigint", "text", "bytea", "bigint")
_UPDATES = ", ".join(
    f"{column} = excluded.{column}" for column in [*COLUMNS.split(", ")[2:], "searchable"]
)
_INTO = f"documents ({COLUMNS}, searchable)"
_PUT = Insert(_INTO, _TYPES, f"ON CONFLICT (kind, id) DO UPDATE SET {_UPDATES}")
_PUT_AMONG_OTHERS = (
    f"INSERT INTO {_INTO} SELECT * FROM unnest({', '.join(f'?::{type}[]' for type in _TYPES)}) "
    f"{_PUT.rest} WHERE documents.etag = ANY(?::text[])"
)
_FORGET_WORDS = (
    "DELETE FROM words WHERE rowid = (SELECT number FROM documents WHERE kind = ? AND id = ?)"
)
_DELETE = "DELETE FROM documents WHERE kind = ? AND id = ?"
_DELETE_AMONG_OTHERS = (
    "DELETE FROM documents USING unnest(?::text[], ?::text[], ?::text[]) AS gone(kind, id, etag) "
    "WHERE documents.kind = gone.kind AND documents.id = gone.id AND documents.etag = gone.etag"
)
_FIND = "SELECT kind, id, owner, etag, position FROM documents WHERE kind = ? AND id = ?"
_FIND_ALL = (
    "SELECT kind, id, owner, etag, position FROM documents "
    "JOIN unnest(?::text[], ?::text[]) AS wanted(kind, id) USING (kind, id)"
)
_START = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970. Raises `ValueError` for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone")
    return (moment - _START) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    return _START + timedelta(microseconds=value)


def body_of(document: Document) -> bytes:
    """The body's JSON. Raises `Invalid` when it is not JSON."""
    return b"" if document.body is None else encode(document.body)


def from_row(row: tuple[Any, ...]) -> Document:
    kind, id, owner, parent, status, sort, due_at, position, etag, body = row
    return Document(
        kind,
        id,
        owner,
        orjson.loads(body),
        parent,
        status,
        sort,
        None if due_at is None else moment(due_at),
        position,
        etag,
    )


class Envelope(NamedTuple):
    """What decides whether a stored document may be replaced."""

    owner: str
    etag: str
    position: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """A document to write or, without a body, to delete. `etag` is its new one; `replaces` that of the
    stored one."""

    document: Document
    body: bytes
    etag: str
    replaces: str | None


Key = tuple[str, str]


def get(connection: Connection, kind: str, id: str) -> Document | None:
    row = connection.execute(
        f"SELECT {COLUMNS} FROM documents WHERE kind = ? AND id = ?", (kind, id)
    ).fetchone()
    return None if row is None else from_row(row)


def look(connection: Connection, keys: Collection[Key]) -> dict[Key, Envelope]:
    """The envelopes of those that are stored, by kind and id."""
    answers = connection.ask(queries(connection.dialect, keys))
    return envelopes(row for rows in answers for row in rows)


def queries(dialect: Dialect, keys: Collection[Key]) -> list[Query]:
    """What finds rows for `envelopes`."""
    if dialect.alone:
        return [(_FIND, key) for key in keys]
    return [(_FIND_ALL, ([kind for kind, _ in keys], [id for _, id in keys]))]


def envelopes(rows: Iterable[Any]) -> dict[Key, Envelope]:
    return {(kind, id): Envelope(*rest) for kind, id, *rest in rows}


def check(document: Document, found: Envelope | None, *, create: bool = False) -> None:
    """Raises `Conflict` when what is stored may not be replaced by the document."""
    if found is not None and (create or found.owner != document.owner):
        raise Conflict(f"There is a {document.kind} {document.id} already.")
    if document.etag is not None and (found is None or found.etag != document.etag):
        raise Conflict(f"The {document.kind} {document.id} has changed since it was read.")


def is_late(document: Document, found: Envelope | None) -> bool:
    """Whether what is stored already follows from this commit or a later one."""
    return (
        found is not None
        and found.position is not None
        and document.position is not None
        and document.position <= found.position
    )


def change(document: Document, body: bytes, found: Envelope | None) -> Change:
    replaces = None if found is None else found.etag
    return Change(document, body, os.urandom(8).hex(), replaces)


def write(connection: Connection, changes: Collection[Change], also: Sequence[Write] = ()) -> None:
    """Each document once, and what else there is to write. Raises `Raced` when a document is no longer
    what it replaces."""
    dialect = connection.dialect
    kept = [c for c in changes if c.document.body is not None]
    gone = [c for c in changes if c.document.body is None and c.replaces is not None]
    writes = _alone(kept, gone) if dialect.alone else _among_others(kept, gone)
    done = connection.write([*writes, *also])
    if not dialect.alone and sum(done[: len(writes)]) != len(kept) + len(gone):
        raise Raced


def _alone(kept: Sequence[Change], gone: Sequence[Change]) -> list[Write]:
    keys = [(change.document.kind, change.document.id) for change in gone]
    writes: list[Write] = [(sql, key) for key in keys for sql in (_FORGET_WORDS, _DELETE)]
    if kept:
        writes.append((_PUT, [_row(each) for each in kept]))
    return writes


def _among_others(kept: list[Change], gone: Sequence[Change]) -> list[Write]:
    writes: list[Write] = []
    if gone:
        rows = [(c.document.kind, c.document.id, c.replaces) for c in gone]
        writes.append((_DELETE_AMONG_OTHERS, _columns(rows)))
    if kept:
        # In one order everywhere, so that nobody waits for each other.
        kept.sort(key=lambda c: (c.document.kind, c.document.id))
        replaced = [c.replaces for c in kept if c.replaces is not None]
        columns = _columns([_row(each) for each in kept])
        writes.append((_PUT_AMONG_OTHERS, (*columns, replaced)))
    return writes


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _row(change: Change) -> tuple[Any, ...]:
    document = change.document
    return (
        document.kind,
        document.id,
        document.owner,
        document.parent,
        document.status,
        document.sort,
        None if document.due_at is None else micros(document.due_at),
        document.position,
        change.etag,
        change.body,
        0,
    )


def stored(change: Change) -> Document:
    """The document as it is read from now on."""
    return replace(change.document, etag=change.etag if change.document.body is not None else None)


def text_of(body: Mapping[str, Any]) -> str:
    """Every text value of the body, for the search."""
    found: list[str] = []
    waiting: list[Any] = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, Mapping):
            waiting.extend(reversed(list(value.values())))
        elif isinstance(value, (list, tuple)):
            waiting.extend(reversed(value))
    return "\n".join(found)
