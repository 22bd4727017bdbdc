"""Group commit on PostgreSQL: what waits is done in one transaction, under the keys it names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Connection as SqlConnection
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.contracts.errors import LightningError, Unavailable
from backend.stores.database import Job
from backend.stores.postgres.connection import PostgresConnection, number_of, numbers_of
from backend.stores.postgres.errors import explained, is_gone, is_lock_table_full, is_race
from backend.stores.postgres.server import Server, unavailable

log = structlog.get_logger()

BATCH = 512
MAX_LOCKS = 512
"""A transaction with more keys takes all there are at once: the server's table of locks is small."""
_TRIES = 6
_ASK_AGAIN_S = 0.2
_EVERYTHING = number_of("everything")

# One look at the clock of transactions for all: should the answer to COMMIT be lost, it is asked by it.
_SOME = (
    "SELECT pg_current_xact_id()::text, pg_advisory_xact_lock_shared(?::bigint), "
    "(SELECT count(pg_advisory_xact_lock(key)) FROM unnest(?::bigint[]) AS wanted(key))"
)
_ALL = "SELECT pg_current_xact_id()::text, pg_advisory_xact_lock(?::bigint)"
# A connection that broke may still be at work on the server's side.
_FATE = (
    "SELECT pg_xact_status(?::text::xid8), (SELECT count(pg_terminate_backend(pid)) "
    "FROM pg_stat_activity WHERE backend_xid = ?::text::xid8::xid AND pid <> pg_backend_pid())"
)


@dataclass(slots=True)
class _Waiting:
    job: Job[Any]
    keys: Collection[str]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Act:
    """One transaction. `committing`: COMMIT was sent, and only the server knows what became of it."""

    batch: Sequence[_Waiting]
    everything: bool
    xid: str = ""
    told: set[str] = field(default_factory=set)
    committing: bool = False

    def __call__(self, connection: SqlConnection) -> None:
        adapted: Any = connection.connection.dbapi_connection
        ours = PostgresConnection(adapted)
        self._lock(ours)
        for waiting in self.batch:
            waiting.error = None
            before = ours.changes
            try:
                waiting.result = waiting.job(ours)
            except LightningError as error:
                if ours.changes != before:
                    raise
                waiting.error = error
        self.told = ours.told
        self.committing = True
        adapted.commit()
        self.committing = False

    def _lock(self, connection: PostgresConnection) -> None:
        keys = {key for waiting in self.batch for key in waiting.keys}
        if self.everything or len(keys) > MAX_LOCKS:
            found = connection.execute(_ALL, (_EVERYTHING,))
        else:
            found = connection.execute(_SOME, (_EVERYTHING, numbers_of(keys)))
        self.xid = found.fetchone()[0]


class Writer:
    """One connection and one transaction at a time. `committed` is called with what each has to tell."""

    def __init__(self, server: Server, committed: Callable[[Collection[str]], None]) -> None:
        self._server = server
        self._committed = committed
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._connection: AsyncConnection | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Finish what waits."""
        if self._task is not None:
            self._queue.put_nowait(None)
            await self._task
            await self._let_go()

    async def write(self, job: Job[Any], keys: Collection[str]) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Waiting(job, keys, future))
        return await future

    async def _run(self) -> None:
        while True:
            first = await self._queue.get()
            if first is None:
                return
            batch = [first]
            while len(batch) < BATCH and not self._queue.empty():
                waiting = self._queue.get_nowait()
                if waiting is None:
                    self._queue.put_nowait(None)
                    break
                batch.append(waiting)
            await self._commit(batch)

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._try(batch)
        except Exception as error:  # noqa: BLE001 - the callers get it
            why = explained(error)
            if len(batch) > 1 and (is_race(error) or not isinstance(why, Unavailable)):
                # One of them is at fault: each gets a transaction of its own.
                for waiting in batch:
                    await self._commit([waiting])
                return
            for waiting in batch:
                waiting.error = why
        _resolve(batch)

    async def _try(self, batch: Sequence[_Waiting]) -> None:
        """Do it; again where that can help. Raises when nothing of it was done."""
        everything = False
        for left in reversed(range(_TRIES)):
            act = _Act(batch, everything)
            try:
                await self._act(act)
                return
            except Exception as error:
                everything = everything or is_lock_table_full(error)
                if not left or not (is_race(error) or is_gone(error) or is_lock_table_full(error)):
                    raise
                if is_race(error) and len(batch) > 1:
                    raise

    async def _act(self, act: _Act) -> None:
        connection = await self._connected()
        try:
            await connection.run_sync(act)
        except BaseException as error:
            if is_gone(error) or act.committing:
                await self._let_go(broken=True)
            else:
                await connection.run_sync(_roll_back)
            if not act.committing or not await self._was_committed(act.xid):
                raise
        if act.told:
            self._committed(act.told)

    async def _was_committed(self, xid: str) -> bool:
        """The answer to COMMIT was lost: neither to do it again nor to call it failed would be right."""
        while True:
            try:
                async with self._server.connected(self._server.writing) as connection:
                    fate = await connection.run_sync(_fate, xid)
            except Exception as error:  # noqa: BLE001 - until there is an answer
                log.warning("database.commit_unknown", error=str(error))
                self._refuse(error)
                fate = None
            if fate in ("committed", "aborted"):
                return fate == "committed"
            await asyncio.sleep(_ASK_AGAIN_S)

    def _refuse(self, error: BaseException) -> None:
        """Those that wait behind the question hear that there is no database."""
        ending = False
        while not self._queue.empty():
            waiting = self._queue.get_nowait()
            if waiting is None:
                ending = True
                continue
            waiting.error = unavailable(error)
            _resolve([waiting])
        if ending:
            self._queue.put_nowait(None)

    async def _connected(self) -> AsyncConnection:
        if self._connection is None:
            try:
                self._connection = await self._server.writing.connect()
            except Exception as error:
                raise unavailable(error) from error
        return self._connection

    async def _let_go(self, *, broken: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if broken:
                await connection.invalidate()
            await connection.close()


def _roll_back(connection: SqlConnection) -> None:
    adapted: Any = connection.connection.dbapi_connection
    adapted.rollback()


def _fate(connection: SqlConnection, xid: str) -> str | None:
    adapted: Any = connection.connection.dbapi_connection
    found = PostgresConnection(adapted).execute(_FATE, (xid, xid)).fetchone()
    adapted.rollback()
    return None if found is None else found[0]


def _resolve(batch: Sequence[_Waiting]) -> None:
    for waiting in batch:
        if waiting.future.done():
            continue
        if waiting.error is not None:
            waiting.future.set_exception(waiting.error)
        else:
            waiting.future.set_result(waiting.result)
