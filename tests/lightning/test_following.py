"""What a thread tells its followers: all there is to draw, without reading all there ever was."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from backend.bootstrap import System
from backend.contracts.errors import NotFound
from backend.contracts.events import Event, new_id
from backend.contracts.ports import Commit, History
from backend.contracts.security import Principal
from backend.contracts.views import NEWEST_RUNS, ThreadUpdate
from backend.lightning.news import News
from tests.systems import heard_of, plan, working

ALICE = Principal("alice")
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOTE = {"name": "note", "action": "file.write", "args": {"path": "a.txt", "content": "hi"}}
LISTENING = {"name": "go", "kind": "event", "type": "email.*"}


# --- news -----------------------------------------------------------------------------------------


def updated(run_id: str, status: str, **more: Any) -> dict[str, Any]:
    return {"run_id": run_id, "status": status, "plan_id": "p", "fired": True, **more}


def come_and_gone(run_id: str, status: str = "completed", **more: Any) -> list[dict[str, Any]]:
    return [
        updated(run_id, "running", begun=True, **more),
        updated(run_id, status, begun=False, **more),
    ]


def news(*told: dict[str, Any], user: str = "alice") -> News:
    causes = [Event(new_id(), "thread.updated", user, AT, data) for data in told]
    found = News("alice")
    found.take([Commit("thread:t", at, cause) for at, cause in enumerate(causes)])
    return found


def test_of_many_firings_the_newest_are_read_and_the_others_counted() -> None:
    failed = come_and_gone("r0", "failed")
    found = news(*failed, *(d for n in range(1, 10) for d in come_and_gone(f"r{n}")))
    assert found.wanted() == ["r7", "r8", "r9"]
    assert found.earlier == {"p": {"failed": 1, "completed": 6}}
    assert list(found.plans) == ["p"]


def test_a_run_that_ends_with_its_first_commit_has_come_and_gone() -> None:
    at_once = [updated(f"r{n}", "completed", begun=True) for n in range(5)]
    assert news(*at_once).earlier == {"p": {"completed": 2}}


def test_a_run_that_had_begun_before_is_read_for_its_card_may_be_there() -> None:
    later = [d for n in range(5) for d in come_and_gone(f"r{n}")]
    found = news(updated("old", "completed", begun=False), *later)
    assert found.wanted() == ["old", "r2", "r3", "r4"]


def test_a_run_under_way_is_read_however_many_have_come_and_gone_since() -> None:
    later = [d for n in range(5) for d in come_and_gone(f"r{n}")]
    assert "open" in news(updated("open", "running", begun=True), *later).wanted()


def test_each_plan_has_its_newest_runs() -> None:
    many = [d for n in range(4) for d in come_and_gone(f"r{n}")]
    other = [d for n in range(2) for d in come_and_gone(f"s{n}", plan_id="q")]
    found = news(*other, *many)
    assert set(found.wanted()) == {"s0", "s1", "r1", "r2", "r3"}
    assert found.earlier == {"p": {"completed": 1}}


def test_what_a_person_started_is_always_read() -> None:
    by_hand = [d for n in range(5) for d in come_and_gone(f"r{n}", fired=False)]
    found = news(*by_hand)
    assert found.wanted() == [f"r{n}" for n in range(5)]
    assert found.earlier == {}


def test_a_run_that_another_called_is_of_no_interest_once_it_has_gone() -> None:
    gone = [d for n in range(5) for d in come_and_gone(f"r{n}", plan_id=None)]
    asking = updated("asks", "running", begun=True, plan_id=None)
    found = news(*gone, asking)
    assert (found.wanted(), found.earlier) == (["asks"], {})


def test_where_an_older_log_says_too_little_all_runs_are_read() -> None:
    told = [{"run_id": f"r{n}", "plan_id": "p", "status": "completed"} for n in range(5)]
    assert news(*told).wanted() == [f"r{n}" for n in range(5)]


def test_news_of_anothers_thread_are_not_told() -> None:
    with pytest.raises(NotFound):
        news(updated("r", "running", begun=True), user="bob")


# --- following ------------------------------------------------------------------------------------


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with working(tmp_path) as system:
        yield system


async def fired(system: System, count: int) -> str:
    """A plan in the thread "t" that so many e-mails have started; returns its id."""
    lightning = system.lightning
    view = await lightning.propose(ALICE, plan(NOTE, events=[LISTENING]), thread_id="t")
    await lightning.approve(ALICE, view.plan_id, view.ir_hash)
    await fire(system, range(count))
    return view.plan_id


async def fire(system: System, numbers: range) -> None:
    for number in numbers:
        await system.lightning.publish(ALICE, "email.received", {"number": number})
    await heard_of(system.lightning, "t", numbers.stop)


async def first(system: System, cursor: str | None = None) -> ThreadUpdate:
    async with aclosing(system.lightning.follow(ALICE, "t", cursor)) as feed:
        return await anext(feed)


async def test_a_thread_is_opened_without_reading_its_plans_streams_or_every_run(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_id = await fired(system, 8)
    history = system.lightning.bus.history
    read: list[str] = []

    async def counted(stream: str, *args: Any, **named: Any) -> History:
        read.append(stream)
        return await history(stream, *args, **named)

    monkeypatch.setattr(system.lightning.bus, "history", counted)
    update = await first(system)
    assert [view.plan_id for view in update.plans] == [plan_id]
    assert len(update.runs) == NEWEST_RUNS
    assert update.earlier == {plan_id: {"completed": 8 - NEWEST_RUNS}}
    assert {stream.partition(":")[0] for stream in read} == {"thread", "run"}
    assert len({stream for stream in read if stream.startswith("run:")}) == NEWEST_RUNS


async def test_who_comes_back_hears_of_what_came_since_and_once(system: System) -> None:
    plan_id = await fired(system, 5)
    before = await first(system)
    await fire(system, range(5, 9))
    after = await first(system, before.cursor)
    seen = {run.run_id for run in before.runs}
    assert len(after.runs) == NEWEST_RUNS
    assert not seen & {run.run_id for run in after.runs}
    assert after.earlier == {plan_id: {"completed": 1}}
    ended = await system.lightning.archive(ALICE, plan_id)
    last = await first(system, after.cursor)
    assert [(view.plan_id, view.status) for view in last.plans] == [(plan_id, ended.status)]
    assert (last.runs, last.earlier) == ((), {})


async def test_a_change_of_a_plan_that_its_thread_was_not_told_of_is_seen_on_return(
    system: System,
) -> None:
    plan_id = await fired(system, 1)
    before = await first(system)
    cursors = orjson.loads(base64.urlsafe_b64decode(before.cursor))
    assert cursors[f"plan:{plan_id}"] == await system.lightning.bus.head(f"plan:{plan_id}")
    await system.lightning.save(ALICE, plan_id, "Notes")
    after = await first(system, before.cursor)
    assert [(view.plan_id, view.saved) for view in after.plans] == [(plan_id, "plan.notes")]
