"""The tables of one Lightning database. A change here raises `database.SCHEMA_VERSION`.

Times are microseconds since 1970, UTC; bodies are JSON.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, MetaData, text
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import Field, SQLModel


class Table(SQLModel):
    metadata = MetaData()


class Message(Table, table=True):
    """An event on its way. `due` 0 means now; `epoch` is the boot of the process that leases it."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_ready", "due", "seq", sqlite_where=text("epoch IS NULL")),
        Index("messages_stream", "stream", "epoch", "due", sqlite_where=text("stream IS NOT NULL")),
    )

    seq: int = Field(primary_key=True)
    event_id: str = Field(unique=True)
    stream: str | None = None
    due: int
    epoch: int | None = None
    attempt: int
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Entry(Table, table=True):
    """One commit of one stream."""

    __tablename__ = "log"
    __table_args__ = (Index("log_cause", "cause_id"),)

    stream: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    cause_id: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Claim(Table, table=True):
    """An effect that was begun."""

    __tablename__ = "claims"
    __table_args__ = (Index("claims_stream", "stream"),)

    key: str = Field(primary_key=True)
    stream: str | None = None


class Dead(Table, table=True):
    """A message that could not be handled."""

    __tablename__ = "dead"
    __table_args__ = (Index("dead_stream", "stream"),)

    event_id: str = Field(primary_key=True)
    stream: str | None = None
    attempt: int
    died: int
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    error: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Owner(Table, table=True):
    """A process and how long its leases hold without another sign of life."""

    __tablename__ = "owners"
    __table_args__ = ({"sqlite_autoincrement": True},)

    epoch: int = Field(primary_key=True)
    name: str = Field(unique=True)
    alive_until: int


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
        Index("documents_due", "kind", "due_at", sqlite_where=text("due_at IS NOT NULL")),
        Index("documents_unsearchable", "kind", "owner", sqlite_where=text("searchable = 0")),
    )

    number: int = Field(primary_key=True)
    kind: str
    id: str
    owner: str
    parent: str | None = None
    status: str | None = None
    sort: str
    due_at: int | None = None
    position: int | None = None
    etag: str
    searchable: int
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


WORDS = "CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'unicode61 remove_diacritics 2')"


def schema() -> list[str]:
    """The statements that make an empty database, in order."""
    from sqlalchemy.dialects import sqlite

    dialect = sqlite.dialect()
    statements = []
    for table in Table.metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
    return [*statements, WORDS]
