"""The tables of both databases: made, taken over, and never touched when they are newer."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from backend.bus.sql import SqlBus
from backend.contracts.errors import LightningError
from backend.contracts.ports import Document, Output
from backend.stores import migrations
from backend.stores.database import HEAD
from backend.stores.folder import FolderBlobs
from backend.stores.postgres import Postgres
from backend.stores.sql import SqlStore
from backend.stores.sqlite import SCHEMA_VERSION, Sqlite
from backend.stores.tables import Table
from tests import postgres
from tests.conformance.adapters import event, receive_all

# What the last Lightning without versions made, word for word.
BEFORE = """
CREATE TABLE messages (seq INTEGER NOT NULL, event_id VARCHAR NOT NULL, stream VARCHAR, due INTEGER
  NOT NULL, epoch INTEGER, attempt INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (seq),
  UNIQUE (event_id));
CREATE INDEX messages_ready ON messages (due, seq) WHERE epoch IS NULL;
CREATE INDEX messages_stream ON messages (stream, epoch, due) WHERE stream IS NOT NULL;
CREATE TABLE log (stream VARCHAR NOT NULL, position INTEGER NOT NULL, cause_id VARCHAR NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY (stream, position));
CREATE INDEX log_cause ON log (cause_id);
CREATE TABLE claims ("key" VARCHAR NOT NULL, stream VARCHAR, PRIMARY KEY ("key"));
CREATE INDEX claims_stream ON claims (stream);
CREATE TABLE dead (event_id VARCHAR NOT NULL, stream VARCHAR, attempt INTEGER NOT NULL, died INTEGER
  NOT NULL, body BLOB NOT NULL, error BLOB NOT NULL, PRIMARY KEY (event_id));
CREATE INDEX dead_stream ON dead (stream);
CREATE TABLE owners (epoch INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name VARCHAR NOT NULL,
  alive_until INTEGER NOT NULL, UNIQUE (name));
CREATE TABLE documents (number INTEGER NOT NULL, kind VARCHAR NOT NULL, id VARCHAR NOT NULL, owner
  VARCHAR NOT NULL, parent VARCHAR, status VARCHAR, sort VARCHAR NOT NULL, due_at INTEGER, position
  INTEGER, etag VARCHAR NOT NULL, searchable INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (number));
CREATE INDEX documents_due ON documents (kind, due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX documents_id ON documents (kind, id);
CREATE INDEX documents_owner ON documents (kind, owner, sort, id);
CREATE INDEX documents_owner_status ON documents (kind, owner, status, sort, id);
CREATE INDEX documents_parent ON documents (kind, parent, sort, id);
CREATE INDEX documents_sort ON documents (kind, sort, id);
CREATE INDEX documents_status ON documents (kind, status, sort, id);
CREATE INDEX documents_unsearchable ON documents (kind, owner) WHERE searchable = 0;
CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'unicode61 remove_diacritics 2');
PRAGMA user_version = 1;
"""
FTS = ("words", "words_config", "words_content", "words_data", "words_docsize", "words_idx")


def test_the_version_the_code_works_with_is_the_last_of_the_migrations() -> None:
    assert migrations.__file__ is not None
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_current_head() == HEAD


def differences(connection: Connection) -> list[Any]:
    def compared(item: Any, name: str | None, _: str, reflected: bool, __: object) -> bool:
        if reflected:
            return connection.dialect.name == "postgresql" or name not in FTS
        return bool(item.info.get("only", connection.dialect.name) == connection.dialect.name)

    options = {"compare_type": True, "include_object": compared}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, Table.metadata))


async def test_on_sqlite_the_migrations_make_the_declared_tables(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "lightning.db")
    await database.start()
    await database.close()
    engine = create_engine(f"sqlite:///{database.path}")
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


async def test_on_postgresql_the_migrations_make_the_declared_tables() -> None:
    with postgres.no_tables() as url:
        database = Postgres(url)
        await database.start()
        await database.close()
        engine = create_async_engine(url.replace("postgresql", "postgresql+asyncpg"))
        async with engine.connect() as connection:
            found = await connection.run_sync(differences)
        await engine.dispose()
    assert found == []


async def test_a_database_from_before_versions_is_taken_over_with_all_that_is_in_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "lightning.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(BEFORE)
    kept = Output(event("thing.asked"), "work")
    for _ in range(2):
        database = Sqlite(path)
        await database.start()
        bus, store = SqlBus(database, blobs=FolderBlobs(tmp_path / "blobs")), SqlStore(database)
        await bus.start()
        await bus.publish([kept])
        await store.put(Document("plan", "1", "ann", {"title": "weather"}))
        await bus.close()
        await database.close()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DROP TABLE alembic_version")
            connection.commit()
    database = Sqlite(path)
    await database.start()
    bus, store = SqlBus(database, blobs=FolderBlobs(tmp_path / "blobs")), SqlStore(database)
    await bus.start()
    assert [d.event for d in await receive_all(bus)] == [kept.event]
    assert [d.id for d in await store.search("plan", "weather", owner="ann")] == ["1"]
    assert await database.read(versions) == {"alembic": HEAD, "user": SCHEMA_VERSION}
    await bus.close()
    await database.close()


def versions(connection: Any) -> Mapping[str, Any]:
    (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    (before,) = connection.execute("PRAGMA user_version").fetchone()
    return {"alembic": found, "user": before}


async def test_a_newer_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "lightning.db"
    database = Sqlite(path)
    await database.start()
    await database.write(lambda c: c.execute("UPDATE alembic_version SET version_num = '0099'"))
    await database.close()
    with pytest.raises(LightningError) as refused:
        await Sqlite(path).start()
    assert refused.value.code == "EXEC_DATABASE_NEWER"
    assert "0099" in refused.value.message and HEAD in refused.value.message
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0099",)


async def test_a_newer_database_on_a_server_is_refused(tmp_path: Path) -> None:
    with postgres.no_tables() as url:
        database = Postgres(url)
        await database.start()
        await database.close()
        postgres.execute(url, "UPDATE alembic_version SET version_num = '0099'")
        with pytest.raises(LightningError) as refused:
            await Postgres(url).start()
    assert refused.value.code == "EXEC_DATABASE_NEWER"
    assert "0099" in refused.value.message and HEAD in refused.value.message


async def test_of_several_that_start_at_once_on_a_server_one_makes_the_tables() -> None:
    with postgres.no_tables() as url:
        databases = [Postgres(url) for _ in range(4)]
        await asyncio.gather(*(database.start() for database in databases))
        await asyncio.gather(*(database.close() for database in databases))


async def test_a_start_with_the_tables_in_place_does_not_wait_for_large_imports(
    tmp_path: Path,
) -> None:
    database = Sqlite(tmp_path / "lightning.db")
    await database.start()
    await database.close()
    code = (
        "import asyncio, pathlib, sys\n"
        "from backend.stores.sqlite import Sqlite\n"
        "async def main():\n"
        f"    database = Sqlite(pathlib.Path({str(database.path)!r}))\n"
        "    await database.start(); await database.close()\n"
        "asyncio.run(main())\n"
        "print(sorted({'alembic', 'sqlalchemy', 'sqlmodel', 'asyncpg'} & set(sys.modules)))"
    )
    said = await asyncio.to_thread(subprocess.check_output, [sys.executable, "-c", code], text=True)
    assert said.strip() == "[]"
