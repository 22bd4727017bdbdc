"""The way to the server: connections, and what to do while there are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from backend.contracts.errors import LightningError, Unavailable
from backend.stores.postgres.errors import START, explained

READERS = 4
PATIENCE_S = 10.0
STARTING_S = 20.0
_PAUSES_S = (0.05, 0.1, 0.25, 0.5, 1.0)
_SETTINGS = {
    "application_name": "lightning",
    "jit": "off",
    # A process that is cut off must not hold its locks for hours.
    "idle_in_transaction_session_timeout": "30s",
    "lock_timeout": "20s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


class Server:
    """Connections to one database. While none can be made, callers hear so at once (`Unavailable`), and
    it is tried again after a pause that grows to a second."""

    def __init__(self, url: str) -> None:
        self.url = _normal(url)
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self.open,
            pool_size=READERS + 1,
            max_overflow=0,
            pool_timeout=PATIENCE_S,
        )
        self.reading = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self.writing = self.engine.execution_options(isolation_level="READ COMMITTED")
        self._failures = 0
        self._again_at = 0.0
        self._why: BaseException | None = None

    @property
    def where(self) -> str:
        """The database's name and place, without a password."""
        parts = urlsplit(self.url)
        place = parts.netloc.rpartition("@")[2] or "the local server"
        user = unquote(parts.username or "")
        return f"{parts.path.lstrip('/') or 'the database'} at {place}" + (
            f" (as {user})" if user else ""
        )

    async def open(self, *_: Any, command_timeout: float | None = 60, **__: Any) -> Any:
        """A connection of the driver's own, outside the pool."""
        now = asyncio.get_running_loop().time()
        if self._why is not None and now < self._again_at:
            raise self._why
        try:
            connection = await asyncpg.connect(
                self.url,
                timeout=PATIENCE_S,
                command_timeout=command_timeout,
                server_settings=_SETTINGS,
            )
        except Exception as error:
            pause = _PAUSES_S[min(self._failures, len(_PAUSES_S) - 1)]
            self._failures += 1
            self._again_at = asyncio.get_running_loop().time() + pause
            self._why = error
            raise
        self._failures, self._why = 0, None
        return connection

    async def once_up(self) -> Any:
        """A connection, also to a server that is just starting up: that is waited for."""
        end = asyncio.get_running_loop().time() + STARTING_S
        while True:
            try:
                return await self.open()
            except asyncpg.CannotConnectNowError:
                if asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(0.2)

    @asynccontextmanager
    async def connected(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """One from the pool. Raises `Unavailable`."""
        try:
            connection = await engine.connect()
        except Exception as error:
            raise unavailable(error) from error
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def upgrading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may take its time."""
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=partial(self.open, command_timeout=None),
            poolclass=NullPool,
        )
        async with engine.begin() as connection:
            await connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            await connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield connection

    async def close(self) -> None:
        await self.engine.dispose()


def unavailable(error: BaseException) -> BaseException:
    """Why there is no connection: whatever it is, it may pass."""
    known = explained(error)
    if isinstance(known, LightningError):
        return known
    return Unavailable(f"The database cannot be reached: {error}.", code=START)


def _normal(url: str) -> str:
    """As the driver takes it. Raises `LightningError`."""
    scheme, found, rest = url.strip().partition("://")
    if not found or scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise LightningError(
            "DATABASE_URL does not begin with postgresql://.",
            code=START,
            hint="Write postgresql://user:password@host:5432/database, or leave it empty for SQLite.",
        )
    return f"postgresql://{rest}"
