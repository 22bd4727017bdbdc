"""The words of documents: FTS5's index on SQLite, text search vectors on PostgreSQL."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import orjson

from backend.stores.database import Connection
from backend.stores.documents import COLUMNS, text_of

_BATCH = 500
_TERMS = 50
_MAX_CHARACTERS = 250_000
"""Of a document on PostgreSQL, which takes a vector of 1 MB at most."""
_WAITING = "FROM documents WHERE kind = ? AND owner = ? AND searchable = 0"


def terms(words: str) -> list[str]:
    """What to look for. Nothing a person types is taken for an index's query language."""
    return re.findall(r"\w+", words)[:_TERMS]


def waits(connection: Connection, kind: str, owner: str) -> bool:
    """Whether there are documents whose words are not in the index."""
    return connection.execute(f"SELECT 1 {_WAITING} LIMIT 1", (kind, owner)).fetchone() is not None


def index(connection: Connection, kind: str, owner: str) -> None:
    """Put some of them in."""
    found = connection.execute(
        f"SELECT number, etag, body {_WAITING} LIMIT {_BATCH}", (kind, owner)
    ).fetchall()
    texts = [(number, etag, text_of(orjson.loads(body))) for number, etag, body in found]
    if connection.dialect.alone:
        _index_alone(connection, texts)
    else:
        _index_among_others(connection, texts)


def find(
    connection: Connection, kind: str, owner: str, terms: Sequence[str], limit: int
) -> list[Any]:
    """The rows of the documents that have one of the terms, best first."""
    if connection.dialect.alone:
        wanted = " OR ".join(f'"{term}"' for term in terms)
        sql = (
            f"SELECT {COLUMNS} FROM documents JOIN words ON words.rowid = documents.number "
            "WHERE words MATCH ? AND kind = ? AND owner = ? ORDER BY words.rank LIMIT ?"
        )
        return connection.execute(sql, (wanted, kind, owner, limit)).fetchall()
    wanted = " | ".join(word for term in terms for word in _plain(term).split())
    sql = (
        f"SELECT {COLUMNS} FROM documents JOIN words USING (number), "
        "to_tsquery('simple', ?) AS wanted WHERE words.text @@ wanted AND kind = ? AND owner = ? "
        "ORDER BY ts_rank(words.text, wanted, 1) DESC, number LIMIT ?"
    )
    return connection.execute(sql, (wanted, kind, owner, limit)).fetchall()


def _index_alone(connection: Connection, texts: Sequence[tuple[int, str, str]]) -> None:
    for number, _, text in texts:
        connection.execute("DELETE FROM words WHERE rowid = ?", (number,))
        connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, text))
        connection.execute("UPDATE documents SET searchable = 1 WHERE number = ?", (number,))


def _index_among_others(connection: Connection, texts: Sequence[tuple[int, str, str]]) -> None:
    numbers = [number for number, _, _ in texts]
    connection.execute(
        "INSERT INTO words (number, text) SELECT number, to_tsvector('simple', text) "
        "FROM unnest(?::bigint[], ?::text[]) AS found(number, text) "
        "ON CONFLICT (number) DO UPDATE SET text = excluded.text",
        (numbers, [_plain(text) for _, _, text in texts]),
    )
    # One that was changed meanwhile has new words, and stays to be done again.
    connection.execute(
        "UPDATE documents SET searchable = 1 FROM unnest(?::bigint[], ?::text[]) "
        "AS done(number, etag) WHERE documents.number = done.number AND documents.etag = done.etag",
        (numbers, [etag for _, etag, _ in texts]),
    )


def _plain(text: str) -> str:
    """Words and spaces, without accents, as FTS5 has them by itself: what is left means the same to
    PostgreSQL's parser in a document and in a query."""
    spread = unicodedata.normalize("NFKD", text[:_MAX_CHARACTERS]).lower()
    bare = "".join(c for c in spread if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", bare))[:_MAX_CHARACTERS]
