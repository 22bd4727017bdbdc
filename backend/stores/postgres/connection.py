"""A PostgreSQL connection as jobs see it. Used inside a greenlet of SQLAlchemy's, where it blocks nobody."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from backend.stores.database import Dialect, Rows

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
    """`Connection` over SQLAlchemy's asyncpg adapter. `changes` counts rows written so far."""

    dialect = POSTGRES

    def __init__(self, adapted: Any) -> None:
        self._adapted = adapted
        self.changes = 0

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows:
        numbered, reads = _translated(sql)
        cursor: Any = self._adapted.cursor()
        cursor.execute(numbered, values)
        if not reads and cursor.rowcount > 0:
            self.changes += cursor.rowcount
        rows: Rows = cursor
        return rows

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> None:
        numbered, _ = _translated(sql)
        self._adapted.cursor().executemany(numbered, rows)
        self.changes += len(rows)

    def try_keys(self, keys: Sequence[str], /) -> list[str]:
        found = self.execute(_TRY, (list(keys), [number_of(key) for key in keys]))
        return [key for (key,) in found]


@cache
def _translated(sql: str) -> tuple[str, bool]:
    """With parameters as PostgreSQL numbers them, and whether it only reads."""
    count = itertools.count(1)
    numbered = re.sub(r"\?(\d*)", lambda mark: f"${mark[1] or next(count)}", sql)
    return numbered, sql.lstrip().startswith("SELECT")


def number_of(key: str) -> int:
    """The advisory lock of a key."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, salt=b"lightning")
    return int.from_bytes(digest.digest(), signed=True)


def numbers_of(keys: Iterable[str]) -> list[int]:
    """In one order everywhere, so that nobody waits for each other."""
    return sorted({number_of(key) for key in keys})
