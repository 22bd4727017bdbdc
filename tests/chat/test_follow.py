"""The log as cards: once in the store, at every open page, and all that happened while away."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from chainlit.session import ws_sessions_id
from chainlit.types import Pagination, ThreadFilter
from chainlit.user import User

from backend.bootstrap import System
from backend.contracts.errors import NotFound
from backend.contracts.security import Principal
from backend.contracts.views import NEWEST_RUNS
from chat_app.follow import Follower
from chat_app.news import NEWS_MARK
from chat_app.threads import Threads, caller
from tests.chat.people import PATIENCE_S
from tests.systems import Clock, heard_of, plan, until, working

ALICE = Principal("alice")
NOTE = {"name": "note", "action": "file.write", "args": {"path": "a.txt", "content": "hello"}}
TELL = {"name": "tell", "action": "notify.user", "args": {"text": "It is done."}}
ASK = {"name": "ask", "action": "human.ask", "args": {"text": "Well?"}}


class Listener:
    """A page's session, as Chainlit keeps it: what it was sent."""

    def __init__(self, thread_id: str, owner: str) -> None:
        self.id = str(uuid.uuid4())
        self.thread_id = thread_id
        self.user = User(identifier=owner)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Event()

    async def emit(self, event: str, data: dict[str, Any]) -> None:
        self.heard.append((event, data))
        self._news.set()

    async def card(self, status: str, kind: str = "plan") -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for event, data in self.heard:
                    if event == "element":
                        props = data["props"]
                        if props.get("status") == status and props.get("kind") == kind:
                            return data
                self._news.clear()
                await self._news.wait()

    async def message(self, part: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for event, data in self.heard:
                    if event == "new_message" and part in data["output"]:
                        return data
                self._news.clear()
                await self._news.wait()


@contextlib.contextmanager
def page(thread_id: str, owner: str = "alice") -> Iterator[Listener]:
    listener = Listener(thread_id, owner)
    ws_sessions_id[listener.id] = listener  # type: ignore[assignment]
    try:
        yield listener
    finally:
        del ws_sessions_id[listener.id]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def system(tmp_path: Path, clock: Clock) -> AsyncIterator[System]:
    async with working(tmp_path, now=clock) as system:
        yield system


@pytest.fixture
def threads(system: System, clock: Clock) -> Threads:
    return Threads(system.lightning.store, clock)


@pytest.fixture
async def follower(system: System, threads: Threads) -> AsyncIterator[Follower]:
    follower = Follower(system.lightning, threads)
    yield follower
    await follower.close()


async def kept(threads: Threads, thread_id: str) -> list[dict[str, Any]]:
    return [dict(d.body or {})["props"] for d in await threads.elements("alice", thread_id)]


async def test_a_plan_and_its_run_are_one_card_live_in_every_page(
    system: System, threads: Threads, follower: Follower
) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as first, page(thread_id) as second:
        await follower.join(ALICE, thread_id, first.id)
        await follower.join(ALICE, thread_id, second.id)
        view = await system.lightning.propose(ALICE, plan(NOTE), thread_id=thread_id)
        proposed = await first.card("proposed")
        await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
        done = await first.card("done")
        assert (await second.card("done"))["id"] == done["id"] == proposed["id"]
    await follower.close()  # what was drawn is kept
    assert [props["status"] for props in await kept(threads, thread_id)] == ["done"]


async def test_a_page_of_somebody_else_hears_nothing(system: System, follower: Follower) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as hers, page(thread_id, "bob") as his:
        await follower.join(ALICE, thread_id, hers.id)
        await system.lightning.propose(ALICE, plan(NOTE), thread_id=thread_id)
        await hers.card("proposed")
        assert his.heard == []


async def test_somebody_elses_thread_cannot_be_joined(follower: Follower) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as hers:
        await follower.join(ALICE, thread_id, hers.id)
        with pytest.raises(NotFound):
            await follower.join(Principal("bob"), thread_id, "another page")


async def test_what_happened_while_nobody_looked_is_there_on_return_and_said_in_a_line(
    system: System, threads: Threads, follower: Follower, clock: Clock
) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as before:
        await follower.join(ALICE, thread_id, before.id)
        view = await system.lightning.propose(ALICE, plan(NOTE, TELL), thread_id=thread_id)
        await before.card("proposed")
    await follower.leave(thread_id, before.id)
    clock.advance(hours=2)
    approved = await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
    await until(system.lightning, ALICE, str(approved.run_id), "completed")
    with page(thread_id) as after:
        await follower.join(ALICE, thread_id, after.id)
        await after.card("done")
        line = await after.message("While you were away")
        assert "1 run done and 1 message" in line["output"]
        await after.message("It is done.")
    await follower.close()
    assert [props["status"] for props in await kept(threads, thread_id)] == ["done"]


async def test_a_short_absence_is_not_worth_a_line_and_nothing_is_said_twice(
    system: System, threads: Threads, follower: Follower
) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as before:
        await follower.join(ALICE, thread_id, before.id)
        view = await system.lightning.propose(ALICE, plan(TELL), thread_id=thread_id)
        await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
        await before.message("It is done.")
        await before.card("done")
    await follower.leave(thread_id, before.id)
    with page(thread_id) as after:
        await follower.join(ALICE, thread_id, after.id)
        again = await system.lightning.propose(ALICE, plan(ASK), thread_id=thread_id)
        await after.card("proposed")
        said = [data["output"] for event, data in after.heard if event == "new_message"]
    assert again.plan_id != view.plan_id
    assert not any("away" in text for text in said)
    assert "It is done." not in said


async def test_a_restart_goes_on_with_the_same_cards(
    system: System, threads: Threads, follower: Follower
) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as before:
        await follower.join(ALICE, thread_id, before.id)
        view = await system.lightning.propose(ALICE, plan(ASK), thread_id=thread_id)
        card = await before.card("proposed")
    another = Follower(system.lightning, threads)  # the first one never said goodbye
    with page(thread_id) as after:
        await another.join(ALICE, thread_id, after.id)
        await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
        assert (await after.card("waiting"))["id"] == card["id"]
    await another.close()


async def test_an_edit_redraws_its_card_and_a_new_proposal_supersedes_it(
    system: System, threads: Threads, follower: Follower
) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as here:
        await follower.join(ALICE, thread_id, here.id)
        view = await system.lightning.propose(
            ALICE, plan(NOTE), thread_id=thread_id, origin="planner"
        )
        await here.card("proposed")
        edits = {"steps/0/args/path": "b.txt"}
        edited = await system.lightning.edit(ALICE, view.plan_id, view.ir_hash, edits)
        await follower.refresh(thread_id, edited)
        assert [p["revision"] for p in await kept(threads, thread_id)] == [2]
        newer = await system.lightning.propose(
            ALICE, plan(TELL), plan_id=view.plan_id, thread_id=thread_id, origin="planner"
        )
        await follower.refresh(thread_id, newer)
        await here.card("superseded")
    await follower.close()
    found = [(p["revision"], p["status"]) for p in await kept(threads, thread_id)]
    assert found == [(2, "superseded"), (3, "proposed")]


async def test_a_scheduled_run_has_a_card_of_its_own(
    system: System, threads: Threads, follower: Follower
) -> None:
    thread_id = str(uuid.uuid4())
    every = {"name": "go", "kind": "interval", "every_s": 1}
    document = {**plan(NOTE), "events": [every]}
    with page(thread_id) as here:
        await follower.join(ALICE, thread_id, here.id, "Europe/Paris")
        view = await system.lightning.propose(ALICE, document, thread_id=thread_id)
        await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
        fired = await here.card("done", kind="run")
        await system.lightning.archive(ALICE, view.plan_id)
        assert fired["props"]["label"].startswith("Run of today")
        await here.card("scheduled")


async def test_many_firings_of_a_plan_are_a_few_cards_and_a_number(
    system: System, threads: Threads, follower: Follower, clock: Clock
) -> None:
    thread_id = str(uuid.uuid4())
    every = {"name": "go", "kind": "interval", "every_s": 1}
    with page(thread_id) as here:
        await follower.join(ALICE, thread_id, here.id)
        document = {**plan(NOTE), "events": [every]}
        view = await system.lightning.propose(ALICE, document, thread_id=thread_id)
        await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                runs = [p for p in await kept(threads, thread_id) if p["kind"] == "run"]
                if sum(p["earlier"][0] for p in runs) >= 3:
                    break
                here._news.clear()
                clock.advance(seconds=1)
                await here._news.wait()
        await system.lightning.archive(ALICE, view.plan_id)
    assert len(runs) <= NEWEST_RUNS + 1  # the newest may still be under way
    gone = {data["id"] for event, data in here.heard if event == "remove_element"}
    assert len(gone) >= 3
    assert not gone & {d.id for d in await threads.elements("alice", thread_id)}


async def test_who_was_away_for_many_firings_sees_the_newest_and_is_told_of_all(
    system: System, threads: Threads, follower: Follower, clock: Clock
) -> None:
    thread_id = str(uuid.uuid4())
    listening = {"name": "go", "kind": "event", "type": "email.*"}
    with page(thread_id) as before:
        await follower.join(ALICE, thread_id, before.id)
        document = {**plan(NOTE), "events": [listening]}
        view = await system.lightning.propose(ALICE, document, thread_id=thread_id)
        await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
        await before.card("scheduled")
    await follower.leave(thread_id, before.id)
    clock.advance(hours=2)
    for number in range(7):
        await system.lightning.publish(ALICE, "email.received", {"number": number})
    await heard_of(system.lightning, thread_id, 7)
    with page(thread_id) as after:
        await follower.join(ALICE, thread_id, after.id)
        line = await after.message("While you were away")
        await after.card("done", kind="run")
    await follower.close()
    assert "7 runs done" in line["output"]
    cards = [props for props in await kept(threads, thread_id) if props["kind"] == "run"]
    assert len(cards) == NEWEST_RUNS
    assert sum(props["earlier"][0] for props in cards) == 7 - NEWEST_RUNS


async def test_a_thread_has_a_mark_in_the_list_when_a_run_ended_while_nobody_looked(
    system: System, threads: Threads, follower: Follower, clock: Clock
) -> None:
    async def names() -> list[str | None]:
        token = caller.set("alice")
        listed = await threads.list_threads(Pagination(first=20), ThreadFilter())
        caller.reset(token)
        return [thread["name"] for thread in listed.data]

    thread_id = str(uuid.uuid4())
    with page(thread_id) as before:
        await follower.join(ALICE, thread_id, before.id)
        view = await system.lightning.propose(ALICE, plan(NOTE), thread_id=thread_id)
        await before.card("proposed")
    await follower.leave(thread_id, before.id)
    await threads.note("alice", thread_id, name="Notes")
    assert await names() == ["Notes"]
    clock.advance(minutes=5)
    approved = await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
    await until(system.lightning, ALICE, str(approved.run_id), "completed")
    assert await names() == [f"{NEWS_MARK}Notes"]
    with page(thread_id) as after:
        await follower.join(ALICE, thread_id, after.id)
        await after.card("done")
        assert (
            "first_interaction",
            {"interaction": "Notes", "thread_id": thread_id},
        ) in after.heard
        assert await names() == ["Notes"]
