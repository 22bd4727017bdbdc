"""One SQLite file: a single writer thread with group commit, and reading connections beside it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import orjson

from backend.contracts.errors import LightningError, Unavailable
from backend.stores.database import HEAD, Dialect, Insert, Job, Query, Write

T = TypeVar("T")

SCHEMA_VERSION = 1
"""What Lightnings from before `HEAD` look at, in `PRAGMA user_version`."""
BATCH = 512
READERS = 3
ALONE_TICK_S = 0.25
COMPANY_TICK_S = 0.005
COMPANY_PAUSE_S = 0.0003
UNAVAILABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
}
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _json(values: Sequence[Any]) -> str:
    return orjson.dumps(values).decode()


SQLITE = Dialect(
    "sqlite",
    alone=True,
    texts="IN (SELECT value FROM json_each(?))",
    numbers="IN (SELECT value FROM json_each(?))",
    each="json_each(?)",
    array=_json,
)


@cache
def _inserting(insert: Insert) -> str:
    """With a parameter for each column."""
    marks = ", ".join("?" * len(insert.types))
    return f"INSERT INTO {insert.into} VALUES ({marks}) {insert.rest}"


class _Connection(sqlite3.Connection):
    dialect = SQLITE

    def ask(self, queries: Sequence[Query], /) -> Sequence[Sequence[Any]]:
        return [self.execute(sql, values).fetchall() for sql, values in queries]

    def write(self, writes: Sequence[Write], /) -> Sequence[int]:
        return [
            self.executemany(_inserting(what), values).rowcount
            if isinstance(what, Insert)
            else self.execute(what, values).rowcount
            for what, values in writes
        ]

    def tell(self, topics: Iterable[str], /) -> None:
        """Other processes see that there was a commit, and look at everything."""

    def try_keys(self, keys: Sequence[str], /) -> list[str]:
        return list(keys)


@dataclass(slots=True)
class _Waiting:
    job: Job[Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Sqlite:
    """`Database` in a file. Jobs run in the writer thread, queries in others; processes write in turns,
    whatever the keys."""

    dialect = SQLITE

    def __init__(self, path: Path) -> None:
        self.path = path
        self.locks = path.with_name(path.name + ".locks")
        self._elsewhere: list[Callable[[Collection[str] | None], None]] = []
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._readers: ThreadPoolExecutor | None = None
        self._reader = threading.local()
        self._opened: list[_Connection] = []
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._open)
        self._readers = ThreadPoolExecutor(READERS, "database-read", self._open_reader)
        self._thread = threading.Thread(target=self._run, name="database-write", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        self._queue.put(None)
        await asyncio.to_thread(thread.join)
        if self._readers is not None:
            await asyncio.to_thread(self._readers.shutdown)
        await asyncio.to_thread(self._shut)

    def on_elsewhere(self, callback: Callable[[Collection[str] | None], None]) -> None:
        self._elsewhere.append(callback)

    async def write(self, job: Job[T], keys: Collection[str] = ()) -> T:
        if self._thread is None:
            raise Unavailable("The database is closed.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Waiting(job, future))
        return await future

    async def read(self, query: Job[T]) -> T:
        if self._thread is None or self._readers is None:
            raise Unavailable("The database is closed.")
        return await self._loop.run_in_executor(self._readers, self._query, query)

    async def take_name(self, name: str) -> FileLock | None:
        return FileLock.take(self.locks / f"owner-{name}")

    # --- opening ----------------------------------------------------------------------------------

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.locks.mkdir(mode=0o700, exist_ok=True)
        self._turn = os.open(self.locks / "writing", os.O_RDWR | os.O_CREAT, 0o600)
        self._alive = os.open(self.locks / "alive", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._alive, fcntl.LOCK_SH)
        self._company = False
        self._looked = 0.0
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            self._writer = self._connect()
            self._migrate()
            self._version = self._data_version()
        except BaseException:
            self._shut()
            raise
        fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _connect(self) -> _Connection:
        try:
            connection = sqlite3.connect(
                self.path,
                timeout=5,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
            )
            self._opened.append(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            connection.execute("PRAGMA secure_delete = FAST")
            connection.execute("PRAGMA cache_size = -16000")
        except sqlite3.Error as error:
            raise _explained(error) from error
        return connection

    def _migrate(self) -> None:
        try:
            found, before = self._found()
            if found == HEAD and before <= SCHEMA_VERSION:
                return
            # Only now: importing what it takes costs half a second.
            from backend.stores import migrations

            if before > SCHEMA_VERSION:
                raise migrations.newer(str(before), str(SCHEMA_VERSION))
            migrations.upgrade_sqlite(self.path, adopt=before > 0 and found is None)
        except sqlite3.Error as error:
            raise _explained(error) from error

    def _found(self) -> tuple[str | None, int]:
        """The tables' version, and what stood in its place before there was one."""
        (before,) = self._writer.execute("PRAGMA user_version").fetchone()
        tables = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        if self._writer.execute(tables).fetchone() is None:
            return None, before
        row = self._writer.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else row[0], before

    def _open_reader(self) -> None:
        self._reader.connection = self._connect()
        self._reader.connection.execute("PRAGMA query_only = ON")

    def _shut(self) -> None:
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        os.close(self._turn)
        os.close(self._alive)

    # --- reading ----------------------------------------------------------------------------------

    def _query(self, query: Job[T]) -> T:
        connection: _Connection = self._reader.connection
        try:
            connection.execute("BEGIN")
            try:
                return query(connection)
            finally:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise _explained(error) from error

    # --- writing: everything below runs in the writer thread --------------------------------------

    def _run(self) -> None:
        while True:
            batch = self._gather()
            if batch is None:
                return
            self._look_around()
            if batch:
                self._commit(batch)
                self._loop.call_soon_threadsafe(_resolve, batch)
                if self._company:
                    # Without a pause the other process never gets its turn at the lock.
                    time.sleep(COMPANY_PAUSE_S)

    def _gather(self) -> list[_Waiting] | None:
        """What waits now, up to `BATCH`; empty after a tick of silence; None at the end."""
        try:
            tick = COMPANY_TICK_S if self._company else ALONE_TICK_S
            first = self._queue.get(timeout=tick)
        except queue.Empty:
            return []
        if first is None:
            return None
        batch = [first]
        while len(batch) < BATCH:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                self._queue.put(None)
                break
            batch.append(waiting)
        return batch

    def _look_around(self) -> None:
        """Is another process there, and has it committed since the last look?"""
        now = time.monotonic()
        if now - self._looked > ALONE_TICK_S:
            self._looked = now
            try:
                fcntl.flock(self._alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._company = False
            except BlockingIOError:
                self._company = True
            fcntl.flock(self._alive, fcntl.LOCK_SH)
        try:
            version = self._data_version()
        except sqlite3.Error:
            # The next transaction will say what is wrong, to those who wait for it.
            return
        if version != self._version:
            self._version = version
            for callback in self._elsewhere:
                self._loop.call_soon_threadsafe(callback, None)

    def _data_version(self) -> int:
        # On the writing connection it counts the commits of other processes alone.
        return int(self._writer.execute("PRAGMA data_version").fetchone()[0])

    def _commit(self, batch: Sequence[_Waiting]) -> None:
        try:
            self._transact(batch)
        except BaseException as error:  # noqa: BLE001  (the callers get it)
            if len(batch) == 1:
                batch[0].error = _explained(error)
                return
            for waiting in batch:
                self._commit([waiting])

    def _transact(self, batch: Sequence[_Waiting]) -> None:
        writer = self._writer
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            writer.execute("BEGIN IMMEDIATE")
            for waiting in batch:
                waiting.error = None
                before = writer.total_changes
                try:
                    waiting.result = waiting.job(writer)
                except LightningError as error:
                    if writer.total_changes != before:
                        raise
                    waiting.error = error
            writer.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _roll_back(self) -> None:
        # SQLite has rolled back by itself after some errors (disk full), not after others.
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")


class FileLock:
    """A `Name`, held by a lock on a file: free again as soon as the process is gone."""

    lost = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path) -> FileLock | None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    async def leave(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _resolve(batch: Sequence[_Waiting]) -> None:
    for waiting in batch:
        if waiting.future.done():
            continue
        if waiting.error is not None:
            waiting.future.set_exception(waiting.error)
        else:
            waiting.future.set_result(waiting.result)


def _explained(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.Error) and (error.sqlite_errorcode & 0xFF) in UNAVAILABLE:
        return Unavailable(
            f"The database cannot be used now: {error}.",
            code="EXEC_DATABASE_UNAVAILABLE",
            hint="Check free disk space and the data folder.",
        )
    if isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode in DAMAGED:
        return LightningError(
            f"The database is damaged or not a database: {error}.",
            code="EXEC_DATABASE_DAMAGED",
            hint="Restore the data folder from a copy.",
        )
    return error
