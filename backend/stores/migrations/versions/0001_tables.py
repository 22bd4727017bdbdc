"""Log, queue and documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.String().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    _messages()
    _log()
    _owners()
    _documents()
    if op.get_bind().dialect.name == "postgresql":
        _words_and_contents()
    else:
        op.execute(
            "CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'unicode61 remove_diacritics 2')"
        )
        # Lightnings from before there were versions look at it.
        op.execute("PRAGMA user_version = 1")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, NUMBER, nullable=null)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _index(
    name: str, table: str, *columns: str, where: str | None = None, unique: bool = False
) -> None:
    some = None if where is None else sa.text(where)
    op.create_index(
        name, table, list(columns), unique=unique, sqlite_where=some, postgresql_where=some
    )


def _messages() -> None:
    op.create_table(
        "messages",
        _number("seq"),
        _text("event_id"),
        _text("stream", null=True),
        _number("due"),
        _number("epoch", null=True),
        _number("attempt"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("event_id"),
    )
    _index("messages_ready", "messages", "due", "seq", where="epoch IS NULL")
    where = "stream IS NOT NULL"
    _index("messages_stream", "messages", "stream", "epoch", "due", where=where)


def _log() -> None:
    op.create_table(
        "log",
        _text("stream"),
        _number("position"),
        _text("cause_id"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("stream", "position"),
    )
    _index("log_cause", "log", "cause_id")
    op.create_table(
        "claims", _text("key"), _text("stream", null=True), sa.PrimaryKeyConstraint("key")
    )
    _index("claims_stream", "claims", "stream")
    op.create_table(
        "dead",
        _text("event_id"),
        _text("stream", null=True),
        _number("attempt"),
        _number("died"),
        _bytes("body"),
        _bytes("error"),
        sa.PrimaryKeyConstraint("event_id"),
    )
    _index("dead_stream", "dead", "stream")


def _owners() -> None:
    op.create_table(
        "owners",
        _number("epoch"),
        _text("name"),
        _number("alive_until"),
        sa.PrimaryKeyConstraint("epoch"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )


def _documents() -> None:
    op.create_table(
        "documents",
        _number("number"),
        _text("kind"),
        _text("id"),
        _text("owner"),
        _text("parent", null=True),
        _text("status", null=True),
        _text("sort"),
        _number("due_at", null=True),
        _number("position", null=True),
        _text("etag"),
        _number("searchable"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("number"),
    )
    _index("documents_due", "documents", "kind", "due_at", where="due_at IS NOT NULL")
    _index("documents_id", "documents", "kind", "id", unique=True)
    _index("documents_owner", "documents", "kind", "owner", "sort", "id")
    _index("documents_owner_status", "documents", "kind", "owner", "status", "sort", "id")
    _index("documents_parent", "documents", "kind", "parent", "sort", "id")
    _index("documents_sort", "documents", "kind", "sort", "id")
    _index("documents_status", "documents", "kind", "status", "sort", "id")
    _index("documents_unsearchable", "documents", "kind", "owner", where="searchable = 0")


def _words_and_contents() -> None:
    from sqlalchemy.dialects.postgresql import TSVECTOR

    # A queue: most of its rows are dead soon.
    op.execute(
        "ALTER TABLE messages SET (fillfactor = 70, "
        "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000)"
    )
    # To find what a process had leased that no longer counts as one.
    _index("messages_epoch", "messages", "epoch", where="epoch IS NOT NULL")
    op.create_table(
        "words",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("text", TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.ForeignKeyConstraint(["number"], ["documents.number"], ondelete="CASCADE"),
    )
    op.create_index("words_text", "words", ["text"], postgresql_using="gin")
    op.create_table(
        "contents",
        _text("owner"),
        _text("sha256"),
        _bytes("content"),
        sa.PrimaryKeyConstraint("owner", "sha256"),
    )
