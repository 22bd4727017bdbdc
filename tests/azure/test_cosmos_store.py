"""Documents in Cosmos DB, beyond what every store does: where they lie, what breaks, what it costs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.contracts.errors import Conflict, Unavailable
from backend.contracts.ports import Document
from backend.stores.azure import places
from backend.stores.azure.account import CosmosAccount
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.azure.envelope import GONE_S, LARGE_BYTES
from backend.stores.folder import FolderBlobs
from tests.azure import doubles
from tests.azure.doubles import cosmos_account


@pytest.fixture
async def account() -> AsyncIterator[CosmosAccount]:
    async with cosmos_account() as account:
        yield account


@pytest.fixture
def store(account: CosmosAccount, tmp_path: Path) -> CosmosStore:
    return CosmosStore(account, FolderBlobs(tmp_path / "blobs"))


def document(kind: str = "plan", id: str = "1", owner: str = "ann", **more: Any) -> Document:
    return Document(kind, id, owner, more.pop("body", {"n": 1}), **more)


def calls(account: CosmosAccount) -> dict[str, int]:
    return {name: charge.calls for name, charge in account.meter.counted().items()}


# --- where they lie -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "container", "partition"),
    [
        ("plan", "documents", "owner:ann"),
        ("checkpoint", "documents", "parent:thread-1"),
        ("checkpoint.write", "documents", "parent:thread-1"),
        ("schedule", "schedules", "schedule~.1"),
        ("user", "users", "user~.1"),
        ("file", "repos", "owner:ann"),
    ],
)
async def test_a_kind_has_its_container_and_partition(
    account: CosmosAccount, store: CosmosStore, kind: str, container: str, partition: str
) -> None:
    put = await store.put(document(kind, parent="thread-1"))
    assert await account.items(container).read(places.item_id(kind, "1"), partition)
    assert await store.get(kind, "1", "ann") == await store.get(kind, "1", None) == put
    assert (await store.list(kind, owner="ann", parent="thread-1")).items == (put,)
    with pytest.raises(Conflict):
        await store.put(document(kind, owner="bob", parent="thread-1"))
    assert await store.delete(kind, "1", "ann")
    assert await store.get(kind, "1", None) is None
    bobs = await store.put(document(kind, owner="bob", parent="thread-2"))
    assert await store.get(kind, "1", None) == bobs


@pytest.mark.parametrize(
    "id", ["a/b?c#d\\e", "~", "~41", "..", "", " ", "žluť 🐎", "\n", "x" * 5000, "'; DROP", "\x00"]
)
async def test_an_id_may_hold_anything(store: CosmosStore, id: str) -> None:
    await store.put(document(id="other"))
    put = await store.put(document(id=id, owner=f"owner {id}"))
    assert await store.get("plan", id, f"owner {id}") == put
    assert await store.get("plan", id, None) == put
    assert (await store.list("plan", owner=f"owner {id}")).items == (put,)


def test_different_ids_lie_in_different_places() -> None:
    hashed = "~~" + hashlib.sha256(b"x" * 300).hexdigest()
    ids = ["A", "~41", "~", "~~", "a.b", "a~.b", "x" * 300, hashed, "é", "e", "\ud800", "?"]
    pairs = [(kind, id) for kind in ids for id in ids]
    assert len({places.item_id(*pair) for pair in pairs}) == len(pairs)


async def test_a_document_that_moves_to_another_parent_is_a_conflict(store: CosmosStore) -> None:
    await store.put(document("checkpoint", parent="1"))
    with pytest.raises(Conflict):
        await store.put(document("checkpoint", parent="2"))


async def test_what_is_known_by_kind_id_and_owner_is_one_read(
    account: CosmosAccount, store: CosmosStore
) -> None:
    await store.put(document())
    await store.put(document("schedule"))
    before = calls(account)
    await store.get("plan", "1", "ann")
    await store.get("schedule", "1", None)
    after = calls(account)
    assert after["documents.read"] == before["documents.read"] + 1
    assert after["schedules.read"] == before["schedules.read"] + 1
    await store.get("plan", "1", None)
    assert calls(account)["documents.read"] == after["documents.read"] + 2


# --- bodies ---------------------------------------------------------------------------------------


async def test_numbers_keep_all_their_digits(store: CosmosStore) -> None:
    body = {"large": 2**63 - 1, "small": -(2**63), "real": 0.1, "whole": 1.0}
    await store.put(document(body=body))
    found = await store.get("plan", "1", "ann")
    assert found is not None
    assert found.body == body


@pytest.mark.parametrize(
    "text", ["x" * LARGE_BYTES * 8, '"\n' * (LARGE_BYTES // 5), "é\\" * 50_000]
)
async def test_a_large_body_is_kept(store: CosmosStore, text: str) -> None:
    put = await store.put(document(body={"text": text}))
    assert await store.get("plan", "1", "ann") == put
    assert (await store.list("plan", owner="ann")).items == (put,)
    small = await store.put(document(body={"text": "small"}))
    assert await store.get("plan", "1", "ann") == small


async def test_words_are_found_without_their_accents_and_the_newest_first(
    store: CosmosStore,
) -> None:
    for n in range(3):
        await store.put(document(id=str(n), sort=str(n), body={"t": "Žluťoučký kůň"}))
    await store.put(document(id="more", sort="", body={"t": "zlutoucky kun, kone"}))
    found = await store.search("plan", "KŮŇ kone", owner="ann")
    assert [one.id for one in found] == ["more", "2", "1", "0"]


# --- what breaks ----------------------------------------------------------------------------------


async def test_a_write_whose_reply_was_lost_was_made_once(store: CosmosStore) -> None:
    lost = {"kind": "lose", "every": 2, "path": "/docs"}
    with doubles.cosmos().faults(lost):
        for n in range(5):
            put = await store.put(document(id=str(n)), create=True)
            put = await store.put(replace(put, body={"n": 2}))
            assert await store.get("plan", str(n), "ann") == put
            assert await store.delete("plan", str(n), "ann")
            assert await store.get("plan", str(n), None) is None


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_what_cannot_be_written_now_can_be_later(store: CosmosStore, method: str) -> None:
    """Wherever in a put or a delete it stops, the same call later does it."""
    down = {"kind": "status", "status": 503, "every": 1, "method": method, "path": "/docs/"}
    with doubles.cosmos().faults(down), pytest.raises(Unavailable):
        await store.put(document(), create=True)
        await store.put(document())
    await store.put(document())
    with doubles.cosmos().faults({**down, "method": "PUT"}), pytest.raises(Unavailable):
        await store.delete("plan", "1", "ann")
    assert await store.delete("plan", "1", "ann")
    assert (await store.put(document(owner="bob"), create=True)).owner == "bob"


async def test_no_acknowledged_write_is_lost_whatever_the_wire_does(store: CosmosStore) -> None:
    acknowledged = 0

    async def count() -> None:
        nonlocal acknowledged
        for _ in range(10):
            with contextlib.suppress(Conflict, Unavailable):
                there = await store.get("plan", "1", "ann") or document(body={"n": 0})
                body = {"n": (there.body or {})["n"] + 1}
                await store.put(replace(there, body=body), create=there.etag is None)
                acknowledged += 1

    path = {"path": "/docs"}
    with doubles.cosmos().faults(
        {"kind": "lose", "every": 7, **path},
        {"kind": "drop", "every": 11, **path},
        {"kind": "status", "status": 429, "retry_after_ms": 1, "every": 5, **path},
        {"kind": "slow", "seconds": 0.02, "every": 3, **path},
    ):
        await asyncio.gather(*(count() for _ in range(4)))
    found = await store.get("plan", "1", "ann")
    # A write may have been made though its reply was lost and another one came before we looked.
    assert found is not None
    assert found.body is not None
    assert 0 < acknowledged <= found.body["n"] <= 40


async def test_a_tombstone_does_not_stay_for_ever(
    account: CosmosAccount, store: CosmosStore
) -> None:
    await store.put(document())
    await store.delete("plan", "1", "ann")
    id = places.item_id("plan", "1")
    assert await account.items("documents").read(id, "owner:ann")
    doubles.cosmos().advance(GONE_S + 1)
    assert await account.items("documents").read(id, "owner:ann") is None
    await store.put(document(), create=True)


async def test_writers_of_one_document_at_once_all_get_their_turn(store: CosmosStore) -> None:
    await asyncio.gather(*(store.put(document(body={"n": n})) for n in range(12)))
    found = await store.get("plan", "1", "ann")
    assert found is not None
    creating = [store.put(document(id="2"), create=True) for _ in range(8)]
    made = await asyncio.gather(*creating, return_exceptions=True)
    assert sum(isinstance(one, Document) for one in made) == 1


# --- what follows from a commit -------------------------------------------------------------------


async def test_what_was_checked_is_applied_and_applied_again(store: CosmosStore) -> None:
    first = await store.put(document(position=1))
    second = replace(first, body={"n": 2}, position=2)
    await store.check(second)
    applied = await store.apply(second)
    assert applied.body == {"n": 2}
    assert await store.apply(second) == applied
    assert await store.apply(replace(second, body={"n": 0}, position=1)) == applied
    gone = replace(second, body=None, position=3)
    assert (await store.apply(gone)).etag is None
    assert (await store.apply(gone)).etag is None


async def test_a_check_refuses_and_writes_nothing(
    account: CosmosAccount, store: CosmosStore
) -> None:
    put = await store.put(document())
    await store.put(document(body={"n": 2}))
    before = calls(account)
    for wrong in (put, document(owner="bob"), document(owner="bob", body=None)):
        with pytest.raises(Conflict):
            await store.check(wrong)
    with pytest.raises(Conflict):
        await store.check(document(), create=True)
    await store.check(document(id="new"), create=True)
    after = calls(account)
    assert {name for name in after if after[name] != before.get(name)} == {"documents.read"}
    with pytest.raises(Conflict):
        await store.apply(document(owner="bob"))
