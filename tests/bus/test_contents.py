"""Large values that cannot be read just when their message is taken out of the queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.bus.sql import SqlBus
from backend.contracts.errors import Unavailable
from backend.contracts.ports import Commit, Settlement
from backend.stores.folder import FolderBlobs
from backend.stores.sqlite import Sqlite
from tests.conformance.adapters import event, receive_all, work

PAGE = {"page": "x" * 200_000}


class FailingBlobs(FolderBlobs):
    """Says `failures` times that it cannot be read."""

    failures = 0

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.failed = asyncio.Event()

    async def get(self, owner: str, sha256: str) -> bytes:
        if self.failures:
            self.failures -= 1
            self.failed.set()
            raise Unavailable("A content cannot be read now: Too many open files.")
        return await super().get(owner, sha256)


@pytest.fixture
def blobs(tmp_path: Path) -> FailingBlobs:
    return FailingBlobs(tmp_path / "blobs")


@pytest.fixture
async def bus(tmp_path: Path, blobs: FailingBlobs) -> AsyncIterator[SqlBus]:
    database = Sqlite(tmp_path / "lightning.db")
    await database.start()
    bus = SqlBus(database, blobs=blobs)
    await bus.start()
    yield bus
    await bus.close()
    await database.close()


async def test_a_message_whose_value_cannot_be_read_now_comes_when_it_can(
    bus: SqlBus, blobs: FailingBlobs
) -> None:
    large, small = work(data=PAGE), work(data={"page": "x"})
    await bus.publish([large, small])
    blobs.failures = 1
    assert [d.event.id for d in await bus.receive(10)] == [small.event.id]
    (late,) = await bus.receive(10)
    assert (late.event.id, late.event.data) == (large.event.id, PAGE)
    assert await bus.dead_letters() == []


async def test_a_receiver_that_gives_up_meanwhile_loses_nothing(
    bus: SqlBus, blobs: FailingBlobs
) -> None:
    large = work(data=PAGE)
    await bus.publish([large])
    blobs.failures = 1
    receiver = asyncio.ensure_future(bus.receive(10))
    await blobs.failed.wait()
    receiver.cancel()
    await asyncio.gather(receiver, return_exceptions=True)
    (found,) = await bus.receive(10)
    assert found.event.data == PAGE


async def test_a_damaged_value_is_a_dead_letter_and_stops_no_other(
    bus: SqlBus, tmp_path: Path
) -> None:
    large, small = work(data=PAGE), work(data={"page": "x"})
    await bus.publish([large, small])
    (content,) = (path for path in (tmp_path / "blobs").rglob("*") if path.is_file())
    content.chmod(0o600)
    content.write_bytes(content.read_bytes()[:1000])
    assert [d.event.id for d in await receive_all(bus)] == [small.event.id]
    (letter,) = await bus.dead_letters()
    assert letter.delivery.event.id == large.event.id
    assert letter.error["code"] == "EXEC_BLOB_MISSING"


async def test_a_damaged_value_leaves_the_rest_of_history_readable(
    bus: SqlBus, tmp_path: Path
) -> None:
    large, small = event(data=PAGE), event(data={"page": "x"})
    for position, cause in enumerate((large, small)):
        await bus.settle([Settlement(commits=(Commit("run:1", position, cause),))])
    (content,) = (path for path in (tmp_path / "blobs").rglob("*") if path.is_file())
    content.chmod(0o600)
    content.write_bytes(b'"cut')
    history = await bus.history("run:1")
    assert [c.cause.id for c in history.commits] == [large.id, small.id]
    assert list(history.commits[0].cause.data["page"]) == ["$blob"]
