"""The dead letters of a SQL bus: messages that could not be handled."""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Sequence
from typing import Any

from backend.bus.codec import decode_event, refers, restored
from backend.bus.settling import READY, lane_of
from backend.contracts.errors import NotFound
from backend.contracts.ports import Blobs, DeadLetter, Delivery
from backend.stores.database import Connection, Database
from backend.stores.encoding import decode

_FIND = "SELECT stream, body FROM dead WHERE event_id = ?"
_FORGET = "DELETE FROM dead WHERE event_id = ?"
_QUEUE = (
    "INSERT INTO messages (event_id, stream, due, attempt, body) VALUES (?, ?, 0, 0, ?) "
    "ON CONFLICT DO NOTHING"
)


class Letters:
    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    async def list(self, limit: int) -> Sequence[DeadLetter]:
        """The latest first. A large value that is gone or damaged stays a reference."""

        def query(connection: Connection) -> builtins.list[tuple[Any, ...]]:
            return connection.execute(
                "SELECT stream, attempt, body, error FROM dead ORDER BY died DESC LIMIT ?", (limit,)
            ).fetchall()

        letters = []
        for stream, attempt, body, error in await self._database.read(query):
            event = decode_event(body)
            if refers(event):
                with contextlib.suppress(NotFound, ValueError):
                    event = await restored(event, self._blobs)
            letters.append(
                DeadLetter(Delivery(event, lane_of(stream), stream, "", attempt), decode(error))
            )
        return letters

    async def replay(self, event_id: str) -> bool:
        """Put it in line again, as new. False when it is not among the dead."""

        def query(connection: Connection) -> Any:
            return connection.execute(_FIND, (event_id,)).fetchone()

        def job(connection: Connection) -> bool:
            row = query(connection)
            if row is None:
                return False
            if connection.execute(_FORGET, (event_id,)).rowcount == 0:
                return False
            connection.tell([READY])
            return connection.execute(_QUEUE, (event_id, *row)).rowcount > 0

        found = await self._database.read(query)
        if found is None:
            return False
        stream, _ = found
        return await self._database.write(job, [stream or "work"])
