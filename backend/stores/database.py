"""What the bus and the store ask of a SQL database, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")

HEAD = "0001"
"""The version of the tables that this code works with: the last one in `migrations/versions`."""


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """Where the databases' SQL differs. `alone`: a transaction that writes is the only one that does.

    `texts` and `numbers` follow a column and say "one of these", `each` is a table with a column
    `value`; all three take one parameter, made by `array`.
    """

    name: Literal["sqlite", "postgresql"]
    alone: bool
    texts: str
    numbers: str
    each: str
    array: Callable[[Sequence[Any]], Any]


class Rows(Protocol):
    """What a statement gave: rows to read once, and how many rows it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


Query = tuple[str, Sequence[Any]]
"""SQL and its parameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Insert:
    """New rows: `into` is a table with its columns, `types` are theirs on a server, `rest` says what
    becomes of a row that is there already."""

    into: str
    types: tuple[str, ...]
    rest: str = ""


Write = Query | tuple[Insert, Sequence[tuple[Any, ...]]]
"""A statement that writes, or rows to insert: one or more."""


class Connection(Protocol):
    """A connection inside a transaction. Parameters are marked `?`, in order. To a server each call is
    one way there and back, however much it carries."""

    @property
    def dialect(self) -> Dialect: ...

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Rows: ...

    def ask(self, queries: Sequence[Query], /) -> Sequence[Sequence[Any]]:
        """The rows that each query finds."""
        ...

    def write(self, writes: Sequence[Write], /) -> Sequence[int]:
        """How many rows each has changed. None may depend on what another one does: they may be done
        at once."""
        ...

    def tell(self, topics: Iterable[str], /) -> None:
        """Once this is committed, other processes hear of these."""
        ...

    def try_keys(self, keys: Sequence[str], /) -> list[str]:
        """Those of the keys that this transaction has or could get without waiting."""
        ...


Job = Callable[[Connection], T]


class Raced(Exception):
    """Another transaction changed what a job had looked at: the job is run again."""


class Name(Protocol):
    """A name that no other process has, for as long as this process lives or until it is let go."""

    @property
    def lost(self) -> bool:
        """Whether another process may have it now although it was not let go."""
        ...

    async def leave(self) -> None: ...


class Database(Protocol):
    """A SQL database, shared by the bus and the store, and by several processes if need be.

    `write(job, keys)` runs `job` in one transaction with whatever else waits. What is done under the
    same key (a stream's name, mostly) by several processes is done one after the other, and a job
    sees all that was done under its keys before. A job may be run a second time after a rollback, so
    what it does must be in the database or its result. A job that raises changes nothing and never
    fails its neighbours. `read(query)` runs on one snapshot. Both raise `Unavailable` when the
    database does not answer; then nothing was done.
    """

    @property
    def dialect(self) -> Dialect: ...

    async def start(self) -> None:
        """Open, and bring the tables up to date. Raises `LightningError` when that cannot be, with
        code EXEC_DATABASE_NEWER when they were made by a newer Lightning."""
        ...

    async def close(self) -> None:
        """Finish what waits, then close. Closing twice is harmless."""
        ...

    def on_elsewhere(self, callback: Callable[[Collection[str] | None], None]) -> None:
        """Call `callback` on the loop when another process has committed something: with the topics
        that its jobs told of, or None where it may be any."""
        ...

    async def write(self, job: Job[T], keys: Collection[str] = ()) -> T: ...

    async def read(self, query: Job[T]) -> T: ...

    async def take_name(self, name: str) -> Name | None:
        """None when another process has it."""
        ...
