"""Documents inside a transaction: shared by the store and the bus."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from backend.contracts.errors import Conflict
from backend.contracts.ports import Document
from backend.stores.encoding import encode

COLUMNS = "kind, id, owner, parent, status, sort, due_at, position, etag, body"
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


def get(connection: sqlite3.Connection, kind: str, id: str) -> Document | None:
    row = connection.execute(
        f"SELECT {COLUMNS} FROM documents WHERE kind = ? AND id = ?", (kind, id)
    ).fetchone()
    return None if row is None else from_row(row)


def check(
    connection: sqlite3.Connection, document: Document, *, create: bool = False
) -> tuple[Any, ...] | None:
    """What is stored now: (owner, etag, position). Raises `Conflict` when it may not be replaced."""
    found = _envelope(connection, document)
    if create and found is not None:
        raise Conflict(f"There is a {document.kind} {document.id} already.")
    if found is not None and found[0] != document.owner:
        raise Conflict(f"There is a {document.kind} {document.id} already.")
    if document.etag is not None and (found is None or found[1] != document.etag):
        raise Conflict(f"The {document.kind} {document.id} has changed since it was read.")
    return found


def _envelope(connection: sqlite3.Connection, document: Document) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = connection.execute(
        "SELECT owner, etag, position FROM documents WHERE kind = ? AND id = ?",
        (document.kind, document.id),
    ).fetchone()
    return row


def settle(connection: sqlite3.Connection, document: Document, body: bytes) -> None:
    """Write a document that was checked, unless what is stored follows from a later commit."""
    if not is_late(document, _envelope(connection, document)):
        write(connection, document, body)


def is_late(document: Document, found: tuple[Any, ...] | None) -> bool:
    """Whether what is stored already follows from this commit or a later one."""
    return (
        found is not None
        and found[2] is not None
        and document.position is not None
        and document.position <= found[2]
    )


def write(connection: sqlite3.Connection, document: Document, body: bytes) -> Document:
    """Write, without any check. Returns the document with its new etag."""
    if document.body is None:
        remove(connection, document.kind, document.id)
        return replace(document, etag=None)
    etag = os.urandom(8).hex()
    connection.execute(
        f"INSERT INTO documents ({COLUMNS}, searchable) VALUES (?,?,?,?,?,?,?,?,?,?,0) "
        "ON CONFLICT (kind, id) DO UPDATE SET parent = excluded.parent, status = excluded.status, "
        "sort = excluded.sort, due_at = excluded.due_at, position = excluded.position, "
        "etag = excluded.etag, body = excluded.body, searchable = 0",
        (
            document.kind,
            document.id,
            document.owner,
            document.parent,
            document.status,
            document.sort,
            None if document.due_at is None else micros(document.due_at),
            document.position,
            etag,
            body,
        ),
    )
    return replace(document, etag=etag)


def remove(connection: sqlite3.Connection, kind: str, id: str) -> None:
    connection.execute(
        "DELETE FROM words WHERE rowid = (SELECT number FROM documents WHERE kind = ? AND id = ?)",
        (kind, id),
    )
    connection.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, id))


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
