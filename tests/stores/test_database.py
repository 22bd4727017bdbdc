"""The SQLite file: group commit, isolation of jobs, two processes, full disks, versions."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from backend.contracts.errors import Conflict, LightningError, Unavailable
from backend.stores.sqlite import SCHEMA_VERSION, Sqlite

Job = Callable[[sqlite3.Connection], object]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Sqlite]:
    made = Sqlite(tmp_path / "lightning.db")
    await made.start()
    await made.write(lambda connection: connection.execute("CREATE TABLE t (a UNIQUE, b)"))
    yield made
    await made.close()


def insert(a: object, b: object = "") -> Job:
    def job(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (?, ?)", (a, b))

    return job


def rows(connection: sqlite3.Connection) -> list[object]:
    return [row[0] for row in connection.execute("SELECT a FROM t ORDER BY rowid")]


class Gate:
    """A job that holds the writer until it is opened, so that others gather behind it."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._opened = threading.Event()

    def __call__(self, connection: sqlite3.Connection) -> None:
        self._entered.set()
        assert self._opened.wait(30)

    async def entered(self) -> None:
        assert await asyncio.to_thread(self._entered.wait, 30)

    def open(self) -> None:
        self._opened.set()


async def together(database: Sqlite, *jobs: Job) -> list[object]:
    """The jobs' results or errors, when all of them waited for the writer at once."""
    gate = Gate()
    held = asyncio.create_task(database.write(gate))
    await gate.entered()
    waiting = [asyncio.create_task(database.write(job)) for job in jobs]
    await asyncio.sleep(0)
    gate.open()
    await held
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_what_waits_is_committed_together(database: Sqlite) -> None:
    statements: list[str] = []
    await database.write(lambda connection: connection.set_trace_callback(statements.append))
    await together(database, *(insert(n) for n in range(100)))
    assert statements.count("COMMIT") <= 3
    assert await database.read(rows) == list(range(100))


async def test_a_failing_job_changes_nothing_and_fails_alone(database: Sqlite) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO t VALUES ('half', '')")
        raise RuntimeError("half way")

    def refused(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO t VALUES ('refused', '')")
        raise Conflict("no")

    results = await together(database, insert(1), half, insert(1), insert(2), refused, insert(3))
    kinds = [type(result) for result in results]
    nothing = type(None)
    assert kinds == [
        nothing,
        RuntimeError,
        sqlite3.IntegrityError,
        nothing,
        Conflict,
        nothing,
    ]
    assert await database.read(rows) == [1, 2, 3]


async def test_a_refusal_before_any_change_costs_its_neighbours_nothing(
    database: Sqlite,
) -> None:
    statements: list[str] = []
    await database.write(lambda connection: connection.set_trace_callback(statements.append))

    def refused(connection: sqlite3.Connection) -> None:
        raise Conflict("no")

    results = await together(database, insert(1), refused, insert(2))
    assert [type(result) for result in results] == [type(None), Conflict, type(None)]
    assert "ROLLBACK" not in statements


async def test_reading_does_not_wait_for_the_writer(database: Sqlite) -> None:
    await database.write(insert(1))
    gate = Gate()
    held = asyncio.create_task(database.write(gate))
    await gate.entered()
    assert await database.read(rows) == [1]
    gate.open()
    await held


async def test_a_reader_cannot_write(database: Sqlite) -> None:
    with pytest.raises(Unavailable):
        await database.read(insert(1))
    assert await database.read(rows) == []


async def test_a_cancelled_write_hurts_nobody(database: Sqlite) -> None:
    gate = Gate()
    held = asyncio.create_task(database.write(gate))
    await gate.entered()
    cancelled = asyncio.create_task(database.write(insert(1)))
    await asyncio.sleep(0)
    cancelled.cancel()
    gate.open()
    await held
    await database.write(insert(2))
    assert await database.read(rows) == [1, 2]


async def test_closing_finishes_what_waits(tmp_path: Path, database: Sqlite) -> None:
    writing = [asyncio.create_task(database.write(insert(n))) for n in range(20)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writing)
    with closing(sqlite3.connect(tmp_path / "lightning.db")) as connection:
        assert rows(connection) == list(range(20))


async def test_a_closed_database_is_unavailable(database: Sqlite) -> None:
    await database.close()
    await database.close()
    with pytest.raises(Unavailable):
        await database.write(insert(1))
    with pytest.raises(Unavailable):
        await database.read(rows)


async def test_a_full_disk_fails_those_it_affects_and_passes(database: Sqlite) -> None:
    await database.write(insert("before"))
    (pages,) = await database.read(lambda c: c.execute("PRAGMA page_count").fetchone())
    await database.write(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    big = "x" * 100_000
    results = await together(database, insert("big", big), insert("small"), insert("big 2", big))
    assert isinstance(results[0], Unavailable)
    assert results[1] is None
    assert isinstance(results[2], Unavailable)
    assert await database.read(rows) == ["before", "small"]
    await database.write(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
    await database.write(insert("big", big))
    assert await database.read(rows) == ["before", "small", "big"]


async def test_another_process_that_commits_is_noticed(database: Sqlite) -> None:
    other = Sqlite(database.path)
    await other.start()
    noticed = asyncio.Event()
    database.on_elsewhere(lambda _: noticed.set())
    await other.write(insert(1))
    await noticed.wait()
    await other.close()


async def test_its_own_commits_are_not_taken_for_those_of_others(database: Sqlite) -> None:
    noticed = asyncio.Event()
    database.on_elsewhere(lambda _: noticed.set())
    for n in range(20):
        await database.write(insert(n))
    assert not noticed.is_set()


async def test_two_writers_both_get_their_turn(database: Sqlite) -> None:
    other = Sqlite(database.path)
    await other.start()

    async def write(to: Sqlite, name: str) -> None:
        for n in range(100):
            await to.write(insert(f"{name} {n}"))

    await asyncio.gather(write(database, "one"), write(other, "other"))
    written = [str(row).split()[0] for row in await database.read(rows)]
    assert written.count("one") == written.count("other") == 100
    # Neither waits until the other has finished.
    assert "other" in written[:100]
    assert "one" in written[:100]
    await other.close()


async def test_a_newer_database_is_refused_naming_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "lightning.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 6}")
    with pytest.raises(LightningError) as refused:
        await Sqlite(path).start()
    assert str(SCHEMA_VERSION + 6) in refused.value.message
    assert str(SCHEMA_VERSION) in refused.value.message.split("up to")[1]
    assert refused.value.code == "EXEC_DATABASE_NEWER"


async def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lightning.db"
    path.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(LightningError) as refused:
        await Sqlite(path).start()
    assert refused.value.code == "EXEC_DATABASE_DAMAGED"
    assert path.read_bytes().startswith(b"not a database")


async def test_several_processes_may_start_at_once(tmp_path: Path) -> None:
    databases = [Sqlite(tmp_path / "lightning.db") for _ in range(5)]
    await asyncio.gather(*(database.start() for database in databases))
    await asyncio.gather(*(database.close() for database in databases))


async def test_the_folder_of_the_database_is_made(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "new" / "folder" / "lightning.db")
    await database.start()
    await database.close()
    assert database.path.exists()
