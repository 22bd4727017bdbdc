"""Trust is decided by who wrote a revision, and only what is trusted and unchanged is looked up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.bootstrap import System
from backend.contracts.errors import Conflict, Invalid
from backend.contracts.plans import Catalogue
from backend.contracts.security import Principal, Verdict
from backend.contracts.views import PlanView
from backend.lightning.checking import Checking
from backend.plans.validation import check
from backend.tools.builtin import builtin
from tests.systems import KEY, plan, working

ALICE = Principal("alice")
WRITE = {"name": "note", "action": "file.write", "args": {"path": "a.txt", "content": "hi"}}
CONTENT = "steps/0/args/content"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with working(tmp_path) as system:
        yield system


async def by_planner(system: System, **more: Any) -> PlanView:
    return await system.lightning.propose(
        ALICE, plan(WRITE, **more), origin="planner", planner="offline", request="note hi"
    )


def change_tool(system: System, id: str, **changes: Any) -> None:
    found = next(tool for tool in builtin() if tool.spec.id == id)
    spec = found.spec.model_copy(update=changes)
    system.lightning.registry.register(replace(found, spec=spec))


async def tamper(system: System, view: PlanView, **changes: Any) -> None:
    """As with an editor in the database."""
    store = system.lightning.store
    found = await store.get("revision", f"{view.plan_id}:{view.revision}", None)
    assert found is not None and found.body is not None
    await store.put(replace(found, body={**found.body, **changes}, position=None, etag=None))


def counted(system: System) -> tuple[int, int]:
    found = system.lightning.counters()["validation"]
    return found["hits"], found["misses"]


# --- who wrote it -------------------------------------------------------------------------------------


async def test_a_planners_plan_is_trusted_an_edit_mixed_and_a_document_by_hand_untrusted(
    system: System,
) -> None:
    lightning = system.lightning
    made = await by_planner(system)
    edited = await lightning.edit(ALICE, made.plan_id, made.ir_hash, {CONTENT: "ho"})
    given = await lightning.propose(ALICE, plan(WRITE))
    assert [v.trust for v in (made, edited, given)] == ["trusted", "mixed", "untrusted"]
    assert [v.lock["created_by"] for v in (made, edited, given)] == ["offline", "alice", "alice"]
    again = await lightning.edit(ALICE, given.plan_id, given.ir_hash, {CONTENT: "ho"})
    assert again.trust == "untrusted"


async def test_a_planner_that_revises_an_edited_plan_makes_it_no_more_trusted(
    system: System,
) -> None:
    lightning = system.lightning
    made = await by_planner(system)
    await lightning.edit(ALICE, made.plan_id, made.ir_hash, {CONTENT: "ho"})
    revised = await lightning.propose(
        ALICE, plan(WRITE, description="more"), plan_id=made.plan_id, origin="planner", planner="m"
    )
    assert (revised.revision, revised.trust) == (3, "mixed")
    first = await lightning.plan(ALICE, made.plan_id, revision=1)
    assert first.trust == "trusted"


async def test_a_document_cannot_say_of_itself_that_a_planner_made_it(system: System) -> None:
    for key in ("origin", "trust", "lock", "provenance", "planner"):
        with pytest.raises(Invalid):
            await system.lightning.propose(ALICE, plan(WRITE, **{key: "planner"}))


# --- what may be looked up ----------------------------------------------------------------------------


async def test_only_a_trusted_revision_is_looked_up(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    lightning = system.lightning
    made = await by_planner(system)
    other = await by_planner(system)
    mixed = await lightning.edit(ALICE, other.plan_id, other.ir_hash, {CONTENT: "ho"})
    given = await lightning.propose(ALICE, plan(WRITE))
    checks = 0

    def in_full(*args: Any, **kwargs: Any) -> Any:
        nonlocal checks
        checks += 1
        return check(*args, **kwargs)

    monkeypatch.setattr("backend.lightning.checking.check", in_full)
    for view, times in ((made, 0), (mixed, 3), (given, 3)):
        checks, before = 0, counted(system)
        for _ in range(3):
            assert (await lightning.plan(ALICE, view.plan_id)).issues == view.issues
        assert checks == times
        hits = counted(system)[0] - before[0]
        assert hits == 3 - times


@pytest.mark.parametrize(
    "forge",
    [
        {"signature": "0" * 64},
        {"created_by": "somebody"},
        {"created_at": "2020-01-01T00:00:00+00:00"},
    ],
)
async def test_a_lock_changed_in_the_database_makes_its_revision_untrusted(
    system: System, forge: dict[str, str]
) -> None:
    view = await by_planner(system)
    await tamper(system, view, lock={**view.lock, **forge})
    before = counted(system)
    looked = await system.lightning.plan(ALICE, view.plan_id)
    assert looked.trust == "untrusted"
    assert counted(system) == before


async def test_trust_cannot_be_written_into_the_database(system: System) -> None:
    view = await system.lightning.propose(ALICE, plan(WRITE))
    await tamper(system, view, lock={**view.lock, "trust": "trusted", "origin": "planner"})
    assert (await system.lightning.plan(ALICE, view.plan_id)).trust == "untrusted"
    await tamper(system, view, lock={}, trust="trusted", origin="planner")
    assert (await system.lightning.plan(ALICE, view.plan_id)).trust == "untrusted"


async def test_a_lock_of_another_plan_makes_nothing_trusted(system: System) -> None:
    made = await by_planner(system)
    given = await system.lightning.propose(ALICE, plan({**WRITE, "action": "file.read"}))
    await tamper(system, given, lock=dict(made.lock))
    assert (await system.lightning.plan(ALICE, given.plan_id)).trust == "untrusted"


# --- what is checked anew, visibly --------------------------------------------------------------------


async def test_a_changed_tool_asks_again_and_says_which_and_how(system: System) -> None:
    lightning = system.lightning
    view = await lightning.propose(
        ALICE, plan(WRITE), origin="planner", planner="m", provenance={"planning_id": "p1"}
    )
    change_tool(system, "file.write", version="2")
    clicks = [lightning.approve(ALICE, view.plan_id, view.ir_hash) for _ in range(3)]
    for refused in await asyncio.gather(*clicks, return_exceptions=True):
        assert isinstance(refused, Conflict) and refused.code == "PLAN_TOOLS_CHANGED"
    fresh = await lightning.plan(ALICE, view.plan_id)
    assert fresh.revision == 2
    (note,) = fresh.issues
    assert (note.code, note.severity) == ("PLAN_REVALIDATED", "info")
    assert note.message == "The tool file.write changed from version 1 to 2; checked anew."
    assert (fresh.trust, fresh.origin, fresh.planner) == ("trusted", "planner", "m")
    assert fresh.provenance["planning_id"] == "p1"
    assert fresh.lock["tool_versions"]["file.write"]["version"] == "2"
    approved = await lightning.approve(ALICE, fresh.plan_id, fresh.ir_hash)
    assert approved.status == "approved"


async def test_a_fresh_revision_shows_what_the_changed_tool_made_wrong(system: System) -> None:
    lightning = system.lightning
    view = await by_planner(system)
    found = next(tool for tool in builtin() if tool.spec.id == "file.write")
    inputs = {**found.spec.inputs, "required": [*found.spec.inputs["required"], "owner"]}
    inputs["properties"] = {**inputs["properties"], "owner": {"type": "string"}}
    change_tool(system, "file.write", version="2", inputs=inputs)
    with pytest.raises(Conflict):
        await lightning.approve(ALICE, view.plan_id, view.ir_hash)
    fresh = await lightning.plan(ALICE, view.plan_id)
    assert {"PLAN_REVALIDATED"} < {issue.code for issue in fresh.issues}
    with pytest.raises(Invalid) as refused:
        await lightning.approve(ALICE, fresh.plan_id, fresh.ir_hash)
    assert refused.value.code == "PLAN_HAS_ERRORS"


async def test_a_plan_edited_in_the_database_is_not_approved_but_offered_anew_untrusted(
    system: System,
) -> None:
    lightning = system.lightning
    view = await by_planner(system)
    forged = plan({**WRITE, "args": {"path": "../b.txt", "content": "mine"}})
    await tamper(system, view, document=forged)
    with pytest.raises(Conflict) as refused:
        await lightning.approve(ALICE, view.plan_id, view.ir_hash)
    assert refused.value.code == "PLAN_LOCK_BROKEN"
    fresh = await lightning.plan(ALICE, view.plan_id)
    assert (fresh.revision, fresh.origin, fresh.trust) == (2, "hand", "untrusted")
    assert "PLAN_REVALIDATED" in {issue.code for issue in fresh.issues}
    assert fresh.ir_hash != view.ir_hash
    assert (await lightning.runs(ALICE))[0] == []


# --- what is remembered is what would be found --------------------------------------------------------


def view_of(document: dict[str, Any], catalogue: Catalogue, **fields: Any) -> PlanView:
    from backend.plans.lockfile import make_lock

    checked = check(document, catalogue, now=NOON)
    assert checked.document is not None and checked.ir is not None
    lock = make_lock(
        checked.ir,
        catalogue,
        KEY,
        created_by="offline",
        created_at=NOON,
        origin="planner",
        trust="trusted",
    )
    return PlanView(
        "p",
        "alice",
        1,
        1,
        "proposed",
        checked.ir_hash,
        "",
        checked.document,
        lock=lock.as_json(),
        trust="trusted",
        **fields,
    )


TOOLS = Catalogue({tool.spec.id: tool.spec for tool in builtin()}, hash="h")
TRIGGERS = st.one_of(
    st.just({"kind": "manual"}),
    st.just({"kind": "interval", "every_s": 60}),
    st.sampled_from(["0 9 * * *", "0 0 29 2 *", "0 0 30 2 *"]).map(
        lambda cron: {"kind": "cron", "schedule": cron}
    ),
    st.sampled_from(["due.day == due.last_workday", "due.day == 2", "1 / (due.day - 3) > 0"]).map(
        lambda only: {"kind": "cron", "schedule": "0 9 * * *", "only_if": only}
    ),
    st.integers(-3, 3).map(
        lambda hours: {"kind": "at", "timestamp": (NOON + timedelta(hours=hours)).isoformat()}
    ),
    st.sampled_from(["2126-01-01T00:00:00", "9999-12-31T23:59:59", "2026-03-02T13:00:00"]).map(
        lambda at: {"kind": "at", "timestamp": at}
    ),
)


@given(
    triggers=st.lists(TRIGGERS, min_size=1, max_size=3),
    moments=st.lists(st.integers(0, 60 * 24 * 60), min_size=2, max_size=5),
    zone=st.sampled_from(["UTC", "Europe/Paris", "Nowhere/At_All"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_remembered_is_what_would_be_found_at_that_moment(
    triggers: list[dict[str, Any]], moments: list[int], zone: str
) -> None:
    events = [{"name": f"t{n}", **trigger} for n, trigger in enumerate(triggers)]
    steps = [{**WRITE, "on": [event["name"] for event in events]}]
    document = {"plan_name": "p", "events": events, "steps": steps}
    view = view_of(document, TOOLS, timezone=zone)
    checking = Checking(KEY, {})
    for minutes in moments:
        now = NOON + timedelta(minutes=minutes)
        found = check(view.document, TOOLS, now=now, timezone=zone).issues
        assert checking.issues(view, TOOLS, now) == found


async def test_a_time_that_passes_between_two_looks_is_past(system: System) -> None:
    at = {"name": "go", "kind": "at", "timestamp": "2026-03-02T12:00:30Z"}
    view = view_of(plan(WRITE, events=[at]), TOOLS)
    checking = Checking(KEY, {})
    assert checking.issues(view, TOOLS, NOON) == ()
    assert checking.issues(view, TOOLS, NOON + timedelta(seconds=29)) == ()
    assert (checking.cache.hits, checking.cache.misses) == (1, 1)
    (late,) = checking.issues(view, TOOLS, NOON + timedelta(seconds=30))
    assert late.code == "PLAN_TIME_PAST"


@pytest.mark.parametrize(
    "changes",
    [
        {"missing": {"file.write": ("SPACE",)}},
        {"verdicts": {"file.write": Verdict("deny", "rule", reason="No.")}},
        {"hash": "another"},
    ],
)
def test_what_a_person_may_use_is_part_of_what_is_remembered(changes: dict[str, Any]) -> None:
    view = view_of(plan(WRITE), TOOLS)
    checking = Checking(KEY, {})
    assert checking.issues(view, TOOLS, NOON) == ()
    other = replace(TOOLS, **changes)
    found = check(view.document, other, now=NOON).issues
    assert checking.issues(view, other, NOON) == found
    assert (checking.cache.hits, checking.cache.misses) == (0, 2)


def test_words_that_no_step_expresses_are_part_of_what_is_remembered() -> None:
    checking = Checking(KEY, {})
    plain, lacking = (view_of(plan(WRITE), TOOLS, not_covered=words) for words in ((), ("twice",)))
    assert checking.issues(plain, TOOLS, NOON) == ()
    assert [i.code for i in checking.issues(lacking, TOOLS, NOON)] == ["PLAN_NOT_COVERED"]


async def test_the_tools_are_listed_once_until_one_changes(system: System) -> None:
    await by_planner(system)
    before = system.lightning.counters()["metadata"]
    await system.lightning.catalogue(ALICE)
    change_tool(system, "file.write", version="2")
    await system.lightning.catalogue(ALICE)
    after = system.lightning.counters()["metadata"]
    assert (after["hits"] - before["hits"], after["misses"] - before["misses"]) == (1, 1)
