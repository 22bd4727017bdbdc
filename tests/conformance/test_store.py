"""The document store: etags, owners, lists, due times, search."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend.contracts.errors import Conflict, Invalid
from backend.contracts.ports import Document, Store
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.database import Database
from backend.stores.folder import FolderBlobs
from backend.stores.memory import MemoryStore
from backend.stores.postgres import Postgres
from backend.stores.sql import SqlStore
from backend.stores.sqlite import Sqlite
from tests import postgres
from tests.azure.doubles import cosmos_account

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres", "memory", "azure"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    if request.param == "azure":
        async with cosmos_account() as account:
            yield CosmosStore(account, FolderBlobs(tmp_path / "blobs"))
        return
    with contextlib.ExitStack() as stack:
        database: Database
        if request.param == "postgres":
            database = Postgres(stack.enter_context(postgres.database()))
        else:
            database = Sqlite(tmp_path / "lightning.db")
        await database.start()
        yield SqlStore(database)
        await database.close()


def plan(id: str = "1", owner: str = "ann", **more: Any) -> Document:
    return Document("plan", id, owner, more.pop("body", {"n": 1}), **more)


def ids(documents: Any) -> list[str]:
    return [document.id for document in documents]


async def test_what_was_put_is_got_as_it_was(store: Store) -> None:
    document = plan(
        body={"text": "žluť 🐎", "nested": {"list": [1, None, 2.5, True]}},
        parent="thread-1",
        status="approved",
        sort="2026-03-29",
        due_at=NOON.replace(microsecond=123456),
        position=7,
    )
    put = await store.put(document)
    assert put.etag is not None
    assert put == replace(document, etag=put.etag)
    assert await store.get("plan", "1", "ann") == put
    assert await store.get("plan", "1", None) == put


async def test_what_is_not_there_is_none(store: Store) -> None:
    await store.put(plan())
    assert await store.get("plan", "2", "ann") is None
    assert await store.get("run", "1", "ann") is None


async def test_another_owners_document_is_as_if_not_there(store: Store) -> None:
    await store.put(plan())
    assert await store.get("plan", "1", "bob") is None
    assert not await store.delete("plan", "1", "bob")
    assert (await store.list("plan", owner="bob")).items == ()
    assert not await store.search("plan", "1", owner="bob")
    with pytest.raises(Conflict):
        await store.put(plan(owner="bob"))
    assert await store.get("plan", "1", "ann") is not None


async def test_every_write_changes_the_etag(store: Store) -> None:
    etags = {(await store.put(plan())).etag for _ in range(5)}
    assert len(etags) == 5


async def test_a_write_with_the_stored_etag_replaces(store: Store) -> None:
    first = await store.put(plan())
    second = await store.put(replace(first, body={"n": 2}))
    assert second.etag != first.etag
    assert (await store.get("plan", "1", "ann")) == second


async def test_a_write_with_an_old_etag_is_a_conflict(store: Store) -> None:
    first = await store.put(plan())
    second = await store.put(plan(body={"n": 2}))
    with pytest.raises(Conflict):
        await store.put(replace(first, body={"n": 3}))
    assert await store.get("plan", "1", "ann") == second


async def test_an_etag_of_what_is_gone_is_a_conflict(store: Store) -> None:
    first = await store.put(plan())
    await store.delete("plan", "1", "ann")
    with pytest.raises(Conflict):
        await store.put(first)


async def test_of_many_with_the_same_etag_one_wins(store: Store) -> None:
    first = await store.put(plan())
    results = await asyncio.gather(
        *(store.put(replace(first, body={"n": n})) for n in range(10)), return_exceptions=True
    )
    assert sum(isinstance(result, Document) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 9


async def test_creating_what_is_there_is_a_conflict(store: Store) -> None:
    await store.put(plan(), create=True)
    with pytest.raises(Conflict):
        await store.put(plan(body={"n": 2}), create=True)
    stored = await store.get("plan", "1", "ann")
    assert stored is not None
    assert stored.body == {"n": 1}


async def test_a_write_of_an_earlier_position_changes_nothing(store: Store) -> None:
    newer = await store.put(plan(body={"n": 5}, position=5))
    assert await store.put(plan(body={"n": 4}, position=4)) == newer
    assert await store.put(plan(body={"n": 55}, position=5)) == newer
    assert (await store.put(plan(body={"n": 6}, position=6))).body == {"n": 6}


async def test_a_body_of_none_deletes(store: Store) -> None:
    await store.put(plan())
    assert (await store.put(Document("plan", "1", "ann", None))).etag is None
    assert await store.get("plan", "1", "ann") is None


async def test_deleting_says_whether_there_was_something(store: Store) -> None:
    await store.put(plan())
    assert await store.delete("plan", "1", "ann")
    assert not await store.delete("plan", "1", "ann")
    await store.put(plan())
    assert await store.delete("plan", "1", None)


async def test_a_body_that_is_not_json_is_refused(store: Store) -> None:
    with pytest.raises(Invalid):
        await store.put(plan(body={"it": object()}))


async def test_a_document_cannot_be_changed_through_what_was_put(store: Store) -> None:
    body = {"list": [1]}
    await store.put(plan(body=body))
    body["list"].append(2)
    stored = await store.get("plan", "1", "ann")
    assert stored is not None
    assert stored.body == {"list": [1]}


# --- lists ----------------------------------------------------------------------------------------


async def filled(store: Store) -> None:
    for n in range(20):
        await store.put(
            plan(
                f"{n:02}",
                owner="ann" if n % 2 else "bob",
                status="open" if n % 3 else "done",
                parent=f"thread-{n % 4}",
                sort=f"{n // 2:02}",
            )
        )
    await store.put(Document("run", "99", "ann", {}))


async def test_a_list_is_newest_first_or_oldest_first(store: Store) -> None:
    await filled(store)
    newest = ids((await store.list("plan", owner=None)).items)
    assert newest == [f"{n:02}" for n in reversed(range(20))]
    oldest = ids((await store.list("plan", owner=None, newest_first=False)).items)
    assert oldest == newest[::-1]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 10, 20, 50])
async def test_pages_make_the_whole_list(store: Store, newest_first: bool, limit: int) -> None:
    await filled(store)
    found: list[str] = []
    cursor = None
    while True:
        page = await store.list(
            "plan", owner=None, cursor=cursor, limit=limit, newest_first=newest_first
        )
        found += ids(page.items)
        cursor = page.cursor
        if cursor is None:
            break
        assert len(page.items) == limit
    assert found == sorted(found, reverse=newest_first)
    assert len(found) == 20


async def test_a_list_is_filtered_by_its_envelope(store: Store) -> None:
    await filled(store)
    mine = ids((await store.list("plan", owner="ann")).items)
    assert mine == [f"{n:02}" for n in reversed(range(20)) if n % 2]
    both = await store.list("plan", owner="ann", status="open", parent="thread-1")
    assert ids(both.items) == [f"{n:02}" for n in reversed(range(20)) if n % 4 == 1 and n % 3]
    assert (await store.list("plan", owner=None, status="none")).items == ()


async def test_pages_stay_right_while_documents_are_added(store: Store) -> None:
    await filled(store)
    first = await store.list("plan", owner=None, limit=10)
    await store.put(plan("new", sort="99"))
    second = await store.list("plan", owner=None, limit=10, cursor=first.cursor)
    assert ids(first.items) + ids(second.items) == [f"{n:02}" for n in reversed(range(20))]


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "W10", "bnVsbA", "é" * 10])
async def test_a_made_up_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(Invalid):
        await store.list("plan", owner=None, cursor=cursor)


# --- due ------------------------------------------------------------------------------------------


async def test_due_documents_come_earliest_first(store: Store) -> None:
    for hours in (3, 1, 2, 5):
        await store.put(plan(str(hours), due_at=NOON + timedelta(hours=hours)))
    await store.put(plan("never"))
    await store.put(Document("run", "1", "ann", {}, due_at=NOON))
    assert ids(await store.due("plan", NOON + timedelta(hours=3))) == ["1", "2", "3"]
    assert ids(await store.due("plan", NOON + timedelta(hours=9), limit=2)) == ["1", "2"]
    assert not await store.due("plan", NOON)


async def test_a_document_no_longer_due_is_not_listed(store: Store) -> None:
    await store.put(plan(due_at=NOON))
    await store.put(plan())
    assert not await store.due("plan", NOON)


# --- search ---------------------------------------------------------------------------------------


async def test_search_finds_words_anywhere_in_the_body(store: Store) -> None:
    await store.put(plan("1", body={"title": "Weather in Prague"}))
    await store.put(plan("2", body={"steps": [{"text": "the weather, again"}]}))
    await store.put(plan("3", body={"title": "Flights"}))
    assert sorted(ids(await store.search("plan", "WEATHER", owner="ann"))) == ["1", "2"]
    assert not await store.search("plan", "snow", owner="ann")
    assert not await store.search("run", "weather", owner="ann")


async def test_the_best_match_comes_first(store: Store) -> None:
    await store.put(plan("one", body={"t": "weather " + "and other things " * 20}))
    await store.put(plan("both", body={"t": "weather report"}))
    assert ids(await store.search("plan", "weather report", owner="ann"))[0] == "both"
    assert len(await store.search("plan", "weather report", owner="ann", limit=1)) == 1


async def test_search_follows_changes(store: Store) -> None:
    await store.put(plan(body={"t": "weather"}))
    assert await store.search("plan", "weather", owner="ann")
    await store.put(plan(body={"t": "flights"}))
    assert not await store.search("plan", "weather", owner="ann")
    assert await store.search("plan", "flights", owner="ann")
    await store.delete("plan", "1", "ann")
    assert not await store.search("plan", "flights", owner="ann")
    await store.put(plan("2", body={"t": "snow"}))
    assert not await store.search("plan", "flights", owner="ann")


async def test_search_is_owned(store: Store) -> None:
    await store.put(plan("1", owner="ann", body={"t": "weather"}))
    await store.put(plan("2", owner="bob", body={"t": "weather"}))
    assert ids(await store.search("plan", "weather", owner="ann")) == ["1"]


@pytest.mark.parametrize(
    "words", ["", "   ", '"', '" OR *', "a*", "NEAR(", "t:x", "'; DROP", "(" * 99]
)
async def test_search_takes_whatever_a_person_types(store: Store, words: str) -> None:
    await store.put(plan(body={"t": "weather"}))
    assert not await store.search("plan", words, owner="ann")
