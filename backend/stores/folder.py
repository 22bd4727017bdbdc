"""Blobs in a folder: one file per content, one subfolder per owner."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
from pathlib import Path

from backend.contracts.errors import NotFound, Unavailable

SHA256 = re.compile(r"[0-9a-f]{64}")


class FolderBlobs:
    """Contents under `root/<owner's hash>/<first two digits>/<sha256>`; written whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def put(self, owner: str, content: bytes) -> str:
        return await asyncio.to_thread(self._put, owner, content)

    async def get(self, owner: str, sha256: str) -> bytes:
        return await asyncio.to_thread(self._get, owner, sha256)

    def _put(self, owner: str, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._path(owner, sha256)
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(path, content)
        except OSError as error:
            raise Unavailable(f"A content cannot be stored now: {error.strerror}.") from error
        return sha256

    def _get(self, owner: str, sha256: str) -> bytes:
        if not SHA256.fullmatch(sha256):
            raise NotFound("There is no such content.")
        try:
            return self._path(owner, sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound("There is no such content.") from None
        except OSError as error:
            raise Unavailable(f"A content cannot be read now: {error.strerror}.") from error

    def _path(self, owner: str, sha256: str) -> Path:
        # Hashed, because an owner's id may hold anything and file systems may ignore case.
        return self.root / owner_folder(owner) / sha256[:2] / sha256


def owner_folder(owner: str) -> str:
    return hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def write_whole(path: Path, content: bytes) -> None:
    """Write beside, sync, rename: readers and crashes see the old content or the new, never a part."""
    beside = path.with_name(f".{os.urandom(8).hex()}.part")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
