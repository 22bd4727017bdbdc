"""A person's files for several machines: a document per path, contents by their hash."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from backend.context.paths import MAX_BYTES, MAX_LISTED, matches, parts_of
from backend.contracts.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable
from backend.contracts.events import utc_now
from backend.contracts.ports import Blobs, Document, FileInfo, Store
from backend.stores.folder import owner_folder

KIND = "file"
FILE, FOLDER = "file", "folder"
PAGE = 500
TRIES = 30
PAUSE_S = 0.02


class ManifestFiles:
    """`Files` over any `Store` and `Blobs`. A path's document says what it is, a file or a folder; a
    file's names its content, which is stored before, so that readers see the old one or the new.

    What a file held before stays in `blobs`.
    """

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        *,
        max_bytes: int = MAX_BYTES,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._max_bytes = max_bytes
        self._now = now
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, owner: str, path: str) -> bytes:
        full = "/".join(parts_of(path))
        document = await self._document(owner, full)
        if document is None:
            raise NotFound(f"There is no file {path}.")
        _checked(document, FILE, full)
        return await self._content(owner, document)

    async def write(
        self, owner: str, path: str, content: bytes, *, append: bool = False
    ) -> FileInfo:
        *folders, name = parts_of(path)
        self._measure(content, path)
        for depth in range(1, len(folders) + 1):
            await self._make_folder(owner, folders[:depth])
        full = "/".join([*folders, name])
        # Only for speed: of many who append here, all but one would lose against the etag each time.
        turn = self._turns.setdefault(_id(owner, full), asyncio.Lock())
        async with turn:
            for attempt in range(TRIES):
                try:
                    return await self._replace(owner, full, content, append)
                except Conflict:
                    await asyncio.sleep(random.random() * PAUSE_S * (attempt + 1))
        raise Unavailable(f"{path} is being written by many at once.")

    async def list(self, owner: str, folder: str = "", pattern: str = "*") -> Sequence[FileInfo]:
        """Files below `folder`, by path; `pattern` is matched against the name, or, when it has a
        slash, against the path below `folder`. A folder that is not there holds nothing."""
        start = "/".join(parts_of(folder)) if folder.strip("/") else ""
        found: list[FileInfo] = []
        if start:
            document = await self._document(owner, start)
            if document is None:
                return ()
            _checked(document, FOLDER, start)
        waiting = [start]
        while waiting and len(found) < MAX_LISTED:
            for document in await self._inside(owner, waiting.pop()):
                info = _info(document)
                if document.status == FOLDER:
                    waiting.append(info.path)
                elif matches(info.path[len(start) :].lstrip("/"), pattern):
                    found.append(info)
        return tuple(sorted(found, key=lambda info: info.path)[:MAX_LISTED])

    async def delete(self, owner: str, path: str) -> None:
        full = "/".join(parts_of(path))
        document = await self._document(owner, full)
        if document is not None:
            _checked(document, FILE, full)
        if document is None or not await self._store.delete(KIND, document.id, document.owner):
            raise NotFound(f"There is no file {path}.")

    async def _replace(self, owner: str, full: str, content: bytes, append: bool) -> FileInfo:
        """Raises `Conflict` when somebody else wrote meanwhile."""
        there = await self._document(owner, full)
        if there is not None:
            _checked(there, FILE, full)
        if append and there is not None:
            content = await self._content(owner, there) + content
            self._measure(content, full)
        sha256 = await self._blobs.put(owner, content)
        document = self._described(owner, full, FILE, {"sha256": sha256, "size": len(content)})
        if there is None:
            return _info(await self._store.put(document, create=True))
        return _info(await self._store.put(replace(document, etag=there.etag)))

    async def _make_folder(self, owner: str, parts: Sequence[str]) -> None:
        full = "/".join(parts)
        there = await self._document(owner, full)
        if there is None:
            try:
                await self._store.put(
                    self._described(owner, full, FOLDER, {"size": 0}), create=True
                )
            except Conflict:
                there = await self._document(owner, full)
        if there is not None:
            _checked(there, FOLDER, full)

    def _described(self, owner: str, full: str, status: str, body: dict[str, Any]) -> Document:
        body |= {"path": full, "modified": self._now().isoformat()}
        parent, _, name = full.rpartition("/")
        return Document(
            KIND,
            _id(owner, full),
            _storable(owner),
            body,
            parent=_id(owner, parent),
            status=status,
            sort=name,
        )

    async def _document(self, owner: str, full: str) -> Document | None:
        return await self._store.get(KIND, _id(owner, full), _storable(owner))

    async def _inside(self, owner: str, folder: str) -> Sequence[Document]:
        """What is directly in a folder."""
        found: list[Document] = []
        cursor: str | None = None
        while len(found) < MAX_LISTED:
            page = await self._store.list(
                KIND,
                owner=_storable(owner),
                parent=_id(owner, folder),
                cursor=cursor,
                limit=PAGE,
                newest_first=False,
            )
            found += page.items
            cursor = page.cursor
            if cursor is None:
                break
        return found

    async def _content(self, owner: str, document: Document) -> bytes:
        body = document.body or {}
        if body["size"] > self._max_bytes:
            raise TooLarge(f"{body['path']} has more than {self._max_bytes} bytes.")
        return await self._blobs.get(owner, body["sha256"])

    def _measure(self, content: bytes, path: str) -> None:
        if len(content) > self._max_bytes:
            raise TooLarge(f"{path} would have more than {self._max_bytes} bytes.")


def _id(owner: str, full: str) -> str:
    # Hashed, because two owners may have the same path, and an owner's id may hold anything.
    return f"{owner_folder(owner)}/{full}"


def _storable(owner: str) -> str:
    return owner.encode("utf-8", "backslashreplace").decode()


def _checked(document: Document, wanted: str, path: str) -> None:
    if document.status != wanted:
        raise Invalid(f"{path} is a {document.status}, not a {wanted}.", code="EXEC_PATH_INVALID")


def _info(document: Document) -> FileInfo:
    body = document.body or {}
    return FileInfo(body["path"], body["size"], datetime.fromisoformat(body["modified"]))
