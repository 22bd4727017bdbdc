"""Commands sent as events: whatever they hold, they are answered at the door or decided as designed."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from backend.bootstrap import System
from backend.contracts.errors import Conflict, Forbidden, Invalid, LightningError, NotFound
from backend.contracts.events import EVENT_TYPES, derived_id
from backend.contracts.plans import Input
from backend.contracts.ports import Document
from backend.contracts.security import SYSTEM, Principal
from backend.drivers.turn import commits_of
from backend.lightning.inputs import check_inputs
from backend.security.authorize import check_outside
from tests.systems import plan, until, working

ALICE, MALLORY = Principal("alice"), Principal("mallory")
OLGA = Principal("olga", frozenset({"user", "operator"}))
NOTE = {
    "name": "note",
    "action": "file.write",
    "args": {"path": "a.txt", "content": "${inputs.text}"},
}
TEXT = {"text": {"type": "string", "default": "hi"}}
DAILY = {"name": "go", "kind": "cron", "schedule": "0 9 * * *"}
OUTSIDE = sorted(name for name, kind in EVENT_TYPES.items() if kind.outside)
BAD: dict[str, tuple[Any, ...]] = {
    "text": (None, 7, True, ["x"], {"a": 1}, "x" * 1001),
    "count": ("1", True, -1, 1.5, 2**40, [0]),
    "object": ([], [["text", "x"]], "x", 7),
    "any": (),
}


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with working(tmp_path) as system:
        yield system


def data_for(type: str, id: str, **more: Any) -> dict[str, Any]:
    kind = EVENT_TYPES[type]
    return {name: "x" for name in kind.required} | {kind.key: id} | more


@pytest.mark.parametrize("type", OUTSIDE)
async def test_a_command_about_nothing_is_not_found_and_leaves_no_trace(
    system: System, type: str
) -> None:
    for id in ("f" * 32, "a:b", "\0", "../x", "", "ü", "x" * 900):
        with pytest.raises(NotFound):
            await system.lightning.publish(MALLORY, type, data_for(type, id))
        stream = str(EVENT_TYPES[type].stream(data_for(type, id)))
        assert await commits_of(system.lightning.bus, stream) == []
    assert await system.lightning.bus.dead_letters() == []


@pytest.mark.parametrize("type", OUTSIDE)
def test_a_field_of_the_wrong_type_is_refused_at_the_door(type: str) -> None:
    kind = EVENT_TYPES[type]
    for name, wanted in kind.fields.items():
        for bad in BAD[wanted]:
            if bad is None and name not in kind.required:
                continue
            with pytest.raises(Invalid) as refused:
                check_outside(ALICE, type, {**data_for(type, "p"), name: bad}, "alice")
            assert refused.value.code == "EXEC_EVENT_INVALID"
            assert name in refused.value.message


async def test_a_field_nobody_knows_is_refused(system: System) -> None:
    data = {"plan_id": "x", "trigger": "go", "event": {"forged": True}}
    with pytest.raises(Invalid) as refused:
        await system.lightning.publish(ALICE, "plan.trigger", data)
    assert refused.value.code == "EXEC_EVENT_INVALID"
    assert "event, trigger" in refused.value.message


async def test_nothing_of_somebody_else_can_be_commanded(system: System) -> None:
    lightning = system.lightning
    view = await lightning.propose(ALICE, plan(NOTE, inputs=TEXT, events=[DAILY]))
    view = await lightning.approve(ALICE, view.plan_id, view.ir_hash)
    run_id = await lightning.run(ALICE, view.plan_id)
    await until(lightning, ALICE, run_id, "completed")
    ids = {"plan": view.plan_id, "schedule": view.schedules[0].id, "run": run_id}
    before = {kind: await commits_of(lightning.bus, f"{kind}:{id}") for kind, id in ids.items()}
    for type in OUTSIDE:
        data = data_for(type, ids[EVENT_TYPES[type].prefix])
        with pytest.raises(NotFound):
            await lightning.publish(MALLORY, type, data)
    for kind, id in ids.items():
        assert await commits_of(lightning.bus, f"{kind}:{id}") == before[kind]


async def test_ids_that_will_be_cannot_be_taken_in_advance(system: System) -> None:
    lightning = system.lightning
    document = plan(NOTE, inputs=TEXT, events=[DAILY])
    view = await lightning.propose(ALICE, document, proposal_id="mine")
    to_come = derived_id("schedule", view.plan_id, "go")
    for type in ("schedule.pause", "schedule.delete"):
        with pytest.raises(NotFound):
            await lightning.publish(MALLORY, type, {"schedule_id": to_come})
    with pytest.raises(NotFound):
        await lightning.propose(MALLORY, document, plan_id=view.plan_id)
    approved = await lightning.approve(ALICE, view.plan_id, view.ir_hash)
    assert [(s.id, s.status) for s in approved.schedules] == [(to_come, "active")]


async def test_approval_by_event_is_held_to_what_approval_by_hand_is(system: System) -> None:
    lightning = system.lightning
    send = {
        "name": "send",
        "action": "email.send",
        "args": {"to": "a@b.eu", "subject": "s", "body": "b"},
    }
    faulty = await lightning.propose(ALICE, plan(send))
    view = await lightning.propose(ALICE, plan(NOTE, inputs=TEXT))

    async def approve(of: Any, **changes: Any) -> str:
        data = {"plan_id": of.plan_id, "ir_hash": of.ir_hash}
        data |= {"catalogue_hash": of.catalogue_hash, **changes}
        return await lightning.publish(ALICE, "plan.approve", data)

    for code, of, changes in (
        ("PLAN_HAS_ERRORS", faulty, {}),
        ("PLAN_INPUTS_INVALID", view, {"inputs": {"text": 7}}),
        ("PLAN_INPUTS_INVALID", view, {"inputs": {"other": "x"}}),
        ("PLAN_REVISION_CHANGED", view, {"ir_hash": "0" * 64}),
    ):
        with pytest.raises(LightningError) as refused:
            await approve(of, **changes)
        assert refused.value.code == code
    with pytest.raises(Conflict):
        await approve(view, catalogue_hash="of other tools")
    runs, _ = await lightning.runs(ALICE)
    assert runs == []


async def test_a_run_takes_no_inputs_but_those_declared(system: System) -> None:
    lightning = system.lightning
    view = await lightning.propose(ALICE, plan(NOTE, inputs=TEXT))
    await lightning.approve(ALICE, view.plan_id, view.ir_hash)
    for inputs in ({"text": 7}, {"other": "x"}, {"text": None}):
        with pytest.raises(Invalid):
            await lightning.run(ALICE, view.plan_id, inputs)
        with pytest.raises(Invalid):
            await lightning.publish(
                ALICE, "plan.trigger", {"plan_id": view.plan_id, "inputs": inputs}
            )
    run_id = await lightning.run(ALICE, view.plan_id, {"text": "bye"})
    await until(lightning, ALICE, run_id, "completed")
    assert await lightning.files.read("alice", "a.txt") == b"bye"


def test_what_a_run_was_approved_with_need_not_be_given_again() -> None:
    assert check_inputs({"to": Input()}, {}, whole=False) == {}
    with pytest.raises(Invalid):
        check_inputs({"to": Input()}, {})


async def test_who_acts_for_another_is_on_record_and_nobody_acts_for_the_system(
    system: System,
) -> None:
    lightning = system.lightning
    view = await lightning.propose(ALICE, plan(NOTE, inputs=TEXT))
    await lightning.publish(OLGA, "plan.reject", {"plan_id": view.plan_id}, user_id="alice")
    async for news in lightning.bus.follow({f"plan:{view.plan_id}": None}):
        commits = news[f"plan:{view.plan_id}"].commits
        if found := [c.cause for c in commits if c.cause.type == "plan.reject"]:
            break
    assert [(e.user_id, e.metadata) for e in found] == [("alice", {"acting": "olga"})]
    with pytest.raises(Forbidden):
        await lightning.publish(
            OLGA, "plan.archive", {"plan_id": view.plan_id}, user_id=SYSTEM.user_id
        )


async def test_schedules_that_ended_hide_none_that_go_on(system: System) -> None:
    lightning = system.lightning
    view = await lightning.propose(ALICE, plan(NOTE, inputs=TEXT, events=[DAILY]))
    view = await lightning.approve(ALICE, view.plan_id, view.ir_hash)
    for number in range(510):
        await lightning.store.put(Document("schedule", f"old{number}", "alice", {}, status="ended"))
    assert [s.id for s in await lightning.schedules(ALICE)] == [view.schedules[0].id]
    await lightning.pause(ALICE, view.schedules[0].id)
    assert [s.status for s in await lightning.schedules(ALICE)] == ["paused"]


async def test_an_event_sent_again_starts_no_plan_twice_though_another_listens_by_now(
    system: System,
) -> None:
    lightning = system.lightning
    listen = {"name": "go", "kind": "event", "type": "order.*"}
    started: list[str] = []
    # in such an order that the second comes before the first among those that listen
    for key in sorted("ab", key=lambda key: derived_id("plan", "alice", key)):
        view = await lightning.propose(
            ALICE, plan(NOTE, inputs=TEXT, events=[listen]), proposal_id=key
        )
        await lightning.approve(ALICE, view.plan_id, view.ir_hash)
        started.append(view.plan_id)
        await lightning.publish(ALICE, "order.placed", {}, event_id="1")
        async for news in lightning.bus.follow({f"plan:{view.plan_id}": None}):
            if any(c.cause.type == "plan.trigger" for h in news.values() for c in h.commits):
                break
    # whatever the second one caused is in line by now, before this
    await lightning.run(ALICE, started[0])
    commits = await commits_of(lightning.bus, f"plan:{started[0]}")
    assert [c.cause.category for c in commits if c.cause.type == "plan.trigger"] == [
        "internal",
        "input",
    ]


async def test_a_forged_cursor_tells_nothing_of_others(system: System) -> None:
    lightning = system.lightning
    hers = plan(NOTE, inputs=TEXT, events=[DAILY])
    view = await lightning.propose(ALICE, hers, thread_id="hers")
    view = await lightning.approve(ALICE, view.plan_id, view.ir_hash)
    await lightning.propose(MALLORY, plan(NOTE, inputs=TEXT), thread_id="mine")
    streams = ("thread:hers", f"schedule:{view.schedules[0].id}", "run:nothing")
    forged = base64.urlsafe_b64encode(orjson.dumps({s: "0" for s in streams})).decode()
    feed = lightning.follow(MALLORY, "mine", forged)
    update = await anext(feed)
    await feed.aclose()
    seen = orjson.loads(base64.urlsafe_b64decode(update.cursor))
    assert not any(stream in seen for stream in streams[:2])
    theirs = base64.urlsafe_b64encode(orjson.dumps({f"plan:{view.plan_id}": "0"})).decode()
    feed = lightning.follow(MALLORY, "mine", theirs)
    with pytest.raises(NotFound):
        async for _ in feed:
            pass
