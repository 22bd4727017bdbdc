"""The document store in memory: same behaviour, nothing kept."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from backend.contracts.errors import Conflict, Invalid
from backend.contracts.ports import Document, Page
from backend.stores.documents import body_of, text_of
from backend.stores.encoding import decode


class MemoryStore:
    """`Store` as a dictionary, for tests and trials."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, str], Document] = {}
        self._writes = 0

    async def get(self, kind: str, id: str, owner: str | None) -> Document | None:
        found = self._documents.get((kind, id))
        return found if found is not None and owner in (None, found.owner) else None

    async def put(self, document: Document, *, create: bool = False) -> Document:
        self.check(document, create=create)
        return self.write(document)

    def check(self, document: Document, *, create: bool = False) -> None:
        """Raises `Conflict` when the document may not be written."""
        found = self._documents.get((document.kind, document.id))
        if found is not None and (create or found.owner != document.owner):
            raise Conflict(f"There is a {document.kind} {document.id} already.")
        if document.etag is not None and (found is None or found.etag != document.etag):
            raise Conflict(f"The {document.kind} {document.id} has changed since it was read.")

    def write(self, document: Document) -> Document:
        """Write what was checked; returns what is stored then."""
        key = (document.kind, document.id)
        found = self._documents.get(key)
        if (
            found is not None
            and found.position is not None
            and document.position is not None
            and document.position <= found.position
        ):
            return found
        if document.body is None:
            self._documents.pop(key, None)
            return replace(document, etag=None)
        self._writes += 1
        body = decode(body_of(document))
        self._documents[key] = replace(document, body=body, etag=str(self._writes))
        return self._documents[key]

    async def delete(self, kind: str, id: str, owner: str | None) -> bool:
        if await self.get(kind, id, owner) is None:
            return False
        del self._documents[kind, id]
        return True

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
        found = self._find(
            lambda d: (
                d.kind == kind
                and owner in (None, d.owner)
                and status in (None, d.status)
                and parent in (None, d.parent)
            )
        )
        found.sort(key=lambda d: (d.sort, d.id), reverse=newest_first)
        if cursor is not None:
            sort, separator, id = cursor.partition("\x1f")
            if not separator:
                raise Invalid("This cursor is not one of ours.", code="EXEC_CURSOR_INVALID")
            found = [
                d
                for d in found
                if ((d.sort, d.id) < (sort, id) if newest_first else (d.sort, d.id) > (sort, id))
            ]
        last = found[limit - 1] if len(found) > limit else None
        return Page(tuple(found[:limit]), f"{last.sort}\x1f{last.id}" if last else None)

    async def due(self, kind: str, before: datetime, limit: int = 100) -> Sequence[Document]:
        found = self._find(lambda d: d.kind == kind and d.due_at is not None and d.due_at <= before)
        return sorted(found, key=lambda d: (str(d.due_at), d.id))[:limit]

    async def search(
        self, kind: str, words: str, *, owner: str, limit: int = 20
    ) -> Sequence[Document]:
        wanted = set(_words(words))
        scored = [
            (len(wanted.intersection(_words(text_of(d.body or {})))), d)
            for d in self._find(lambda d: d.kind == kind and d.owner == owner)
        ]
        scored.sort(key=lambda pair: -pair[0])
        return [document for score, document in scored if score][:limit]

    def _find(self, wanted: Callable[[Document], bool]) -> builtins.list[Document]:
        return [document for document in self._documents.values() if wanted(document)]


def _words(text: str) -> Sequence[str]:
    return re.findall(r"\w+", text.casefold())
