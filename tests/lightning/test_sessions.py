"""Every planning session is recorded, whatever comes of it, and what follows links back to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend.bootstrap import System
from backend.contracts.errors import NotFound, Unavailable
from backend.contracts.planning import PlanningRecord
from backend.contracts.plans import Catalogue
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.contracts.security import Principal
from backend.contracts.views import PlanView
from backend.workers.sweep import prune_sessions
from tests.systems import Clock, plan, until, working

ALICE, BOB = Principal("alice"), Principal("bob")
NOTE = {"name": "note", "action": "file.write", "args": {"path": "a.txt", "content": "hi"}}
HOURLY = {"name": "go", "kind": "interval", "every_s": 3600}
USAGE = {"model": "m-1", "calls": 2, "input_tokens": 900, "output_tokens": 80, "cost_usd": 0.002}
CHOSEN = {"mode": "compose", "reason": "r", "confidence": 0.9, "tools": ["file.write"]}
STAGES = ({"name": "draft", "duration_ms": 2.0},)


class Answering:
    """A planner that answers what it was told to; it is asked for real."""

    def __init__(self, answer: PlanAnswer | Exception) -> None:
        self.answer = answer
        self.asked = 0

    async def warm(self, catalogue: Catalogue) -> None: ...

    async def plan(self, request: PlanRequest) -> PlanAnswer:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def planned(**document: Any) -> PlanAnswer:
    return PlanAnswer(
        "plan",
        document=plan(NOTE, **document),
        planner="m-1",
        stages=STAGES,
        selection=CHOSEN,
        usage=USAGE,
        confidence=0.9,
    )


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with working(tmp_path, smtp_password="correct horse") as system:
        yield system


async def made(system: System, text: str = "note hi", **document: Any) -> PlanView:
    view = await system.lightning.propose_words(ALICE, Answering(planned(**document)), text)
    assert isinstance(view, PlanView)
    return view


async def only(system: System) -> PlanningRecord:
    (record,), _ = await system.lightning.plannings(ALICE)
    return record


async def test_a_plans_session_says_how_it_was_made_and_the_plan_says_which(
    system: System,
) -> None:
    view = await made(system)
    record = await only(system)
    assert (record.request, record.outcome, record.planner) == ("note hi", "plan", "m-1")
    assert (record.plan_id, record.revision, record.ir_hash) == (view.plan_id, 1, view.ir_hash)
    assert (record.stages, record.selection, record.usage) == (STAGES, CHOSEN, USAGE)
    assert (record.model, record.confidence) == ("m-1", 0.9)
    assert view.provenance["planning_id"] == record.id
    assert {name: view.provenance[name] for name in ("request", "planner", "usage")} == {
        "request": "note hi",
        "planner": "m-1",
        "usage": USAGE,
    }


@pytest.mark.parametrize("kind", ["question", "refusal", "talk", "manage"])
async def test_a_session_that_came_to_no_plan_is_recorded_too(system: System, kind: Any) -> None:
    answer = PlanAnswer(kind, "Which one?", planner="m-1")
    assert await system.lightning.propose_words(ALICE, Answering(answer), "do it") == answer
    record = await only(system)
    assert (record.outcome, record.plan_id, record.request) == (kind, None, "do it")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unavailable("down", code="PLAN_MODEL_DOWN"), "PLAN_MODEL_DOWN"),
        (KeyError("x"), "EXEC_INTERNAL"),
    ],
)
async def test_a_session_that_failed_is_recorded_with_its_code(
    system: System, error: Exception, code: str
) -> None:
    with pytest.raises(type(error)):
        await system.lightning.propose_words(ALICE, Answering(error), "do it")
    record = await only(system)
    assert (record.outcome, record.code, record.request) == ("error", code, "do it")


async def test_words_sent_again_with_the_same_key_are_planned_once(system: System) -> None:
    planner = Answering(planned())
    first = await system.lightning.propose_words(ALICE, planner, "note hi", proposal_id="k")
    again = await system.lightning.propose_words(ALICE, planner, "note hi", proposal_id="k")
    assert isinstance(first, PlanView) and isinstance(again, PlanView)
    assert (first.plan_id, again.revision, planner.asked) == (again.plan_id, 1, 1)
    assert (await only(system)).plan_id == first.plan_id


async def test_every_event_that_follows_links_back_to_the_session(system: System) -> None:
    lightning = system.lightning
    view = await made(system)
    session = view.provenance["planning_id"]
    view = await lightning.approve(ALICE, view.plan_id, view.ir_hash)
    assert view.run_id is not None
    await until(lightning, ALICE, view.run_id, "completed")
    again = await lightning.run(ALICE, view.plan_id)
    await until(lightning, ALICE, again, "completed")
    for stream in (f"plan:{view.plan_id}", f"run:{view.run_id}", f"run:{again}"):
        commits = (await lightning.bus.history(stream)).commits
        events = [event for commit in commits for event in (commit.cause, *commit.outputs)]
        assert events and {event.correlation_id for event in events} == {session}
        if stream.startswith("plan:"):
            told = [e for e in events if e.type in ("plan.proposed", "plan.execute")]
            assert {e.data["planning_id"] for e in told} == {session}


async def test_what_a_schedule_starts_links_back_to_the_session(tmp_path: Path) -> None:
    clock = Clock()
    async with working(tmp_path, now=clock) as system:
        lightning = system.lightning
        kept = {"planning_id": "session"}
        view = await lightning.propose(
            ALICE, plan(NOTE, events=[HOURLY]), thread_id="t", provenance=kept
        )
        await lightning.approve(ALICE, view.plan_id, view.ir_hash)
        clock.advance(hours=1)
        async for update in lightning.follow(ALICE, "t"):
            if done := [run for run in update.runs if run.status == "completed"]:
                break
        events, _ = await lightning.run_events(ALICE, done[0].run_id)
        assert {event.correlation_id for event in events} == {"session"}


async def test_secrets_are_kept_out_of_the_record_and_the_provenance(system: System) -> None:
    said = "log in with correct horse, key sk-abcdefghijklmnop1234 and password: hunter2 please"
    view = await made(system, said)
    kept = [(await only(system)).request, view.provenance["request"]]
    for text in kept:
        assert text.startswith("log in with •••") and text.endswith("please")
        for secret in ("correct horse", "sk-abc", "hunter2"):
            assert secret not in text


async def test_a_session_is_its_owners_alone(system: System) -> None:
    await made(system)
    record = await only(system)
    assert await system.lightning.plannings(BOB) == ([], None)
    with pytest.raises(NotFound):
        await system.lightning.planning(BOB, record.id)


async def test_a_record_cannot_be_written_in_anothers_name(system: System) -> None:
    record = await only_after(system)
    forged = PlanningRecord("mine", "alice", "forged", record.started_at, "plan")
    await system.lightning.record(BOB, forged)
    assert [r.id for r in (await system.lightning.plannings(ALICE))[0]] == [record.id]
    assert (await system.lightning.planning(BOB, "mine")).owner == "bob"


async def only_after(system: System) -> PlanningRecord:
    await made(system)
    return await only(system)


async def test_sessions_past_their_retention_are_forgotten_but_not_what_plans_keep_of_them(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with working(tmp_path, now=clock, retention_days=30) as system:
        lightning = system.lightning
        view = await made(system)
        old = await only(system)
        clock.advance(days=20)
        await made(system, "another")
        await prune_sessions(lightning.store, clock())
        assert len((await lightning.plannings(ALICE))[0]) == 2
        clock.advance(days=11)
        await prune_sessions(lightning.store, clock())
        assert [r.request for r in (await lightning.plannings(ALICE))[0]] == ["another"]
        with pytest.raises(NotFound):
            await lightning.planning(ALICE, old.id)
        assert (await lightning.plan(ALICE, view.plan_id)).provenance["request"] == "note hi"
        assert "you said: “note hi”" in (await lightning.explain(ALICE, view.plan_id)).words
