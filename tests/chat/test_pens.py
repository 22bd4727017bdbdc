"""Two processes that follow the same thread: one draws, the other shows what it drew."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.processes import Processes
from backend.bootstrap import System
from chat_app.follow import Follower
from chat_app.pens import Pens
from chat_app.threads import Threads
from tests.chat.test_follow import ALICE, NOTE, TELL, page
from tests.systems import Clock, plan, until, working

LEASE_S = 15.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def system(tmp_path: Path, clock: Clock) -> AsyncIterator[System]:
    async with working(tmp_path, now=clock, lease_s=1e8) as system:
        yield system


@pytest.fixture
def threads(system: System, clock: Clock) -> Threads:
    return Threads(system.lightning.store, clock)


class Process:
    """One of several, as far as pages can tell."""

    def __init__(self, name: str, system: System, threads: Threads) -> None:
        lightning = system.lightning
        self.life = Processes(lightning.store, name, lightning.now, LEASE_S)
        self.follower = Follower(lightning, threads, self.life)
        self.pens = Pens(lightning.store, self.life)

    async def draws(self, thread_id: str) -> bool:
        found = await self.pens._store.get("chat.pen", thread_id, "alice")
        return found is not None and found.body == {"process": self.life.name}


@pytest.fixture
async def both(system: System, threads: Threads) -> AsyncIterator[tuple[Process, Process]]:
    pair = Process("one", system, threads), Process("two", system, threads)
    for process in pair:
        await process.life.beat()
    yield pair
    for process in pair:
        await process.follower.close()


async def test_what_both_follow_is_drawn_once(
    system: System, threads: Threads, both: tuple[Process, Process]
) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as here, page(thread_id) as there:
        await both[0].follower.join(ALICE, thread_id, here.id)
        await both[1].follower.join(ALICE, thread_id, there.id)
        view = await system.lightning.propose(ALICE, plan(NOTE, TELL), thread_id=thread_id)
        await there.card("proposed")
        await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
        await there.card("done")
        await there.message("It is done.")
    assert len(await threads.elements("alice", thread_id)) == 1
    assert [(d.body or {})["output"] for d in await threads.steps("alice", thread_id)] == [
        "",
        "It is done.",
    ]


async def test_the_pen_goes_over_when_the_last_page_of_its_holder_closes(
    system: System, both: tuple[Process, Process]
) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as here, page(thread_id) as there:
        await both[0].follower.join(ALICE, thread_id, here.id)
        await both[1].follower.join(ALICE, thread_id, there.id)
        assert await both[0].draws(thread_id)
        await both[0].follower.leave(thread_id, here.id)
        await system.lightning.propose(ALICE, plan(NOTE), thread_id=thread_id)
        await there.card("proposed")
        assert await both[1].draws(thread_id)
    await both[1].follower.leave(thread_id, there.id)
    left = await system.lightning.bus.history(f"page:{thread_id}")
    assert left.commits == ()  # nothing is left of what they told each other


async def test_a_process_that_was_taken_for_dead_reads_when_it_is_awake_again(
    system: System, threads: Threads, both: tuple[Process, Process], clock: Clock
) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as here, page(thread_id) as there:
        await both[0].follower.join(ALICE, thread_id, here.id)
        clock.advance(seconds=LEASE_S + 1)
        await both[1].life.beat()
        await both[1].follower.join(ALICE, thread_id, there.id)
        assert await both[1].draws(thread_id)
        await both[0].life.beat()
        view = await system.lightning.propose(ALICE, plan(NOTE), thread_id=thread_id)
        await there.card("proposed")
        approved = await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
        await until(system.lightning, ALICE, str(approved.run_id), "completed")
        await here.card("done")
        assert await both[1].draws(thread_id)
    assert len(await threads.elements("alice", thread_id)) == 1


async def test_while_one_page_is_open_anywhere_nobody_is_away(
    system: System, threads: Threads, both: tuple[Process, Process], clock: Clock
) -> None:
    thread_id = str(uuid.uuid4())
    with page(thread_id) as here, page(thread_id) as there:
        await both[0].follower.join(ALICE, thread_id, here.id)
        await both[1].follower.join(ALICE, thread_id, there.id)
        view = await system.lightning.propose(ALICE, plan(NOTE), thread_id=thread_id)
        await there.card("proposed")
        await both[1].follower.leave(thread_id, there.id)
        assert (await threads.open("alice", thread_id)).get("seen") == ""
        await both[0].follower.leave(thread_id, here.id)
        assert (await threads.open("alice", thread_id))["seen"]
        approved = await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
        await until(system.lightning, ALICE, str(approved.run_id), "completed")
        clock.advance(hours=1)
        for process in both:
            await process.life.beat()
        await asyncio.gather(
            both[0].follower.join(ALICE, thread_id, here.id),
            both[1].follower.join(ALICE, thread_id, there.id),
        )
        await here.message("While you were away")
        await there.message("While you were away")
        await here.card("done")
    steps = [(d.body or {})["output"] for d in await threads.steps("alice", thread_id)]
    assert sum("While you were away" in text for text in steps) == 1
