"""A PostgreSQL connection as jobs see it. Used inside a greenlet of SQLAlchemy's, where it blocks nobody."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from backend.stores.database import Dialect, Insert, Query, Rows, Write

POSTGRES = Dialect(
    "postgresql",
    alone=False,
    texts="= ANY(?::text[])",
    numbers="= ANY(?::bigint[])",
    each="unnest(?::text[]) AS each(value)",
    array=list,
)

_TRY = (
    "SELECT name FROM unnest(?::text[], ?::bigint[]) AS wanted(name, key) "
    "WHERE pg_try_advisory_xact_lock(key)"
)


class PostgresConnection:
    """`Connection` over SQLAlchemy's asyncpg adapter. `changes` counts rows written so far; `told` is what
    other processes are to hear of."""

    dialect = POSTGRES

    def __init__(self, adapted: Any) -> None:
        self._adapted = adapted
        self.changes = 0
        self.told: set[str] = set()

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows:
        rows = self._run(_numbered(sql), values)
        if not _reads(sql) and rows.rowcount > 0:
            self.changes += rows.rowcount
        return rows

    def ask(self, queries: Sequence[Query], /) -> Sequence[Sequence[Any]]:
        if not queries:
            return []
        sql = _asking(tuple(sql for sql, _ in queries))
        answers: Sequence[Sequence[Any]] = self._run(sql, _flat(queries)).fetchone()
        return answers

    def write(self, writes: Sequence[Write], /) -> Sequence[int]:
        if not writes:
            return []
        queries = [_query(write) for write in writes]
        sql = _writing(tuple(sql for sql, _ in queries))
        counts: Sequence[int] = self._run(sql, _flat(queries)).fetchone()
        self.changes += sum(counts)
        return counts

    def tell(self, topics: Iterable[str], /) -> None:
        self.told.update(topics)

    def try_keys(self, keys: Sequence[str], /) -> list[str]:
        found = self.execute(_TRY, (list(keys), [number_of(key) for key in keys]))
        return [key for (key,) in found]

    def _run(self, numbered: str, values: Sequence[Any]) -> Rows:
        cursor: Any = self._adapted.cursor()
        cursor.execute(numbered, values)
        rows: Rows = cursor
        return rows


def _query(write: Write) -> Query:
    what, rows = write
    if isinstance(what, Insert):
        return _inserting(what), [list(column) for column in zip(*rows, strict=True)]
    return what, rows


@cache
def _inserting(insert: Insert) -> str:
    """With a parameter for all values of a column."""
    columns = ", ".join(f"?::{type}[]" for type in insert.types)
    return f"INSERT INTO {insert.into} SELECT * FROM unnest({columns}) {insert.rest}"


def _flat(queries: Sequence[Query]) -> list[Any]:
    return [value for _, values in queries for value in values]


# What is asked or written together is one statement, so that it is one way there and back.


@cache
def _asking(queries: tuple[str, ...]) -> str:
    """A row with an array of records for each."""
    parts = (f"ARRAY(SELECT found FROM ({sql}) AS found)" for sql in _one_after_another(queries))
    return f"SELECT {', '.join(parts)}"


@cache
def _writing(queries: tuple[str, ...]) -> str:
    """A row with a count for each."""
    parts = [f"w{n} AS ({sql} RETURNING 1)" for n, sql in enumerate(_one_after_another(queries))]
    counts = (f"(SELECT count(*) FROM w{n})" for n in range(len(parts)))
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"


def _one_after_another(queries: Iterable[str]) -> Iterator[str]:
    """Each with the numbers of its parameters behind those of the ones before."""
    before = 0
    for sql in queries:
        yield _numbered(sql, before)
        before += max(map(int, re.findall(r"\$(\d+)", _numbered(sql))), default=0)


@cache
def _numbered(sql: str, before: int = 0) -> str:
    """With parameters as PostgreSQL numbers them."""
    count = itertools.count(1)
    return re.sub(r"\?(\d*)", lambda mark: f"${int(mark[1] or next(count)) + before}", sql)


@cache
def _reads(sql: str) -> bool:
    return sql.lstrip().startswith("SELECT")


def number_of(key: str) -> int:
    """The advisory lock of a key."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, salt=b"lightning")
    return int.from_bytes(digest.digest(), signed=True)


def numbers_of(keys: Iterable[str]) -> list[int]:
    """In one order everywhere, so that nobody waits for each other."""
    return sorted({number_of(key) for key in keys})
