"""From a side effect back to the sentence that asked for it, and never anybody else's."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.bootstrap import System
from backend.contracts.errors import NotFound
from backend.contracts.explanation import Explanation
from backend.contracts.runs import RunState
from backend.contracts.security import Principal
from backend.contracts.views import PlanView
from tests.lightning.test_trust import change_tool
from tests.mail import MailServer
from tests.systems import Clock, plan, until, working

ANN, BOB = Principal("ann", name="Ann"), Principal("bob")
OLGA = Principal("olga", frozenset({"user", "operator"}), "Olga")
SAID = "mail the news to x@example.com"
SEND = {
    "name": "send",
    "action": "email.send",
    "args": {"to": "x@example.com", "subject": "News", "body": "Hello"},
}
NOTE = {"name": "note", "action": "file.write", "args": {"path": "a.txt", "content": "hi"}}
HOURLY = {"name": "go", "kind": "interval", "every_s": 3600}
PROVENANCE = {
    "planning_id": "session-1",
    "request": SAID,
    "planner": "offline",
    "started_at": "2026-03-02T08:00:00+00:00",
    "duration_ms": 3.2,
    "repairs": ["PLAN_ARG_UNKNOWN"],
}


@dataclass
class House:
    """A running system, its mails and its clock."""

    system: System
    mail: MailServer
    clock: Clock

    async def proposed(self, document: dict[str, Any], **more: Any) -> PlanView:
        said = {"origin": "planner", "planner": "offline", "request": SAID}
        return await self.system.lightning.propose(
            ANN, document, **{**said, "provenance": PROVENANCE, **more}
        )

    async def ran(self, view: PlanView) -> RunState:
        lightning = self.system.lightning
        view = await lightning.approve(ANN, view.plan_id, view.ir_hash)
        assert view.run_id is not None
        return await until(lightning, ANN, view.run_id, "completed", "failed")

    async def why(self, id: str) -> Explanation:
        return await self.system.lightning.explain(ANN, id)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = Clock()
    with MailServer() as mail:
        smtp = {"smtp_host": mail.host, "smtp_port": mail.port, "smtp_from": "l@example.com"}
        async with working(tmp_path, now=clock, **smtp) as system:
            yield House(system, mail, clock)


def kinds(found: Explanation) -> list[str]:
    return [link.kind for link in found.links]


async def test_a_mail_is_explained_back_to_what_was_said(house: House) -> None:
    run = await house.ran(await house.proposed(plan(SEND)))
    found = await house.why(f"{run.run_id}:send")
    assert kinds(found) == ["effect", "run", "approval", "planning", "request"]
    effect, begun, approval, planning, request = (link.words for link in found.links)
    assert effect.startswith(
        "step “send” (email.send, attempt 1) sends 1 mail to x@example.com, done at 20"
    )
    assert begun.startswith(f"run {run.run_id} of “A plan”, begun at 20")
    assert re.fullmatch(r"approved by Ann at [\d :-]+ \(revision 1, hash [0-9a-f]{12}\)", approval)
    assert planning == "planned by the offline planner at 2026-03-02 09:00 in 3 ms, 1 fault mended"
    assert request == f"you said: “{SAID}”"
    assert found.words == " ← ".join([effect, begun, approval, planning, request])
    assert found.links[3].id == "session-1"
    assert found.links[2].detail["trust"] == "trusted"


async def test_the_same_is_found_by_run_event_key_message_id_plan_and_session(
    house: House,
) -> None:
    view = await house.proposed(plan(SEND))
    run = await house.ran(view)
    lightning = house.system.lightning
    events, _ = await lightning.run_events(ANN, run.run_id)
    by_type = {event.type: event for event in events}
    message_id = str(house.mail.messages[0].message["Message-ID"])
    asked = by_type["plan.step.execute"]
    whole = await house.why(f"{run.run_id}:send")
    for id in (message_id, asked.id, asked.data["key"], by_type["plan.step.completed"].id):
        assert (await house.why(id)).links == whole.links
    assert (await house.why(run.run_id)).links == whole.links[1:]
    assert (await house.why(by_type["plan.execute"].id)).links == whole.links[1:]
    assert (await house.why(by_type["run.completed"].id)).links[1:] == whole.links[1:]
    assert (await house.why(view.plan_id)).links == whole.links[2:]
    for link in whole.links[:3]:
        assert (await house.why(link.id)).links[-1] == whole.links[-1]


async def test_edits_and_later_words_are_links_of_their_own(house: House) -> None:
    lightning = house.system.lightning
    first = await house.proposed(plan(SEND))
    second = {**PROVENANCE, "planning_id": "session-2", "request": "to y@example.com instead"}
    other = {**SEND, "args": {**SEND["args"], "to": "y@example.com"}}  # type: ignore[dict-item]
    revised = await house.proposed(plan(other), plan_id=first.plan_id, provenance=second)
    edited = await lightning.edit(
        ANN, revised.plan_id, revised.ir_hash, {"steps/0/args/subject": "Morning"}
    )
    run = await house.ran(edited)
    found = await house.why(run.run_id)
    assert kinds(found) == [
        "run",
        "approval",
        "revision",
        "planning",
        "request",
        "planning",
        "request",
    ]
    edit = found.links[2]
    assert edit.words.startswith("edited by Ann at ") and "send: subject" in edit.words
    assert edit.detail["changes"] == [
        {"path": "steps/0/args/subject", "old": "News", "new": "Morning"}
    ]
    said = [link.words for link in found.links if link.kind == "request"]
    assert said == ["you said: “to y@example.com instead”", f"you said: “{SAID}”"]


async def test_a_document_by_hand_ends_with_who_gave_it(house: House) -> None:
    view = await house.system.lightning.propose(ANN, plan(NOTE))
    found = await house.why((await house.ran(view)).run_id)
    assert kinds(found) == ["run", "approval", "revision"]
    assert found.links[-1].words.startswith("written by hand, given by Ann at ")


async def test_a_plan_checked_anew_says_why(house: House) -> None:
    view = await house.proposed(plan(NOTE))
    lightning = house.system.lightning
    change_tool(house.system, "file.write", version="2")
    with pytest.raises(Exception, match="changed since"):
        await lightning.approve(ANN, view.plan_id, view.ir_hash)
    run = await house.ran(await lightning.plan(ANN, view.plan_id))
    found = await house.why(run.run_id)
    assert kinds(found) == ["run", "approval", "revision", "planning", "request"]
    assert "The tool file.write changed from version 1 to 2; checked anew" in found.words


async def test_what_a_schedule_did_says_when_it_was_due(house: House) -> None:
    lightning = house.system.lightning
    view = await house.proposed(plan(NOTE, events=[HOURLY]), thread_id="t")
    view = await lightning.approve(ANN, view.plan_id, view.ir_hash)
    house.clock.advance(hours=1)
    async for update in lightning.follow(ANN, "t"):
        if done := [run for run in update.runs if run.status == "completed"]:
            break
    found = await house.why(done[0].run_id)
    assert kinds(found) == ["run", "trigger", "approval", "planning", "request"]
    assert found.links[1].words.startswith("due by its schedule at ")
    assert found.links[1].detail["schedule_id"] == view.schedules[0].id
    assert (await house.why(view.schedules[0].id)).links == found.links[2:]


async def test_a_run_somebody_or_something_started_says_who_or_what(house: House) -> None:
    lightning = house.system.lightning
    listening = {"name": "go", "kind": "event", "type": "order.placed"}
    view = await house.proposed(plan(NOTE, events=[listening]), thread_id="t")
    await lightning.approve(ANN, view.plan_id, view.ir_hash)
    await lightning.publish(ANN, "order.placed", {"total": 3})
    async for update in lightning.follow(ANN, "t"):
        if done := [run for run in update.runs if run.status == "completed"]:
            break
    found = await house.why(done[0].run_id)
    assert "started by the event order.placed at " in found.words
    by_hand = await lightning.run(ANN, view.plan_id)
    await until(lightning, ANN, by_hand, "completed")
    assert "started by Ann at " in (await house.why(by_hand)).words


async def test_an_approval_in_anothers_name_says_who_it_was(house: House) -> None:
    lightning = house.system.lightning
    await lightning.users.register("olga", "correct horse battery", ("user", "operator"))
    view = await house.proposed(plan(NOTE))
    data = {"plan_id": view.plan_id, "ir_hash": view.ir_hash}
    await lightning.publish(OLGA, "plan.approve", data, user_id="ann")
    async for news in lightning.bus.follow({f"plan:{view.plan_id}": None}):
        outputs = [e for history in news.values() for c in history.commits for e in c.outputs]
        if any(event.type == "plan.approved" for event in outputs):
            break
    assert "approved by olga at " in (await house.why(view.plan_id)).words.lower()


async def test_a_gate_says_who_let_it_happen(house: House) -> None:
    lightning = house.system.lightning
    view = await house.proposed(plan({**SEND, "approval": "required"}))
    view = await lightning.approve(ANN, view.plan_id, view.ir_hash)
    assert view.run_id is not None
    await until(lightning, ANN, view.run_id, "waiting")
    await lightning.answer(ANN, view.run_id, "send", "allow")
    await until(lightning, ANN, view.run_id, "completed")
    found = await house.why(f"{view.run_id}:send")
    assert kinds(found)[:3] == ["effect", "permission", "run"]
    assert found.links[1].words.startswith("allowed by Ann at ")


async def test_a_step_that_failed_does_not_say_it_did_anything(house: House) -> None:
    house.mail.refuse("x@example.com")
    run = await house.ran(await house.proposed(plan(SEND)))
    effect = (await house.why(f"{run.run_id}:send")).links[0]
    assert "sends 1 mail" not in effect.words and " failed at " in effect.words
    assert effect.detail["error"]["code"]


async def test_each_item_of_a_list_is_explained_by_itself(house: House) -> None:
    args = {"path": "${item}", "content": "hi"}
    each = {"name": "each", "action": "file.write", "args": args, "for_each": "${inputs.names}"}
    names = {"names": {"type": "array", "default": ["a.txt", "b.txt"]}}
    run = await house.ran(await house.proposed(plan(each, inputs=names)))
    first, second = [await house.why(f"{run.run_id}:each:{n}") for n in (0, 1)]
    assert (first.links[0].detail["index"], second.links[0].detail["index"]) == (0, 1)
    assert first.links[0].detail["event_id"] != second.links[0].detail["event_id"]


async def test_what_a_called_plan_did_leads_through_the_step_that_called_it(house: House) -> None:
    lightning = house.system.lightning
    inner = await house.proposed(plan(NOTE))
    saved = await lightning.save(ANN, inner.plan_id, "Keep a note")
    said = {**PROVENANCE, "planning_id": "session-2", "request": "keep a note"}
    call = {"name": "keep", "action": saved.saved, "args": {}}
    run = await house.ran(await house.proposed(plan(call), provenance=said))
    child = run.steps["keep"].child
    found = await house.why(f"{child}:note")
    assert kinds(found)[:4] == ["effect", "run", "effect", "run"]
    assert [link.id for link in found.links[:4]] == [
        f"{child}:note",
        child,
        f"{run.run_id}:keep",
        run.run_id,
    ]
    assert found.links[-1].words == "you said: “keep a note”"


async def test_a_message_in_the_thread_leads_to_the_step_that_sent_it(house: House) -> None:
    tell = {"name": "tell", "action": "notify.user", "args": {"text": "Hello"}}
    view = await house.proposed(plan(tell), thread_id="t")
    await house.ran(view)
    async for update in house.system.lightning.follow(ANN, "t"):
        if update.messages:
            break
    found = await house.why(str(update.messages[0]["id"]))
    assert kinds(found)[:3] == ["event", "effect", "run"]
    assert "step “tell”" in found.words and found.links[-1].kind == "request"


async def test_nothing_of_anybody_elses_is_explained(house: House) -> None:
    view = await house.proposed(plan(SEND), thread_id="t")
    run = await house.ran(view)
    lightning = house.system.lightning
    events, _ = await lightning.run_events(ANN, run.run_id)
    message_id = str(house.mail.messages[0].message["Message-ID"])
    ids = [view.plan_id, f"{view.plan_id}:1", run.run_id, f"{run.run_id}:send", message_id]
    for id in [*ids, *(event.id for event in events)]:
        with pytest.raises(NotFound):
            await lightning.explain(BOB, id)


@pytest.mark.parametrize(
    "id", ["", ":", "::", "x" * 301, "nothing", "../../x", "ü:ü", "\0", "%", "run:send:²"]
)
async def test_an_id_of_nothing_is_not_found(house: House, id: str) -> None:
    with pytest.raises(NotFound):
        await house.why(id)


async def test_a_step_or_revision_that_is_not_there_is_not_found(house: House) -> None:
    run = await house.ran(await house.proposed(plan(NOTE)))
    steps = ("nothing", "note:7", "note:x", "note:-1", f"note:{'9' * 40}")
    for id in (*(f"{run.run_id}:{step}" for step in steps), f"{run.plan_id}:9", f"{run.plan_id}:x"):
        with pytest.raises(NotFound):
            await house.why(id)


async def test_secrets_do_not_come_out_in_an_explanation(house: House) -> None:
    lightning = house.system.lightning
    view = await house.proposed(plan(NOTE), request="x", provenance=PROVENANCE)
    edited = await lightning.edit(
        ANN, view.plan_id, view.ir_hash, {"steps/0/args/content": "password: hunter2!"}
    )
    found = await house.why((await house.ran(edited)).run_id)
    assert "hunter2" not in repr(found) and "•••" in repr(found)
