"""Threads in the store: kept, in order, and their owner's alone."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from chainlit.types import Feedback, Pagination, ThreadFilter

from backend.contracts.errors import Forbidden, Invalid, NotFound
from backend.contracts.events import utc_now
from chat_app.threads import Threads, caller, stamp
from tests.agents.conftest import ANN, Opening, opened, server
from tests.systems import Clock, working

__all__ = ["opened", "server"]


def new() -> str:
    return str(uuid.uuid4())


@contextlib.contextmanager
def by(owner: str) -> Iterator[None]:
    token = caller.set(owner)
    try:
        yield
    finally:
        caller.reset(token)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def threads(tmp_path: Path, clock: Clock) -> AsyncIterator[Threads]:
    async with working(tmp_path) as system:
        yield Threads(system.lightning.store, clock)


def message(thread_id: str, text: str, at: str = "", type: str = "user_message") -> dict[str, str]:
    at = at or stamp(utc_now())
    return {"id": new(), "threadId": thread_id, "type": type, "output": text, "createdAt": at}


async def listed(threads: Threads, first: int = 20, cursor: str | None = None) -> list[str]:
    page = await threads.list_threads(Pagination(first=first, cursor=cursor), ThreadFilter())
    return [thread["id"] for thread in page.data]


async def test_the_first_message_makes_the_thread_and_names_it(threads: Threads) -> None:
    thread_id = new()
    with by("alice"):
        await threads.create_step(message(thread_id, "read the news\nevery day"))
        thread = await threads.get_thread(thread_id)
    assert thread is not None
    assert thread["name"] == "read the news every day"
    assert [step["output"] for step in thread["steps"]] == ["read the news\nevery day"]


async def test_messages_come_back_in_the_order_they_were_said(threads: Threads) -> None:
    thread_id, start = new(), utc_now()
    with by("alice"):
        for minute in (2, 0, 1):
            at = stamp(start + timedelta(minutes=minute))
            await threads.create_step(message(thread_id, str(minute), at))
        thread = await threads.get_thread(thread_id)
    assert thread is not None
    assert [step["output"] for step in thread["steps"]] == ["0", "1", "2"]


async def test_a_thread_of_somebody_else_is_not_there(threads: Threads) -> None:
    thread_id = new()
    with by("alice"):
        await threads.create_step(message(thread_id, "mine"))
    with by("bob"):
        assert await threads.get_thread(thread_id) is None
        assert await threads.get_thread_author(thread_id) == ""
        assert await listed(threads) == []
        await threads.delete_thread(thread_id)
        await threads.update_thread(thread_id, name="his")
        with pytest.raises(NotFound):
            await threads.create_step(message(thread_id, "let me in"))
        with pytest.raises(NotFound):
            await threads.open("bob", thread_id)
    with by("alice"):
        thread = await threads.get_thread(thread_id)
    assert thread is not None
    assert thread["name"] == "mine"
    assert len(thread["steps"]) == 1


async def test_a_message_of_somebody_else_is_not_overwritten(threads: Threads) -> None:
    hers, his = new(), new()
    said = message(hers, "hers")
    with by("alice"):
        await threads.create_step(said)
    with by("bob"):
        await threads.create_step(message(his, "mine"))
        await threads.update_step({**said, "threadId": his, "output": "his"})
        await threads.delete_step(said["id"])
    with by("alice"):
        thread = await threads.get_thread(hers)
    assert thread is not None
    assert thread["steps"][0]["output"] == "hers"


async def test_nobody_signed_in_reads_nothing(threads: Threads) -> None:
    with pytest.raises(Forbidden):
        await listed(threads)


@pytest.mark.parametrize("bad", ["x", "' OR 1=1", "../..", "", 7, None])
async def test_ids_that_are_none_are_refused(threads: Threads, bad: object) -> None:
    with by("alice"):
        assert await threads.get_thread(bad) is None  # type: ignore[arg-type]
        with pytest.raises(Invalid):
            await threads.get_element(bad, new())  # type: ignore[arg-type]
        with pytest.raises(Invalid):
            await threads.update_thread(bad, name="x")  # type: ignore[arg-type]


async def test_what_a_browser_calls_a_card_is_refused(threads: Threads) -> None:
    with by("alice"):
        with pytest.raises(Forbidden):
            await threads.create_element(object())
        with pytest.raises(Forbidden):
            await threads.delete_element(new(), new())


async def test_a_card_is_only_kept_in_a_thread_of_its_owner(threads: Threads) -> None:
    hers, element_id = new(), new()
    await threads.open("alice", hers)
    card = {"id": element_id, "threadId": hers, "name": "PlanCard", "props": {"plan": "p"}}
    await threads.save_element("alice", card, "1")
    with pytest.raises(NotFound):
        await threads.save_element("bob", {**card, "id": new()}, "1")
    with by("bob"):
        assert await threads.get_element(hers, element_id) is None
    with by("alice"):
        assert await threads.get_element(new(), element_id) is None
        assert await threads.get_element(hers, element_id) == card


async def test_feedback_is_for_ones_own_messages(threads: Threads) -> None:
    thread_id = new()
    said = message(thread_id, "hello")
    with by("alice"):
        await threads.create_step(said)
        kept = await threads.upsert_feedback(Feedback(forId=said["id"], value=1))
    with by("bob"):
        with pytest.raises(NotFound):
            await threads.upsert_feedback(Feedback(forId=said["id"], value=0))
        assert not await threads.delete_feedback(kept)
    with by("alice"):
        assert await threads.delete_feedback(kept)


async def test_metadata_is_merged_and_none_takes_a_key_away(threads: Threads) -> None:
    thread_id = new()
    with by("alice"):
        await threads.update_thread(thread_id, name="a", user_id="alice", metadata={"a": 1, "b": 2})
        await threads.update_thread(thread_id, metadata={"b": None, "c": 3})
        thread = await threads.get_thread(thread_id)
    assert thread is not None
    assert thread["metadata"] == {"a": 1, "c": 3}


async def test_a_page_that_closes_does_not_bring_a_deleted_thread_back(threads: Threads) -> None:
    thread_id = new()
    with by("alice"):
        await threads.create_step(message(thread_id, "gone soon"))
        await threads.delete_thread(thread_id)
        await threads.update_thread(thread_id, metadata={"seen": 1})
        assert await threads.get_thread(thread_id) is None


async def test_deleting_a_thread_takes_its_messages_along(threads: Threads) -> None:
    thread_id = new()
    said = message(thread_id, "hello")
    with by("alice"):
        await threads.create_step(said)
        await threads.delete_thread(thread_id)
        await threads.create_step(message(thread_id, "anew"))
        thread = await threads.get_thread(thread_id)
    assert thread is not None
    assert [step["output"] for step in thread["steps"]] == ["anew"]


async def test_threads_are_listed_by_pages_newest_first_and_without_messages(
    threads: Threads, clock: Clock
) -> None:
    made = [new() for _ in range(5)]
    with by("alice"):
        for thread_id in made:
            clock.advance(seconds=1)
            await threads.create_step(message(thread_id, "hello"))
        first = await threads.list_threads(Pagination(first=3), ThreadFilter())
        rest = await listed(threads, 3, first.pageInfo.endCursor)
    assert first.pageInfo.hasNextPage
    assert [t["id"] for t in first.data] + rest == made[::-1]
    assert all(not t["steps"] for t in first.data)


async def test_a_thread_the_person_renamed_keeps_its_name(threads: Threads) -> None:
    thread_id = new()
    with by("alice"):
        await threads.create_step(message(thread_id, "hello"))
        await threads.update_thread(thread_id, name="My digest")
        assert (await threads.open("alice", thread_id))["named"]


async def test_chainlits_own_bookkeeping_is_not_kept(threads: Threads) -> None:
    thread_id = new()
    await threads.open("alice", thread_id)
    with by("alice"):
        await threads.create_step(message(thread_id, "", type="run"))
        thread = await threads.get_thread(thread_id)
    assert thread is not None
    assert thread["steps"] == []


async def test_no_user_is_made_of_a_name_in_a_token(threads: Threads) -> None:
    from chainlit.user import User

    assert await threads.create_user(User(identifier="ghost")) is None


async def test_nothing_that_was_said_is_kept_of_a_thread_that_is_deleted(opened: Opening) -> None:
    async with opened(model=False) as talk:
        store = talk.lightning.store
        threads = Threads(store, talk.lightning.now)
        gone, kept = new(), new()
        for thread_id in (gone, kept):
            await threads.open("ann", thread_id)
            await talk.say(ANN, thread_id, "hello", "Europe/Paris")
            await talk.say(ANN, thread_id, 'Notify me "Tea"', "Europe/Paris")
        with by("ann"):
            await threads.delete_thread(gone)

        async def left(thread_id: str) -> set[str]:
            kinds = ("turn", "turn.lease", "checkpoint", "checkpoint.write")
            found = {k: await store.list(k, owner=None, parent=thread_id) for k in kinds}
            return {kind for kind, page in found.items() if page.items}

        assert await left(gone) == set()
        assert await left(kept) == {"turn", "turn.lease", "checkpoint", "checkpoint.write"}
