"""Contents by their hash, each owner's apart."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.contracts.errors import NotFound
from backend.contracts.ports import Blobs
from backend.stores.contents import SqlBlobs
from backend.stores.folder import FolderBlobs
from backend.stores.postgres import Postgres
from tests import postgres
from tests.azure.doubles import azure_blobs


@pytest.fixture(params=["folder", "postgres", "azure"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Blobs]:
    if request.param == "folder":
        yield FolderBlobs(tmp_path / "blobs")
        return
    if request.param == "azure":
        async with azure_blobs() as blobs:
            yield blobs
        return
    with postgres.database() as url:
        database = Postgres(url)
        await database.start()
        yield SqlBlobs(database)
        await database.close()


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 5000])
async def test_a_content_is_got_by_its_hash(blobs: Blobs, content: bytes) -> None:
    sha256 = await blobs.put("ann", content)
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert await blobs.get("ann", sha256) == content


async def test_another_owners_content_is_not_found(blobs: Blobs) -> None:
    sha256 = await blobs.put("ann", b"secret")
    with pytest.raises(NotFound):
        await blobs.get("bob", sha256)
    await blobs.put("bob", b"secret")
    assert await blobs.get("bob", sha256) == b"secret"


@pytest.mark.parametrize(
    "sha256", ["", "0" * 64, "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "\0"]
)
async def test_a_made_up_hash_is_not_found(blobs: Blobs, sha256: str) -> None:
    with pytest.raises(NotFound):
        await blobs.get("ann", sha256)


@pytest.mark.parametrize(
    "owner", ["../bob", "/", "", "a\0b", "x" * 5000, "ann@example.org", "\ud800"]
)
async def test_any_owner_has_a_place(blobs: Blobs, owner: str) -> None:
    sha256 = await blobs.put(owner, b"mine")
    assert await blobs.get(owner, sha256) == b"mine"


async def test_the_same_content_put_at_once_is_one(blobs: Blobs) -> None:
    hashes = await asyncio.gather(*(blobs.put("ann", b"same" * 9999) for _ in range(20)))
    assert len(set(hashes)) == 1
    assert await blobs.get("ann", hashes[0]) == b"same" * 9999
