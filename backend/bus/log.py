"""Reading a SQL bus's log: history, and live streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial

from backend.bus.checks import position
from backend.bus.codec import decode_commit, refers, restored_commit
from backend.bus.followers import Followers
from backend.contracts.errors import Unavailable
from backend.contracts.ports import Blobs, Commit, History
from backend.stores.database import Connection, Database

PAGE = 1000
_AGAIN_S = 0.25


class Log:
    """The commits of all streams. A cursor is the position behind the last commit read."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._followers = Followers()
        self._closed = False

    def changed(self, stream: str) -> None:
        """Tell the followers of `stream` that there is more."""
        self._followers.changed(stream)

    def anything_changed(self) -> None:
        self._followers.anything_changed()

    def close(self) -> None:
        """End all followers."""
        self._closed = True
        self._followers.anything_changed()

    async def decided(self, stream: str, event_id: str) -> bool:
        def query(connection: Connection) -> bool:
            row = connection.execute(
                "SELECT 1 FROM log WHERE cause_id = ? AND stream = ?", (event_id, stream)
            ).fetchone()
            return row is not None

        return await self._database.read(query)

    async def history(self, stream: str, cursor: str | None, limit: int) -> History:
        start = position(cursor)
        commits = await self._database.read(lambda c: _commits(c, stream, start, limit))
        return await self._as_history(commits, start)

    async def head(self, stream: str) -> str:
        def query(connection: Connection) -> int:
            row = connection.execute(
                "SELECT MAX(position) FROM log WHERE stream = ?", (stream,)
            ).fetchone()
            return 0 if row is None or row[0] is None else int(row[0]) + 1

        return str(await self._database.read(query))

    async def follow(
        self, streams: Mapping[str, str | None]
    ) -> AsyncGenerator[Mapping[str, History], None]:
        positions = {stream: position(cursor) for stream, cursor in streams.items()}
        follower = self._followers.add(streams)
        try:
            while not self._closed:
                changed = await follower.next_changed()
                if self._closed:
                    return
                try:
                    news = await self._news({stream: positions[stream] for stream in changed})
                except Unavailable:
                    # Whoever follows need not know; nothing is missed.
                    follower.changed.update(changed)
                    await asyncio.sleep(_AGAIN_S)
                    continue
                positions |= {stream: int(history.cursor) for stream, history in news.items()}
                follower.changed.update(
                    stream for stream, history in news.items() if len(history.commits) == PAGE
                )
                if news:
                    yield news
        finally:
            self._followers.remove(follower)

    async def forget(self, streams: Sequence[str]) -> None:
        """Whole streams, with all that waits in them, their claims and dead letters."""
        for stream in streams:
            # One transaction each: others get their turn in between.
            await self._database.write(partial(_forget, stream), [stream])

    async def _news(self, positions: Mapping[str, int]) -> dict[str, History]:
        def query(connection: Connection) -> dict[str, list[Commit]]:
            read = {
                stream: _commits(connection, stream, start, PAGE)
                for stream, start in positions.items()
            }
            return {stream: commits for stream, commits in read.items() if commits}

        read = await self._database.read(query)
        return {
            stream: await self._as_history(commits, positions[stream])
            for stream, commits in read.items()
        }

    async def _as_history(self, commits: Sequence[Commit], start: int) -> History:
        whole = [
            await restored_commit(commit, self._blobs)
            if refers(commit.cause) or any(map(refers, commit.outputs))
            else commit
            for commit in commits
        ]
        return History(tuple(whole), str(whole[-1].position + 1 if whole else start))


def _commits(connection: Connection, stream: str, start: int, limit: int) -> list[Commit]:
    rows = connection.execute(
        "SELECT position, body FROM log WHERE stream = ? AND position >= ? "
        "ORDER BY position LIMIT ?",
        (stream, start, limit),
    )
    return [decode_commit(stream, position, body) for position, body in rows]


def _forget(stream: str, connection: Connection) -> None:
    for table in ("log", "claims", "messages", "dead"):
        connection.execute(f"DELETE FROM {table} WHERE stream = ?", (stream,))
