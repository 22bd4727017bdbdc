"""The document store on a SQL database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend.contracts.ports import Document, Page
from backend.stores import cursors, documents, searching
from backend.stores.database import Connection, Database
from backend.stores.documents import COLUMNS, from_row, micros

MAX_LIMIT = 1000


class SqlStore:
    """`Store` on a `Database`, in the same file and transactions as the bus."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, kind: str, id: str, owner: str | None) -> Document | None:
        found = await self._database.read(lambda connection: documents.get(connection, kind, id))
        return found if found is not None and owner in (None, found.owner) else None

    async def put(self, document: Document, *, create: bool = False) -> Document:
        body = documents.body_of(document)

        def job(connection: Connection) -> Document:
            key = (document.kind, document.id)
            found = documents.look(connection, [key]).get(key)
            documents.check(document, found, create=create)
            if documents.is_late(document, found):
                kept = documents.get(connection, *key)
                assert kept is not None
                return kept
            change = documents.change(document, body, found)
            documents.write(connection, [change])
            return documents.stored(change)

        return await self._database.write(job)

    async def delete(self, kind: str, id: str, owner: str | None) -> bool:
        def job(connection: Connection) -> bool:
            found = documents.look(connection, [(kind, id)]).get((kind, id))
            if found is None or owner not in (None, found.owner):
                return False
            gone = Document(kind, id, found.owner, None)
            documents.write(connection, [documents.change(gone, b"", found)])
            return True

        return await self._database.write(job)

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
        conditions, values = ["kind = ?"], [kind]
        for column, value in (("owner", owner), ("status", status), ("parent", parent)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if cursor is not None:
            conditions.append(f"(sort, id) {'<' if newest_first else '>'} (?, ?)")
            values += cursors.place(cursor)
        order = "DESC" if newest_first else "ASC"
        found = await self._select(
            f"WHERE {' AND '.join(conditions)} ORDER BY sort {order}, id {order} LIMIT ?",
            (*values, limit + 1),
        )
        last = found[limit - 1] if len(found) > limit else None
        return Page(tuple(found[:limit]), None if last is None else cursors.cursor(last))

    async def due(self, kind: str, before: datetime, limit: int = 100) -> Sequence[Document]:
        return await self._select(
            "WHERE kind = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?",
            (kind, micros(before), limit),
        )

    async def search(
        self, kind: str, words: str, *, owner: str, limit: int = 20
    ) -> Sequence[Document]:
        terms = searching.terms(words)
        if not terms:
            return ()
        await self._make_searchable(kind, owner)

        def query(connection: Connection) -> Sequence[Document]:
            found = searching.find(connection, kind, owner, terms, limit)
            return [from_row(row) for row in found]

        return await self._database.read(query)

    async def _make_searchable(self, kind: str, owner: str) -> None:
        """Index the words written since the last search: most documents are never searched for,
        and writing them is on the hot path."""
        while await self._database.read(lambda c: searching.waits(c, kind, owner)):
            await self._database.write(lambda c: searching.index(c, kind, owner))

    async def _select(self, rest: str, values: tuple[Any, ...]) -> Sequence[Document]:
        def query(connection: Connection) -> Sequence[Document]:
            rows = connection.execute(f"SELECT {COLUMNS} FROM documents {rest}", values)
            return [from_row(row) for row in rows]

        return await self._database.read(query)
