"""`Database` on a PostgreSQL server, for several processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from sqlalchemy import Connection as SqlConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.contracts.errors import LightningError, Unavailable
from backend.stores.database import HEAD, Job
from backend.stores.postgres.connection import POSTGRES, PostgresConnection, number_of
from backend.stores.postgres.errors import START, explained, is_gone, refused, sqlstate
from backend.stores.postgres.server import Server
from backend.stores.postgres.session import Session, SessionName
from backend.stores.postgres.writer import Writer

T = TypeVar("T")

_OLDEST = 13
_UNDEFINED_TABLE = "42P01"
_UPGRADING = number_of("upgrading")


class Postgres:
    """`Database` at `url` (postgresql://user:password@host:port/name). Jobs and queries run on the loop,
    and wait for the server without blocking it."""

    dialect = POSTGRES

    def __init__(self, url: str) -> None:
        self._server = Server(url)
        self._elsewhere: list[Callable[[Collection[str] | None], None]] = []
        self._session = Session(self._server, self._heard)
        self._writer = Writer(self._server, self._session.tell)
        self._open = False

    async def start(self) -> None:
        try:
            await self._bring_up_to_date()
            await self._session.start()
        except LightningError:
            await self._server.close()
            raise
        except Exception as error:
            await self._server.close()
            raise refused(error, self._server.where) from error
        self._writer.start()
        self._open = True

    async def close(self) -> None:
        if not self._open:
            return
        self._open = False
        await self._writer.close()
        await self._session.close()
        await self._server.close()

    def on_elsewhere(self, callback: Callable[[Collection[str] | None], None]) -> None:
        self._elsewhere.append(callback)

    async def write(self, job: Job[T], keys: Collection[str] = ()) -> T:
        if not self._open:
            raise Unavailable("The database is closed.")
        result: T = await self._writer.write(job, keys)
        return result

    async def read(self, query: Job[T]) -> T:
        if not self._open:
            raise Unavailable("The database is closed.")
        # Finished even if the caller is cancelled: a connection in the middle of a query is lost.
        return await asyncio.shield(asyncio.ensure_future(self._read(query)))

    async def take_name(self, name: str) -> SessionName | None:
        return await self._session.take_name(name)

    def _heard(self, topics: Collection[str] | None) -> None:
        for callback in self._elsewhere:
            callback(topics)

    async def _read(self, query: Job[T]) -> T:
        engine = self._server.reading
        try:
            return await self._read_once(engine, query)
        except Exception as error:
            if not is_gone(error):
                raise explained(error) from error
        try:
            # It had been idle in the pool, perhaps while the server was started again.
            return await self._read_once(engine, query)
        except Exception as error:
            raise explained(error) from error

    async def _read_once(self, engine: AsyncEngine, query: Job[T]) -> T:
        def run(connection: SqlConnection) -> T:
            adapted: Any = connection.connection.dbapi_connection
            found = query(PostgresConnection(adapted))
            adapted.rollback()
            return found

        async with self._server.connected(engine) as connection:
            try:
                return await connection.run_sync(run)
            except Exception as error:
                if is_gone(error):
                    await connection.invalidate()
                raise

    async def _bring_up_to_date(self) -> None:
        connection = await self._server.once_up()
        try:
            self._check_server(connection)
            if await self._version(connection) == HEAD:
                return
            # Only now: importing what it takes costs a while.
            from backend.stores import migrations

            async with self._server.upgrading() as upgrading:
                # One of several starting processes does it, and the others find it done.
                await upgrading.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADING})")
                await upgrading.run_sync(migrations.upgrade)
        finally:
            await connection.close()

    def _check_server(self, connection: Any) -> None:
        version, encoding = connection.get_server_version(), connection.get_settings()
        if version.major < _OLDEST:
            raise LightningError(
                f"DATABASE_URL: {self._server.where} is PostgreSQL {version.major}.",
                code=START,
                hint=f"Use PostgreSQL {_OLDEST} or newer.",
            )
        if encoding.server_encoding != "UTF8":
            raise LightningError(
                f"DATABASE_URL: {self._server.where} has the encoding {encoding.server_encoding}.",
                code=START,
                hint="Make the database with ENCODING 'UTF8' TEMPLATE template0.",
            )

    async def _version(self, connection: Any) -> str | None:
        try:
            found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        except Exception as error:
            if sqlstate(error) != _UNDEFINED_TABLE:
                raise
            return None
        return found
