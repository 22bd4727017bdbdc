"""Contents in the database, for processes that share nothing else."""

from __future__ import annotations

import hashlib

from backend.contracts.errors import NotFound
from backend.stores.database import Connection, Database
from backend.stores.folder import SHA256, owner_folder

_PUT = "INSERT INTO contents (owner, sha256, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_GET = "SELECT content FROM contents WHERE owner = ? AND sha256 = ?"
_HAS = "SELECT 1 FROM contents WHERE owner = ? AND sha256 = ?"


class SqlBlobs:
    """`Blobs` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, owner: str, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        # Hashed, because an owner's id may hold anything.
        key = (owner_folder(owner), sha256)

        def has(connection: Connection) -> bool:
            return connection.execute(_HAS, key).fetchone() is not None

        def job(connection: Connection) -> None:
            connection.execute(_PUT, (*key, content))

        if not await self._database.read(has):
            await self._database.write(job)
        return sha256

    async def get(self, owner: str, sha256: str) -> bytes:
        def query(connection: Connection) -> bytes | None:
            row = connection.execute(_GET, (owner_folder(owner), sha256)).fetchone()
            return None if row is None else bytes(row[0])

        content = await self._database.read(query) if SHA256.fullmatch(sha256) else None
        if content is None:
            raise NotFound("There is no such content.")
        return content
