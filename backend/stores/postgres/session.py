"""The connection that stays open beside the work: it hears of other processes' commits, tells them of ours,
and holds this process's name."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import asyncpg
import orjson
import structlog

from backend.stores.postgres.connection import number_of
from backend.stores.postgres.errors import words
from backend.stores.postgres.server import Server, unavailable

log = structlog.get_logger()

CHANNEL = "lightning"
PAUSE_S = 0.005
"""Between two tellings: what is committed meanwhile is told together."""
_LOOK_S = 5.0
"""How often it is looked whether the connection lives, and heard that anything may have happened: who is
killed right after a commit tells nobody."""
_AGAIN_S = 0.25
_MAX_BYTES = 7000
"""Of one telling; PostgreSQL takes 8000."""
_NOTIFY = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS told(payload)"


class SessionName:
    """A `Name`, held by a lock of the session. Free again as soon as the server has noticed that the
    session is gone."""

    def __init__(self, session: Session, name: str) -> None:
        self.number = number_of(f"name {name}")
        self.lost = False
        self._session = session

    async def leave(self) -> None:
        await self._session.let_go(self)


class Session:
    """`heard` is called with what another process tells of, or None for anything: also after the connection
    was lost, as nobody knows what was missed."""

    def __init__(self, server: Server, heard: Callable[[Collection[str] | None], None]) -> None:
        self._server = server
        self._heard = heard
        self._names: set[SessionName] = set()
        self._news: set[str] = set()
        self._all_news = False
        self._wake = asyncio.Event()
        self._connection: Any | None = None
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._open()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        await asyncio.wait([task])
        async with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    if self._news or self._all_news:
                        await self._send(connection)
                    await connection.close(timeout=2)

    def tell(self, topics: Collection[str]) -> None:
        """Tell the other processes, soon."""
        if topics:
            self._news.update(topics)
            self._wake.set()

    async def take_name(self, name: str) -> SessionName | None:
        """Raises `Unavailable` when the session is gone just now."""
        taken = SessionName(self, name)
        async with self._lock:
            try:
                connection = self._connection or await self._open()
                if not await _try(connection, taken):
                    return None
            except Exception as error:
                raise unavailable(error) from error
        self._names.add(taken)
        return taken

    async def let_go(self, name: SessionName) -> None:
        self._names.discard(name)
        async with self._lock:
            if self._connection is not None and not name.lost:
                # Without a connection it is free already.
                with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    await self._connection.execute("SELECT pg_advisory_unlock($1)", name.number)

    async def _open(self) -> Any:
        connection = await self._server.open()
        try:
            await connection.add_listener(CHANNEL, self._listen)
            connection.add_termination_listener(lambda _: self._wake.set())
            for name in list(self._names):
                name.lost = not await _try(connection, name)
                if name.lost:
                    self._names.discard(name)
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection
        # What was told meanwhile was not heard.
        self._heard(None)
        return connection

    def _listen(self, _: object, sender: int, __: str, payload: object) -> None:
        if self._connection is None or sender == self._connection.get_server_pid():
            return
        self._heard(orjson.loads(str(payload)) if payload else None)

    async def _run(self) -> None:
        while True:
            had = self._connection is not None
            try:
                await self._serve()
            except Exception as error:  # noqa: BLE001 - whatever broke the connection, it is reopened
                if had:
                    log.warning("database.session_lost", error=words(error))
            await asyncio.sleep(_AGAIN_S)

    async def _serve(self) -> None:
        """Until the connection breaks."""
        async with self._lock:
            connection: Any = self._connection
            if connection is None or connection.is_closed():
                self._connection = None
                connection = await self._open()
        looked = time.monotonic()
        try:
            while not connection.is_closed():
                if time.monotonic() - looked >= _LOOK_S:
                    looked = time.monotonic()
                    self._heard(None)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._wake.wait()
                self._wake.clear()
                async with self._lock:
                    if self._news or self._all_news:
                        await self._send(connection)
                    else:
                        # A connection can be gone without a sign of it.
                        await connection.execute("SELECT 1", timeout=_LOOK_S)
                await asyncio.sleep(PAUSE_S)
        finally:
            if self._connection is connection:
                self._connection = None
            connection.terminate()
            # Of what was told last nobody knows whether it was heard.
            self._all_news = True
            self._wake.set()

    async def _send(self, connection: Any) -> None:
        payloads = [""] if self._all_news else _payloads(sorted(self._news))
        self._news, self._all_news = set(), False
        await connection.execute(_NOTIFY, CHANNEL, payloads, timeout=_LOOK_S)


def _payloads(topics: Sequence[str]) -> list[str]:
    """As many as it takes. A topic that is too long for one is told of as anything."""
    payload = orjson.dumps(topics).decode()
    if len(payload.encode()) <= _MAX_BYTES:
        return [payload]
    if len(topics) == 1:
        return [""]
    middle = len(topics) // 2
    return [*_payloads(topics[:middle]), *_payloads(topics[middle:])]


async def _try(connection: Any, name: SessionName) -> bool:
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", name.number))
