"""Plans kept under a name: found again, looked back on, called by other plans."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend.bootstrap import System
from backend.contracts.errors import Conflict, Invalid, NotFound
from backend.contracts.runs import RunStatus
from backend.contracts.security import Principal
from tests.systems import completed, plan, until, working

ALICE, BOB = Principal("alice"), Principal("bob")
NOTE: dict[str, Any] = {
    "name": "note",
    "action": "file.write",
    "args": {"path": "${inputs.path}", "content": "${inputs.text}"},
}
INPUTS = {"path": {"default": "note.md"}, "text": {"description": "what it says"}}
KEEP = {**plan(NOTE, inputs=INPUTS), "plan_name": "Keep a note"}

CHANGED = {**KEEP, "steps": [{**NOTE, "on": ["go"], "args": {**NOTE["args"], "content": "new"}}]}


def call(tool: str, name: str = "keep", **args: Any) -> dict[str, Any]:
    return {"name": name, "action": tool, "args": args}


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with working(tmp_path) as system:
        yield system


async def begun(system: System, step: str, run_id: str | None, status: RunStatus) -> str:
    """The run that a step of this run has started, once it is in that state."""
    assert run_id is not None
    lightning = system.lightning
    child = (await lightning.run_state(ALICE, run_id)).steps[step].child
    async with contextlib.aclosing(lightning.bus.follow({f"run:{child}": None})) as news:
        async for _ in news:
            if (await lightning.run_state(ALICE, child)).status == status:
                return child
    raise AssertionError("the bus was closed")


async def kept(system: System, document: dict[str, Any], name: str | None = None) -> str:
    view = await system.lightning.propose(ALICE, document)
    return (await system.lightning.save(ALICE, view.plan_id, name)).plan_id


async def test_a_saved_plan_is_a_tool_of_its_owner_alone(system: System) -> None:
    view = await system.lightning.propose(ALICE, KEEP)
    saved = await system.lightning.save(ALICE, view.plan_id)
    assert saved.saved == "plan.keep-a-note"
    catalogue = await system.lightning.catalogue(ALICE)
    spec = catalogue.tools["plan.keep-a-note"]
    assert (spec.type, spec.name, spec.purity) == ("plan", "Keep a note", "idempotent")
    assert spec.inputs["required"] == ["text"]
    assert spec.inputs["properties"]["path"]["default"] == "note.md"
    assert "path" in spec.outputs["properties"]
    assert spec.effects == ("writes 1 file, note.md",)
    others = await system.lightning.catalogue(BOB)
    assert "plan.keep-a-note" not in others.tools
    assert others.hash != catalogue.hash
    with pytest.raises(NotFound):
        await system.lightning.save(BOB, view.plan_id)
    with pytest.raises(NotFound):
        await system.lightning.history(BOB, view.plan_id)


async def test_two_plans_saved_at_once_under_one_name_get_names_of_their_own(
    system: System,
) -> None:
    views = [await system.lightning.propose(ALICE, KEEP) for _ in range(3)]
    saves = [system.lightning.save(ALICE, v.plan_id, "Überall notiert") for v in views]
    tools = {view.saved for view in await asyncio.gather(*saves)}
    names = {"plan.uberall-notiert", "plan.uberall-notiert-2", "plan.uberall-notiert-3"}
    assert tools == names
    again = await system.lightning.save(ALICE, views[0].plan_id)
    assert again.saved in names


async def test_another_process_sees_what_was_saved(tmp_path: Path) -> None:
    async with working(tmp_path) as one, working(tmp_path) as two:
        before = await two.lightning.catalogue(ALICE)
        await kept(one, KEEP, "first")
        between = await two.lightning.catalogue(ALICE)
        plan_id = await kept(one, KEEP, "second")
        after = await two.lightning.catalogue(ALICE)
        assert set(between.tools) - set(before.tools) == {"plan.first"}
        assert set(after.tools) - set(between.tools) == {"plan.second"}
        await one.lightning.unsave(ALICE, plan_id)
        assert set((await two.lightning.catalogue(ALICE)).tools) == set(between.tools)


async def test_a_plan_is_found_by_its_words_renamed_and_let_go(system: System) -> None:
    note = await kept(system, KEEP, "jot down")
    ask = {"name": "ask", "action": "human.ask", "args": {"text": "Lunch?"}}
    await kept(system, {**plan(ask), "description": "Asks about lunch."}, "lunch")
    lightning = system.lightning
    assert [s.name for s in await lightning.saved(ALICE)] == ["jot down", "lunch"]
    assert [s.plan_id for s in await lightning.saved(ALICE, "note")] == [note]
    assert await lightning.saved(BOB) == []
    assert await lightning.saved(BOB, "note") == []
    renamed = await lightning.save(ALICE, note, "scribble")
    assert renamed.saved == "plan.scribble"
    assert (await lightning.unsave(ALICE, note)).saved == ""
    assert [s.name for s in await lightning.saved(ALICE)] == ["lunch"]


async def test_an_ended_plan_is_no_tool_any_more_and_cannot_be_saved(system: System) -> None:
    plan_id = await kept(system, KEEP)
    await system.lightning.archive(ALICE, plan_id)
    assert await system.lightning.saved(ALICE) == []
    assert "plan.keep-a-note" not in (await system.lightning.catalogue(ALICE)).tools
    with pytest.raises(Conflict) as refused:
        await system.lightning.save(ALICE, plan_id)
    assert refused.value.code == "PLAN_ARCHIVED"


async def test_a_plan_with_errors_is_not_saved_a_missing_setting_is_no_hindrance(
    system: System,
) -> None:
    wrong = await system.lightning.propose(ALICE, plan(call("file.wrote")))
    with pytest.raises(Invalid) as refused:
        await system.lightning.save(ALICE, wrong.plan_id)
    assert [i.code for i in refused.value.issues] == ["PLAN_TOOL_UNKNOWN"]
    args = {"to": "a@example.com", "subject": "s", "body": "b"}
    mail = await kept(system, plan(call("email.send", **args)), "post")
    catalogue = await system.lightning.catalogue(ALICE)
    assert "SMTP_HOST" in catalogue.missing["plan.post"]
    view = await system.lightning.propose(ALICE, plan(call("plan.post")))
    assert [i.code for i in view.issues] == ["PLAN_SETTING_MISSING"]
    assert mail


async def test_the_history_says_who_wrote_what_and_what_became_of_it(system: System) -> None:
    lightning = system.lightning
    args = {"path": "a.txt", "content": "hi"}
    first = await lightning.propose(ALICE, plan({**NOTE, "args": args}), request="note it")
    await lightning.reject(ALICE, first.plan_id, "no")
    second = await lightning.edit(
        ALICE, first.plan_id, first.ir_hash, {"steps/0/args/content": "bye"}
    )
    await lightning.approve(ALICE, second.plan_id, second.ir_hash)
    await lightning.save(ALICE, first.plan_id, "bye")
    edits = {"steps/0/args/content": "again"}
    await lightning.edit(ALICE, first.plan_id, second.ir_hash, edits)
    found = await lightning.history(ALICE, first.plan_id)
    assert [(r.number, r.decided, r.origin, r.saved) for r in found] == [
        (3, "", "edited", False),
        (2, "approved", "edited", True),
        (1, "rejected", "hand", False),
    ]
    assert [(c.old, c.new) for c in found[1].changes] == [("hi", "bye")]
    assert found[2].request == "note it"
    assert found[1].decided_by == "alice"


async def test_a_called_plan_runs_with_its_arguments_and_gives_back_what_it_made(
    system: System,
) -> None:
    await kept(system, KEEP)
    read = {"name": "read", "action": "file.read", "args": {"path": "${keep.path}"}}
    state = await completed(
        system.lightning, ALICE, plan(call("plan.keep-a-note", text="so it is"), read)
    )
    assert state.status == "completed"
    assert state.steps["read"].output["content"] == "so it is"
    assert state.steps["keep"].output["steps"]["note"]["path"] == "note.md"
    child = await system.lightning.run_state(ALICE, state.steps["keep"].child)
    assert (child.status, child.inputs["text"]) == ("completed", "so it is")
    with pytest.raises(NotFound):
        await system.lightning.run_state(BOB, child.run_id)
    runs, _ = await system.lightning.runs(ALICE)
    assert {"run_id": state.run_id, "step": "keep"} in [r["parent"] for r in runs]


async def test_every_item_of_a_list_is_a_run_of_its_own(system: System) -> None:
    await kept(system, KEEP)
    each = {
        **call("plan.keep-a-note", path="${item}.md", text="no. ${index}"),
        "for_each": "${inputs.names}",
    }
    names = {"names": {"type": "array", "default": ["a", "b", "c"]}}
    state = await completed(system.lightning, ALICE, plan(each, inputs=names))
    assert state.status == "completed"
    assert state.steps["keep"].output["path"] == ["a.md", "b.md", "c.md"]
    items = state.steps["keep"].items or ()
    assert len({item.child for item in items}) == 3
    assert await system.lightning.files.read("alice", "c.md") == b"no. 2"


async def test_what_fails_inside_fails_the_step_that_called_with_its_error(system: System) -> None:
    read = {"name": "read", "action": "file.read", "args": {"path": "nowhere.md"}}
    await kept(system, plan(read), "broken")
    state = await completed(system.lightning, ALICE, plan(call("plan.broken")))
    assert state.status == "failed"
    child = await system.lightning.run_state(ALICE, state.steps["keep"].child)
    assert state.steps["keep"].error is not None and child.error is not None
    assert state.steps["keep"].error["code"] == child.error["code"]
    tolerant = {**call("plan.broken"), "on_error": "continue"}
    tell = {"name": "tell", "action": "file.write", "args": {"path": "t.md", "content": "on"}}
    state = await completed(system.lightning, ALICE, plan(tolerant, {**tell, "on": ["go"]}))
    assert state.status == "completed"


async def test_stopping_a_run_stops_those_it_has_called_and_those_they_have(
    system: System,
) -> None:
    wait = {"name": "ask", "action": "human.ask", "args": {"text": "Go on?"}}
    await kept(system, plan(wait), "asking")
    await kept(system, plan(call("plan.asking")), "middle")
    lightning = system.lightning
    view = await lightning.propose(ALICE, plan(call("plan.middle")))
    run_id = (await lightning.approve(ALICE, view.plan_id, view.ir_hash)).run_id
    assert run_id is not None
    middle = await begun(system, "keep", run_id, "running")
    inner = await begun(system, "keep", middle, "waiting")
    await lightning.cancel(ALICE, run_id)
    for child in (middle, inner):
        assert (await until(lightning, ALICE, child, "cancelled")).status == "cancelled"


async def test_stopping_a_called_run_alone_fails_the_step_that_waits_for_it(
    system: System,
) -> None:
    wait = {"name": "ask", "action": "human.ask", "args": {"text": "Go on?"}}
    await kept(system, plan(wait), "asking")
    lightning = system.lightning
    view = await lightning.propose(ALICE, plan(call("plan.asking")))
    run_id = (await lightning.approve(ALICE, view.plan_id, view.ir_hash)).run_id
    assert run_id is not None
    child = await begun(system, "keep", run_id, "waiting")
    await lightning.cancel(ALICE, child)
    state = await until(lightning, ALICE, run_id, "failed")
    assert state.error is not None and state.error["code"] == "EXEC_CHILD_CANCELLED"


async def test_what_a_called_plan_asks_is_answered_in_its_own_run_and_goes_on(
    system: System,
) -> None:
    ask = {"name": "ask", "action": "human.ask", "args": {"text": "Which?"}}
    await kept(system, plan(ask), "asking")
    tell = {"name": "note", "action": "file.write"}
    args = {"path": "a.md", "content": "${keep.answer}"}
    lightning = system.lightning
    document = plan(call("plan.asking"), {**tell, "args": args})
    view = await lightning.propose(ALICE, document, thread_id="t1")
    run_id = (await lightning.approve(ALICE, view.plan_id, view.ir_hash)).run_id
    assert run_id is not None
    child = await begun(system, "keep", run_id, "waiting")
    state = await lightning.run_state(ALICE, child)
    assert state.thread_id == "t1"
    await lightning.answer(ALICE, child, "ask", "this one")
    assert (await until(lightning, ALICE, run_id, "completed", "failed")).status == "completed"
    assert await lightning.files.read("alice", "a.md") == b"this one"


async def test_the_card_says_what_a_called_plan_will_do(system: System) -> None:
    await kept(system, KEEP)
    document = plan(
        call("plan.keep-a-note", text="x", path="mine.md"),
        call("plan.keep-a-note", "more", text="y", path="mine.md"),
    )
    view = await system.lightning.propose(ALICE, document)
    assert view.forecast.effects == ("writes 2 files, mine.md (in keep-a-note)",)
    assert view.forecast.step_effects["keep"] == ("writes 1 file, mine.md (in keep-a-note)",)


async def test_an_approval_holds_for_the_revision_that_was_there_and_a_new_one_asks_again(
    system: System,
) -> None:
    lightning = system.lightning
    inner = await lightning.propose(ALICE, KEEP)
    await lightning.save(ALICE, inner.plan_id)
    document = plan(call("plan.keep-a-note", text="x"))
    approved = await lightning.propose(ALICE, document)
    waiting = await lightning.propose(ALICE, document)
    first = (await lightning.approve(ALICE, approved.plan_id, approved.ir_hash)).run_id
    assert first is not None
    await until(lightning, ALICE, first, "completed")
    edited = await lightning.propose(ALICE, CHANGED, plan_id=inner.plan_id)
    # a revision that is not saved changes nothing for those who call the plan
    assert (await lightning.catalogue(ALICE)).tools["plan.keep-a-note"].config["revision"] == 1
    await lightning.save(ALICE, inner.plan_id)
    with pytest.raises(Conflict) as refused:
        await lightning.approve(ALICE, waiting.plan_id, waiting.ir_hash)
    assert refused.value.code == "PLAN_TOOLS_CHANGED"
    await lightning.archive(ALICE, inner.plan_id)
    again = await lightning.run(ALICE, approved.plan_id)
    assert (await until(lightning, ALICE, again, "completed")).status == "completed"
    assert await lightning.files.read("alice", "note.md") == b"x"
    assert edited.revision == 2


async def test_a_change_deep_below_asks_again_on_top(system: System) -> None:
    lightning = system.lightning
    inner = await lightning.propose(ALICE, KEEP)
    await lightning.save(ALICE, inner.plan_id)
    await kept(system, plan(call("plan.keep-a-note", text="x")), "middle")
    before = (await lightning.catalogue(ALICE)).tools["plan.middle"].version
    top = await lightning.propose(ALICE, plan(call("plan.middle")))
    await lightning.propose(ALICE, CHANGED, plan_id=inner.plan_id)
    await lightning.save(ALICE, inner.plan_id)
    assert (await lightning.catalogue(ALICE)).tools["plan.middle"].version != before
    with pytest.raises(Conflict):
        await lightning.approve(ALICE, top.plan_id, top.ir_hash)


async def test_a_plan_that_would_come_to_call_itself_is_not_saved(system: System) -> None:
    lightning = system.lightning
    inner = await lightning.propose(ALICE, KEEP)
    await lightning.save(ALICE, inner.plan_id, "a")
    await kept(system, plan(call("plan.a", text="x")), "b")
    await lightning.propose(ALICE, plan(call("plan.b")), plan_id=inner.plan_id)
    with pytest.raises(Invalid) as refused:
        await lightning.save(ALICE, inner.plan_id)
    assert refused.value.code == "PLAN_CYCLE"
    assert "plan.a → plan.b → plan.a" in refused.value.message


async def test_plans_are_called_five_deep_and_no_deeper(system: System) -> None:
    await kept(system, KEEP, "p1")
    await kept(system, plan(call("plan.p1", text="deep")), "p2")
    for number in range(3, 6):
        await kept(system, plan(call(f"plan.p{number - 1}")), f"p{number}")
    state = await completed(system.lightning, ALICE, plan(call("plan.p5")))
    assert state.status == "completed"
    assert await system.lightning.files.read("alice", "note.md") == b"deep"
    view = await system.lightning.propose(ALICE, plan(call("plan.p5")))
    with pytest.raises(Invalid):
        await system.lightning.save(ALICE, await _sixth(system))
    assert not view.issues


async def _sixth(system: System) -> str:
    plan_id = await kept(system, plan(call("plan.p5")), "p6")
    view = await system.lightning.propose(ALICE, plan(call("plan.p6")))
    assert [i.code for i in view.issues] == ["PLAN_TOO_DEEP"]
    assert plan_id
    return view.plan_id


async def test_a_gate_before_a_called_plan_is_asked_before_anything_in_it_runs(
    system: System,
) -> None:
    await kept(system, KEEP)
    lightning = system.lightning
    gated = {**call("plan.keep-a-note", text="x"), "approval": "required"}
    view = await lightning.propose(ALICE, plan(gated))
    run_id = (await lightning.approve(ALICE, view.plan_id, view.ir_hash)).run_id
    assert run_id is not None
    state = await until(lightning, ALICE, run_id, "waiting")
    assert state.steps["keep"].child == ""
    await lightning.answer(ALICE, run_id, "keep", {"answer": "allow", "args": {"text": "mine"}})
    await until(lightning, ALICE, run_id, "completed")
    assert await lightning.files.read("alice", "note.md") == b"mine"


async def test_a_plan_saved_again_as_a_template_is_the_same_routine_with_another_revision(
    system: System,
) -> None:
    lightning = system.lightning
    args = {"path": "a.md", "content": "hi"}
    view = await lightning.propose(ALICE, plan({**NOTE, "args": args}))
    saves = [lightning.save_template(ALICE, view.plan_id, "jot") for _ in range(3)]
    first = (await asyncio.gather(*saves))[0]
    same = await lightning.save_template(ALICE, view.plan_id, "jot")
    edits = {"steps/0/args/content": "bye"}
    edited = await lightning.edit(ALICE, view.plan_id, view.ir_hash, edits)
    again = await lightning.save_template(ALICE, edited.plan_id, "jot")
    assert first.plan_id == same.plan_id == again.plan_id != view.plan_id
    assert (same.revision, again.revision) == (1, 2)
    assert {v.saved for v in (first, same, again)} == {"plan.jot"}
    (kept,) = await lightning.saved(ALICE)
    assert kept.document.inputs["path"].default == "a.md"
    assert kept.document.steps[0].args["content"] == "bye"


async def test_runs_that_others_called_can_be_left_out_of_the_list(system: System) -> None:
    await kept(system, KEEP)
    calls = [call("plan.keep-a-note", f"c{i}", text="x") for i in range(5)]
    state = await completed(system.lightning, ALICE, plan(*calls))
    runs, cursor = await system.lightning.runs(ALICE, limit=2, called=False)
    assert [run["run_id"] for run in runs] == [state.run_id]
    assert cursor is None
    everything, _ = await system.lightning.runs(ALICE)
    assert len(everything) == 6


async def test_a_computed_value_of_another_type_is_refused_before_anything_is_done(
    system: System,
) -> None:
    await kept(system, KEEP)
    query = {"name": "pick", "action": "json.query", "args": {"data": {"a": [1]}, "query": "a"}}
    wrong = call("plan.keep-a-note", text="${pick.result}")
    state = await completed(system.lightning, ALICE, plan(query, wrong))
    assert state.error is not None and state.error["code"] == "EXEC_INPUT_INVALID"
    with pytest.raises(NotFound):
        await system.lightning.files.read("alice", "note.md")
