"""The document store on Cosmos DB."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.contracts.errors import Conflict, Unavailable
from backend.contracts.ports import Blobs, Document, Page
from backend.stores import cursors
from backend.stores.azure import places
from backend.stores.azure.account import CosmosAccount
from backend.stores.azure.envelope import as_document, as_item, tombstone, words_of
from backend.stores.azure.items import Item, Items
from backend.stores.azure.places import Layout, item_id
from backend.stores.azure.reservations import Reservations
from backend.stores.documents import micros

MAX_LIMIT = 1000
MAX_SEARCHED = 200
MAX_TERMS = 30
TRIES = 20
PAUSE_S = 0.02


class CosmosStore:
    """`Store` on containers of a `CosmosAccount`; decision 14 says how documents lie there.

    Every document is one item, and every write of one depends on what is stored, so that of many
    writers each knows what it replaces. Bodies over `LARGE_BYTES` are kept in `blobs`.
    """

    def __init__(
        self, account: CosmosAccount, blobs: Blobs, layouts: Mapping[str, Layout] | None = None
    ) -> None:
        self._account = account
        self._blobs = blobs
        self._layouts = places.layouts() if layouts is None else layouts

    async def get(self, kind: str, id: str, owner: str | None) -> Document | None:
        item = await self._locate(kind, id, owner)
        return None if item is None else await as_document(item, self._blobs)

    async def put(self, document: Document, *, create: bool = False) -> Document:
        return await self._put(document, create=create, judged=False)

    async def check(self, document: Document, *, create: bool = False) -> None:
        """Raises `Conflict` when the document may not be written."""
        found = await self._locate(document.kind, document.id, None)
        _judge(document, found, create=create)

    async def apply(self, document: Document) -> Document:
        """Write what was checked, whatever its etag; repeating it with its position changes nothing.
        Returns what is stored then. Raises `Conflict` only for another owner's."""
        return await self._put(document, create=False, judged=True)

    async def delete(self, kind: str, id: str, owner: str | None) -> bool:
        layout = self._layout(kind)
        for attempt in range(TRIES):
            found = await self._locate(kind, id, owner)
            if found is None:
                return False
            try:
                await self._remove(layout, found)
                return True
            except Conflict:
                await _pause(attempt)
        raise _busy(kind, id)

    async def list(
        self,
        kind: str,
        *,
        owner: str | None,
        status: str | None = None,
        parent: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        newest_first: bool = True,
    ) -> Page:
        limit = max(1, min(limit, MAX_LIMIT))
        values: dict[str, Any] = {"kind": kind, "owner": owner, "status": status, "parent": parent}
        values = {name: value for name, value in values.items() if value is not None}
        conditions = [f"c.{name} = @{name}" for name in values]
        if cursor is not None:
            values["sort"], values["key"] = cursors.place(cursor)
            beyond = "<" if newest_first else ">"
            conditions.append(
                f"c.sort {beyond}= @sort AND (c.sort {beyond} @sort OR c.key {beyond} @key)"
            )
        order = "DESC" if newest_first else "ASC"
        by = ", ".join(f"c.{name} {order}" for name in (*_served(values), "sort", "key"))
        found = await self._select(
            kind,
            f"SELECT TOP {limit + 1} * FROM c WHERE {' AND '.join(conditions)} ORDER BY {by}",
            values,
            self._partition(kind, owner, parent),
            page=limit + 1,
        )
        last = found[limit - 1] if len(found) > limit else None
        return Page(tuple(found[:limit]), None if last is None else cursors.cursor(last))

    async def due(self, kind: str, before: datetime, limit: int = 100) -> Sequence[Document]:
        return await self._select(
            kind,
            f"SELECT TOP {max(1, limit)} * FROM c WHERE c.kind = @kind AND c.due <= @before "
            "ORDER BY c.kind, c.due, c.key",
            {"kind": kind, "before": micros(before)},
            page=limit,
        )

    async def search(
        self, kind: str, words: str, *, owner: str, limit: int = 20
    ) -> Sequence[Document]:
        """By how many of the words are in it, then the newest first; among the newest `MAX_SEARCHED`
        that have any. Only the first words of long bodies are known."""
        wanted = words_of(words)[:MAX_TERMS]
        if not wanted:
            return ()
        values = {f"word{n}": word for n, word in enumerate(wanted)}
        either = " OR ".join(f"ARRAY_CONTAINS(c.words, @{name})" for name in values)
        items = self._items(kind).query(
            f"SELECT TOP {MAX_SEARCHED} * FROM c WHERE c.kind = @kind AND c.owner = @owner "
            f"AND ({either}) ORDER BY c.kind DESC, c.owner DESC, c.sort DESC, c.key DESC",
            {"kind": kind, "owner": owner, **values},
            self._partition(kind, owner, None),
            scan=True,
        )
        found = [item async for item in items]
        found.sort(key=lambda item: len(set(wanted) & set(item["words"])), reverse=True)
        return [await as_document(item, self._blobs) for item in found[:limit]]

    # --- finding ----------------------------------------------------------------------------------

    def _layout(self, kind: str) -> Layout:
        return self._layouts.get(kind, Layout())

    def _items(self, kind: str) -> Items:
        return self._account.items(self._layout(kind).container)

    def _partition(self, kind: str, owner: str | None, parent: str | None) -> str | None:
        """The one partition that holds all of a list, if there is one."""
        by = self._layout(kind).by
        if by == "owner" and owner is not None:
            return places.of_owner(owner)
        if by == "parent" and parent is not None:
            return places.of_parent(parent)
        return None

    async def _locate(self, kind: str, id: str, owner: str | None) -> Item | None:
        """The item of a document, if it is there and `owner`'s."""
        layout, items, key = self._layout(kind), self._items(kind), item_id(kind, id)
        if layout.by == "id":
            partition: str | None = key
        elif layout.by == "owner" and owner is not None:
            partition = places.of_owner(owner)
        else:
            reserved = await Reservations(items).read(key)
            partition = None if reserved is None else reserved["place"]
        found = None if partition is None else await items.read(key, partition)
        if found is None or "gone" in found or owner not in (None, found["owner"]):
            return None
        return found

    async def _select(
        self,
        kind: str,
        text: str,
        values: Mapping[str, Any],
        partition: str | None = None,
        *,
        page: int,
    ) -> Sequence[Document]:
        items = self._items(kind).query(text, values, partition, page=page)
        return [await as_document(item, self._blobs) async for item in items]

    # --- writing ----------------------------------------------------------------------------------

    async def _put(self, document: Document, *, create: bool, judged: bool) -> Document:
        layout, items = self._layout(document.kind), self._items(document.kind)
        item = await as_item(document, layout, self._blobs)
        for attempt in range(TRIES):
            there = await items.read(item["id"], item["pk"])
            found = None if there is None or "gone" in there else there
            if found is None and document.body is None:
                found = await self._locate(document.kind, document.id, None)
            _judge(document, found, create=create, judged=judged)
            if found is not None and _is_late(document, found):
                return await as_document(found, self._blobs)
            try:
                if document.body is None:
                    await self._remove(layout, found)
                    return replace(document, etag=None)
                stored = await self._write(layout, item, there)
            except Conflict:
                await _pause(attempt)
                continue
            if stored is None:
                raise _taken(document)
            return replace(document, etag=stored["_etag"])
        raise _busy(document.kind, document.id)

    async def _write(self, layout: Layout, item: Item, there: Item | None) -> Item | None:
        """Write where `there` was read. None when the id is another's; `Conflict` when to look again."""
        items = self._account.items(layout.container)
        new = there is None or "gone" in there
        if new and layout.by != "id" and not await Reservations(items).take(item["id"], item["pk"]):
            return None
        if there is None:
            return await items.create(item)
        return await items.replace(item, there["_etag"])

    async def _remove(self, layout: Layout, found: Item | None) -> None:
        if found is None:
            return
        items = self._account.items(layout.container)
        if layout.by == "id":
            await items.delete(found["id"], found["pk"], found["_etag"])
            return
        reservations = Reservations(items)
        reserved = await reservations.read(found["id"])
        await items.replace(tombstone(found["id"], found["pk"]), found["_etag"])
        if reserved is not None:
            await reservations.drop(reserved)


def _served(filters: Mapping[str, Any]) -> tuple[str, ...]:
    """The leading paths of the composite index that serves these filters best."""
    if "parent" in filters:
        return "kind", "parent"
    return ("kind", *(name for name in ("owner", "status") if name in filters))


def _judge(
    document: Document, found: Item | None, *, create: bool = False, judged: bool = False
) -> None:
    """Raises `Conflict` when what was found may not be replaced; `judged`: it was looked at before."""
    if found is not None and found["owner"] != document.owner:
        raise _taken(document)
    if judged:
        return
    if found is not None and create:
        raise _taken(document)
    if document.etag is not None and (found is None or found["_etag"] != document.etag):
        raise Conflict(f"The {document.kind} {document.id} has changed since it was read.")


def _is_late(document: Document, found: Item) -> bool:
    return (
        found["position"] is not None
        and document.position is not None
        and document.position <= int(found["position"])
    )


def _taken(document: Document) -> Conflict:
    return Conflict(f"There is a {document.kind} {document.id} already.")


def _busy(kind: str, id: str) -> Unavailable:
    return Unavailable(f"The {kind} {id} is being changed by many at once.")


async def _pause(attempt: int) -> None:
    await asyncio.sleep(random.random() * PAUSE_S * (attempt + 1))
