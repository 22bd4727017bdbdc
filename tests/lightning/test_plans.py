"""A plan's life: proposed, edited, approved once, turned down, ended; and whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.bootstrap import System
from backend.contracts.errors import Conflict, Invalid, NotFound
from backend.contracts.events import Event, new_id, utc_now
from backend.contracts.ports import Output
from backend.contracts.security import Principal
from tests.mail import MailServer
from tests.systems import Clock, completed, plan, until, working

WRITE = {"name": "note", "action": "file.write", "args": {"path": "a.txt", "content": "hi"}}


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with working(tmp_path) as system:
        yield system


@pytest.fixture
async def alice(system: System) -> Principal:
    return await system.lightning.users.register("alice", "correct horse battery")


@pytest.fixture
async def bob(system: System) -> Principal:
    return await system.lightning.users.register("bob", "correct horse battery")


async def test_an_approved_plan_runs_and_has_its_effects(system: System, alice: Principal) -> None:
    read = {"name": "read", "action": "file.read", "args": {"path": "${note.path}"}}
    state = await completed(system.lightning, alice, plan(WRITE, read))
    assert state.status == "completed"
    assert state.steps["read"].output["content"] == "hi"
    assert await system.lightning.files.read("alice", "a.txt") == b"hi"


async def test_three_clicks_make_one_run(system: System, alice: Principal) -> None:
    view = await system.lightning.propose(alice, plan(WRITE))
    clicks = [system.lightning.approve(alice, view.plan_id, view.ir_hash) for _ in range(3)]
    views = await asyncio.gather(*clicks)
    assert len({v.run_id for v in views}) == 1
    runs, _ = await system.lightning.runs(alice)
    assert len(runs) == 1


async def test_approving_another_revision_than_the_newest_is_refused(
    system: System, alice: Principal
) -> None:
    first = await system.lightning.propose(alice, plan(WRITE))
    edited = await system.lightning.edit(
        alice, first.plan_id, first.ir_hash, {"steps/0/args/content": "bye"}
    )
    assert edited.revision == 2
    assert [(c.old, c.new) for c in edited.changes] == [("hi", "bye")]
    with pytest.raises(Conflict) as refused:
        await system.lightning.approve(alice, first.plan_id, first.ir_hash)
    assert refused.value.code == "PLAN_REVISION_CHANGED"
    old = await system.lightning.plan(alice, first.plan_id, revision=1)
    assert old.status == "superseded"


async def test_a_revision_keeps_what_is_known_of_where_values_came_from(
    system: System, alice: Principal
) -> None:
    said = {"note.path": "said", "note.content": "default"}
    first = await system.lightning.propose(alice, plan(WRITE), sources=said)
    changed = {**WRITE, "args": {"path": "b.txt", "content": "hi"}}
    second = await system.lightning.propose(
        alice, plan(changed), plan_id=first.plan_id, sources={"note.path": "said again"}
    )
    assert second.sources == {"note.path": "said again", "note.content": "default"}


async def test_a_plan_with_errors_is_stored_but_not_approved(
    system: System, alice: Principal
) -> None:
    wrong = {"name": "note", "action": "file.wrote", "args": {}}
    view = await system.lightning.propose(alice, plan(wrong))
    assert [i.code for i in view.issues] == ["PLAN_TOOL_UNKNOWN"]
    with pytest.raises(Invalid) as refused:
        await system.lightning.approve(alice, view.plan_id, view.ir_hash)
    assert refused.value.issues


async def test_a_missing_setting_is_said_before_approval(system: System, alice: Principal) -> None:
    args = {"to": "me@example.com", "subject": "s", "body": "b"}
    view = await system.lightning.propose(
        alice, plan({"name": "send", "action": "email.send", "args": args})
    )
    (issue,) = view.issues
    assert issue.code == "PLAN_SETTING_MISSING"
    assert "SMTP_HOST" in issue.message


async def test_a_setting_made_since_mends_the_plan_and_three_approvals_run_it_once(
    tmp_path: Path,
) -> None:
    alice = Principal("alice")
    args = {"to": "me@example.com", "subject": "s", "body": "b"}
    document = plan({"name": "send", "action": "email.send", "args": args})
    async with working(tmp_path) as system:
        view = await system.lightning.propose(alice, document)
        with pytest.raises(Invalid):
            await system.lightning.approve(alice, view.plan_id, view.ir_hash)
    with MailServer() as mail:
        smtp = {"smtp_host": mail.host, "smtp_port": mail.port, "smtp_tls": "none"}
        async with working(tmp_path, smtp_from="me@example.com", **smtp) as system:
            lightning = system.lightning
            assert (await lightning.plan(alice, view.plan_id)).issues == ()
            approvals = (lightning.approve(alice, view.plan_id, view.ir_hash) for _ in range(3))
            approved = await asyncio.gather(*approvals)
            assert len({a.run_id for a in approved}) == 1
            await until(lightning, alice, str(approved[0].run_id), "completed")
            runs, _ = await lightning.runs(alice)
    assert len(runs) == 1
    assert len(mail.messages) == 1


async def test_a_rejected_plan_cannot_be_approved(system: System, alice: Principal) -> None:
    view = await system.lightning.propose(alice, plan(WRITE))
    rejected = await system.lightning.reject(alice, view.plan_id, "not today")
    assert (rejected.status, rejected.reason) == ("rejected", "not today")
    with pytest.raises(Conflict) as refused:
        await system.lightning.approve(alice, view.plan_id, view.ir_hash)
    assert refused.value.code == "PLAN_NOT_OPEN"


async def test_what_is_not_a_plan_is_refused_with_all_that_is_wrong(
    system: System, alice: Principal
) -> None:
    with pytest.raises(Invalid) as refused:
        await system.lightning.propose(alice, {"plan_name": "x", "stepz": []})
    assert len(refused.value.issues) == 2


async def test_inputs_are_checked_before_anything_runs(system: System, alice: Principal) -> None:
    args = {"path": "${inputs.name}", "content": "x"}
    document = plan(
        {"name": "note", "action": "file.write", "args": args},
        inputs={"name": {"type": "string"}},
    )
    view = await system.lightning.propose(alice, document)
    for wrong in ({}, {"name": 3}, {"name": "a", "other": 1}):
        with pytest.raises(Invalid) as refused:
            await system.lightning.approve(alice, view.plan_id, view.ir_hash, inputs=wrong)
        assert refused.value.code == "PLAN_INPUTS_INVALID"
    approved = await system.lightning.approve(
        alice, view.plan_id, view.ir_hash, inputs={"name": "n.txt"}
    )
    state = await until(system.lightning, alice, approved.run_id or "", "completed")
    assert state.steps["note"].output["path"] == "n.txt"


async def test_nobody_sees_or_touches_what_is_somebody_elses(
    system: System, alice: Principal, bob: Principal
) -> None:
    lightning = system.lightning
    view = await lightning.propose(alice, plan(WRITE), thread_id="t-alice")
    mine = await lightning.approve(alice, view.plan_id, view.ir_hash)
    run_id = mine.run_id or ""
    await until(lightning, alice, run_id, "completed")
    refused = [
        lightning.plan(bob, view.plan_id),
        lightning.approve(bob, view.plan_id, view.ir_hash),
        lightning.edit(bob, view.plan_id, view.ir_hash, {}),
        lightning.reject(bob, view.plan_id),
        lightning.archive(bob, view.plan_id),
        lightning.run(bob, view.plan_id),
        lightning.propose(bob, plan(WRITE), plan_id=view.plan_id),
        lightning.run_state(bob, run_id),
        lightning.cancel(bob, run_id),
        lightning.run_events(bob, run_id),
        anext(lightning.follow(bob, "t-alice")),
    ]
    for attempt in refused:
        with pytest.raises(NotFound):
            await attempt
    assert await lightning.plans(bob) == ([], None)
    assert await lightning.runs(bob) == ([], None)
    assert (await lightning.plan(alice, view.plan_id)).status == "approved"


async def test_a_forged_command_that_got_past_the_door_is_denied_in_the_plans_stream(
    system: System, alice: Principal, bob: Principal
) -> None:
    view = await system.lightning.propose(alice, plan(WRITE))
    data = {"plan_id": view.plan_id, "ir_hash": view.ir_hash, "catalogue_hash": view.catalogue_hash}
    forged = Event(new_id(), "plan.approve", bob.user_id, utc_now(), data, category="input")
    await system.lightning.bus.publish([Output(forged, "stream", f"plan:{view.plan_id}")])
    await system.lightning.reject(alice, view.plan_id)
    history = await system.lightning.bus.history(f"plan:{view.plan_id}")
    assert [c.verdict.decision for c in history.commits if c.verdict] == ["allow", "deny", "allow"]


async def test_the_newest_plans_come_first_page_by_page(system: System, alice: Principal) -> None:
    for name in ("one", "two", "three"):
        await system.lightning.propose(alice, plan(WRITE, plan_name=name))
    first, cursor = await system.lightning.plans(alice, limit=2)
    second, end = await system.lightning.plans(alice, cursor=cursor, limit=2)
    assert [v.document.plan_name for v in first + second] == ["three", "two", "one"]
    assert end is None


async def test_a_schedule_fires_when_it_is_due_and_sets_the_next(tmp_path: Path) -> None:
    clock = Clock()
    async with working(tmp_path, now=clock) as system:
        lightning = system.lightning
        who = await lightning.users.local_user()
        daily = {"name": "go", "kind": "cron", "schedule": "0 9 * * *"}
        view = await lightning.propose(who, plan(WRITE, events=[daily]), thread_id="t")
        assert view.when == "Every day at 09:00"
        approved = await lightning.approve(who, view.plan_id, view.ir_hash)
        assert (approved.status, approved.run_id) == ("scheduled", None)
        (schedule,) = await lightning.schedules(who)
        due = schedule.next_due
        assert due == view.firings[0]
        clock.advance(days=1)
        async for update in lightning.follow(who, "t"):
            if any(r.status == "completed" for r in update.runs):
                break
        (after,) = await lightning.schedules(who)
        assert after.last_due == due
        assert after.next_due == view.firings[1]


async def test_a_paused_schedule_does_not_fire_and_a_resumed_one_does(tmp_path: Path) -> None:
    clock = Clock()
    async with working(tmp_path, now=clock) as system:
        lightning = system.lightning
        who = await lightning.users.local_user()
        hourly = {"name": "go", "kind": "interval", "every_s": 3600}
        view = await lightning.propose(who, plan(WRITE, events=[hourly]), thread_id="t")
        await lightning.approve(who, view.plan_id, view.ir_hash)
        (schedule,) = await lightning.schedules(who)
        paused = await lightning.pause(who, schedule.id)
        assert (paused.status, paused.next_due) == ("paused", None)
        clock.advance(hours=2)
        resumed = await lightning.resume(who, schedule.id)
        assert resumed.next_due is not None
        assert resumed.next_due > clock()
        clock.advance(hours=1)
        async for update in lightning.follow(who, "t"):
            if any(r.status == "completed" for r in update.runs):
                break
        assert len((await lightning.runs(who))[0]) == 1


async def test_a_new_time_replaces_the_old_schedule(system: System, alice: Principal) -> None:
    lightning = system.lightning
    nine = {"name": "go", "kind": "cron", "schedule": "0 9 * * *"}
    view = await lightning.propose(alice, plan(WRITE, events=[nine]))
    await lightning.approve(alice, view.plan_id, view.ir_hash)
    eight = await lightning.edit(
        alice, view.plan_id, view.ir_hash, {"events/0/schedule": "0 8 * * *"}
    )
    assert eight.status == "proposed"
    (schedule,) = await lightning.schedules(alice)
    assert schedule.trigger["schedule"] == "0 9 * * *"
    await lightning.approve(alice, eight.plan_id, eight.ir_hash)
    (schedule,) = await lightning.schedules(alice)
    assert schedule.trigger["schedule"] == "0 8 * * *"
    ended = await lightning.archive(alice, view.plan_id)
    assert ended.status == "archived"
    assert await lightning.schedules(alice) == []


async def test_an_event_from_outside_starts_the_plans_that_listen(
    system: System, alice: Principal, bob: Principal
) -> None:
    lightning = system.lightning
    listening = {"name": "mail", "kind": "event", "type": "email.*", "filter": "event.size > 10"}
    args = {"path": "mail.txt", "content": "${event.subject}"}
    step = {"name": "keep", "on": ["mail"], "action": "file.write", "args": args}
    view = await lightning.propose(alice, plan(step, events=[listening]), thread_id="t")
    await lightning.approve(alice, view.plan_id, view.ir_hash)
    await lightning.publish(alice, "email.received", {"size": 3, "subject": "small"})
    await lightning.publish(bob, "email.received", {"size": 30, "subject": "bob's"})
    await lightning.publish(alice, "email.received", {"size": 30, "subject": "hello"})
    async for update in lightning.follow(alice, "t"):
        if any(r.status == "completed" for r in update.runs):
            break
    assert await lightning.files.read("alice", "mail.txt") == b"hello"
    assert len((await lightning.runs(alice))[0]) == 1
