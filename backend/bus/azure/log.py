"""The log in Cosmos DB: commits, the causes they answer, claims and dead letters. Decision 15."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.bus.azure import entries
from backend.bus.azure.entries import (
    After,
    Draft,
    after_of,
    commit_of,
    item_of,
    key,
    same,
    work_stream,
)
from backend.bus.checks import position
from backend.contracts.errors import Conflict
from backend.contracts.ports import Blobs, Commit, Document, History
from backend.stores.azure.items import Item, Items

PAGE = 1000
MOST_OPERATIONS = 100
KNOWN = 10_000


class Log:
    """The container of all streams: a partition each, an item a commit, its id the position.

    A cursor is the position behind the last commit read.
    """

    def __init__(self, items: Items, blobs: Blobs) -> None:
        self._items = items
        self._blobs = blobs
        self._heads: dict[str, int] = {}

    # --- commits ----------------------------------------------------------------------------------

    async def append(self, commit: Commit, draft: Draft) -> bool:
        """False when the position is taken or not yet reached, or the cause decided already. True also
        when this very commit stands there: it was appended before, and who did so was cut off."""
        stream, at = commit.stream, commit.position
        if at > 0 and self._heads.get(stream) != at and not await self.reaches(stream, at - 1):
            return False
        item = await item_of(draft, self._blobs)
        cause = {"id": _cause(commit.cause.id), "stream": stream, "at": at}
        try:
            await self._items.batch(stream, [("create", (item,)), ("create", (cause,))])
        except Conflict:
            self._heads.pop(stream, None)
            if not await self._stands(item):
                return False
        self._note(stream, at + 1)
        return True

    async def append_done(self, draft: Draft) -> bool:
        """That work is done, and what it came to. False when it was done by somebody else."""
        item = await item_of(draft, self._blobs)
        try:
            await self._items.create(item)
        except Conflict:
            return await self._stands(item)
        return True

    async def done(self, work_id: str, origin: str | None) -> After | None:
        item = await self._items.read(entries.work_id(work_id), work_stream(work_id, origin))
        return None if item is None else await after_of(item, self._blobs)

    async def decided(self, stream: str, event_id: str) -> bool:
        return await self._items.read(_cause(event_id), stream) is not None

    async def last(self, stream: str, event_id: str) -> tuple[bool, After | None]:
        """Whether this cause was decided; and what follows, if it was its stream's last."""
        cause = await self._items.read(_cause(event_id), stream)
        if cause is None:
            return False, None
        if await self.reaches(stream, cause["at"] + 1):
            return True, None
        item = await self._items.read(str(cause["at"]), stream)
        return True, None if item is None else await after_of(item, self._blobs)

    async def history(self, stream: str, cursor: str | None, limit: int) -> History:
        start = position(cursor)
        values: dict[str, Any] = {"start": start, "end": start + limit}
        found = self._items.query(
            "SELECT * FROM c WHERE c.position >= @start AND c.position < @end ORDER BY c.position",
            values,
            stream,
            page=min(limit, PAGE),
        )
        commits: list[Commit] = [await commit_of(item, self._blobs) async for item in found]
        if commits and len(commits) < limit:
            self._note(stream, commits[-1].position + 1)
        return History(tuple(commits), str(commits[-1].position + 1 if commits else start))

    async def head(self, stream: str) -> str:
        newest = self._items.query(
            "SELECT TOP 1 * FROM c WHERE c.position >= @start ORDER BY c.position DESC",
            {"start": 0},
            stream,
            page=1,
        )
        return str(next(iter([item["position"] + 1 async for item in newest]), 0))

    async def reaches(self, stream: str, position: int) -> bool:
        """Whether there is a commit at this position: the cheapest of all reads."""
        return await self._items.read(str(position), stream) is not None

    async def documents(self, stream: str, position: int) -> Sequence[Document]:
        """What the commit at this position writes."""
        item = await self._items.read(str(position), stream)
        return () if item is None else (await after_of(item, self._blobs)).documents

    async def _stands(self, item: Item) -> bool:
        there = await self._items.read(item["id"], item["stream"])
        return there is not None and same(there, item)

    def _note(self, stream: str, head: int) -> None:
        self._heads.pop(stream, None)
        self._heads[stream] = head
        if len(self._heads) > KNOWN:
            del self._heads[next(iter(self._heads))]

    # --- claims -----------------------------------------------------------------------------------

    async def claimed(self, claim: str) -> bool:
        return await self._items.read("claim", _claim(claim)) is not None

    async def claim(self, claim: str, stream: str | None) -> bool:
        try:
            await self._items.create({"id": "claim", "stream": _claim(claim), "of": stream})
        except Conflict:
            return False
        return True

    # --- retention --------------------------------------------------------------------------------

    async def forget(self, stream: str) -> None:
        """A whole stream, its claims and dead letters."""
        self._heads.pop(stream, None)
        found = self._items.query("SELECT c.id FROM c", {}, stream, page=PAGE)
        await self._delete(stream, [item["id"] async for item in found])
        # claims and letters have partitions of their own
        others = self._items.query(
            "SELECT c.id, c.stream FROM c WHERE c.of = @stream", {"stream": stream}
        )
        for item in [item async for item in others]:
            await self._items.delete(item["id"], item["stream"])

    async def _delete(self, stream: str, ids: Sequence[str]) -> None:
        # The latest first: what is cut off leaves a stream that still begins at its beginning.
        ids = sorted(ids, key=_age, reverse=True)
        for start in range(0, len(ids), MOST_OPERATIONS):
            some = ids[start : start + MOST_OPERATIONS]
            try:
                await self._items.batch(stream, [("delete", (id,)) for id in some])
            except Conflict:
                for id in some:
                    await self._items.delete(id, stream)


def _age(id: str) -> int:
    return int(id) if id.isdecimal() else 1 << 62


def _cause(event_id: str) -> str:
    return f"cause.{key(event_id)}"


def _claim(claim: str) -> str:
    return f"~claim.{key(claim)}"
