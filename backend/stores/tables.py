"""The tables of a Lightning database, as the last of `migrations` leaves them; a test holds the two together.

Times are microseconds since 1970, UTC; bodies are JSON.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel

# On PostgreSQL sorted by their bytes, as on SQLite, whatever the database's language.
TEXT: Any = String().with_variant(Text(collation="C"), "postgresql")
NUMBER: Any = Integer().with_variant(BigInteger(), "postgresql")

ONLY_POSTGRESQL = {"only": "postgresql"}


def _text(**more: Any) -> Any:
    return Field(sa_type=TEXT, **more)


def _number(**more: Any) -> Any:
    return Field(sa_type=NUMBER, **more)


def _bytes() -> Any:
    return Field(sa_column=Column(LargeBinary, nullable=False))


def _index(name: str, *columns: str, where: str, **more: Any) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where), **more)


class Table(SQLModel):
    metadata = MetaData()


class Message(Table, table=True):
    """An event on its way. `due` 0 means now; `epoch` is the boot of the process that leases it."""

    __tablename__ = "messages"
    __table_args__ = (
        _index("messages_ready", "due", "seq", where="epoch IS NULL"),
        _index("messages_stream", "stream", "epoch", "due", where="stream IS NOT NULL"),
        _index("messages_epoch", "epoch", where="epoch IS NOT NULL", info=ONLY_POSTGRESQL),
    )

    seq: int = _number(primary_key=True)
    event_id: str = _text(unique=True)
    stream: str | None = _text(default=None)
    due: int = _number()
    epoch: int | None = _number(default=None)
    attempt: int = _number()
    body: bytes = _bytes()


class Entry(Table, table=True):
    """One commit of one stream."""

    __tablename__ = "log"
    __table_args__ = (Index("log_cause", "cause_id"),)

    stream: str = _text(primary_key=True)
    position: int = _number(primary_key=True)
    cause_id: str = _text()
    body: bytes = _bytes()


class Claim(Table, table=True):
    """An effect that was begun."""

    __tablename__ = "claims"
    __table_args__ = (Index("claims_stream", "stream"),)

    key: str = _text(primary_key=True)
    stream: str | None = _text(default=None)


class Dead(Table, table=True):
    """A message that could not be handled."""

    __tablename__ = "dead"
    __table_args__ = (Index("dead_stream", "stream"),)

    event_id: str = _text(primary_key=True)
    stream: str | None = _text(default=None)
    attempt: int = _number()
    died: int = _number()
    body: bytes = _bytes()
    error: bytes = _bytes()


class Owner(Table, table=True):
    """A process and how long its leases hold without another sign of life."""

    __tablename__ = "owners"
    __table_args__ = ({"sqlite_autoincrement": True},)

    epoch: int = _number(primary_key=True)
    name: str = _text(unique=True)
    alive_until: int = _number()


class Stored(Table, table=True):
    """A document. `searchable` 0: its words are not in `words` yet."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("documents_id", "kind", "id", unique=True),
        Index("documents_owner", "kind", "owner", "sort", "id"),
        Index("documents_owner_status", "kind", "owner", "status", "sort", "id"),
        Index("documents_parent", "kind", "parent", "sort", "id"),
        Index("documents_status", "kind", "status", "sort", "id"),
        Index("documents_sort", "kind", "sort", "id"),
        _index("documents_due", "kind", "due_at", where="due_at IS NOT NULL"),
        _index("documents_unsearchable", "kind", "owner", where="searchable = 0"),
    )

    number: int = _number(primary_key=True)
    kind: str = _text()
    id: str = _text()
    owner: str = _text()
    parent: str | None = _text(default=None)
    status: str | None = _text(default=None)
    sort: str = _text()
    due_at: int | None = _number(default=None)
    position: int | None = _number(default=None)
    etag: str = _text()
    searchable: int = _number()
    body: bytes = _bytes()


# SQLite has these in another form: words in a table of FTS5's, contents in a folder.


class Words(Table, table=True):
    """The words of a document, to be searched."""

    __tablename__ = "words"
    __table_args__ = (
        ForeignKeyConstraint(["number"], ["documents.number"], ondelete="CASCADE"),
        Index("words_text", "text", postgresql_using="gin"),
        {"info": ONLY_POSTGRESQL},
    )

    number: int = _number(primary_key=True)
    text: Any = Field(sa_column=Column(TSVECTOR, nullable=False))


class Content(Table, table=True):
    """A large value, its owner hashed."""

    __tablename__ = "contents"
    __table_args__ = ({"info": ONLY_POSTGRESQL},)

    owner: str = _text(primary_key=True)
    sha256: str = _text(primary_key=True)
    content: bytes = _bytes()
