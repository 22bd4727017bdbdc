"""A person's words become a reply, a proposal, a decision; nothing said is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents.conversation import Stage
from backend.contracts.errors import Conflict, Invalid, NotFound, TooLarge
from backend.contracts.views import PlanView
from tests.agents.conftest import (
    ANN,
    BOB,
    Opening,
    Talk,
    answered,
    drafted,
    repaired,
    step,
)
from tests.scripted_openai import Answer, ScriptedOpenAI

ZONE = "Europe/Paris"
REQUEST = "Every weekday at 9 read https://example.com/feed and mail it to me@example.com"
FEED = step("fetch", "feed.read", url="https://example.com/feed")
MAIL = step(
    "send",
    "email.send",
    "fetch",
    to="me@example.com",
    subject="News",
    body="${fetch.title}",
)
TELL = step("tell", "notify.user", text="Hello")


def digest(**more: Any) -> dict[str, Any]:
    return drafted(FEED, MAIL, when="0 9 * * 1-5", **more)


def plan_of(reply: Any) -> PlanView:
    assert reply.plan is not None, reply
    assert isinstance(reply.plan, PlanView)
    return reply.plan


async def proposal(talk: Talk, server: ScriptedOpenAI, thread: str = "t1") -> PlanView:
    server.answer(digest())
    return plan_of(await talk.say(ANN, thread, REQUEST, ZONE))


async def test_a_request_becomes_a_proposal_that_waits(talk: Talk, server: ScriptedOpenAI) -> None:
    plan = await proposal(talk, server)
    assert plan.status == "proposed"
    assert [s.action for s in plan.document.steps] == ["feed.read", "email.send"]
    assert plan.when == "Weekdays at 09:00"
    assert (plan.planner, plan.origin, plan.request) == ("gpt-4o-mini", "planner", REQUEST)
    assert plan.sources["fetch.url"] == "said"
    assert plan.sources["send.body"] == "step fetch"
    assert not [i for i in plan.issues if i.severity == "error"]


async def test_the_stages_are_told_while_they_happen(talk: Talk, server: ScriptedOpenAI) -> None:
    told: list[Stage] = []

    async def on_stage(stage: Stage) -> None:
        told.append(stage)

    server.answer(digest())
    reply = await talk.say(ANN, "t1", REQUEST, ZONE, on_stage=on_stage)
    names = ["discover", "select", "draft", "validate"]
    assert [s.name for s in told if s.status == "running"] == names
    assert [s.name for s in reply.stages] == names
    assert all(s.status == "done" for s in reply.stages)


async def test_talk_is_streamed_token_by_token(talk: Talk, server: ScriptedOpenAI) -> None:
    tokens: list[str] = []

    async def on_token(token: str) -> None:
        tokens.append(token)

    server.answer(answered("talk"))
    server.say("Hello there Ann")
    reply = await talk.say(ANN, "t1", "hi", ZONE, on_token=on_token)
    assert (reply.kind, reply.text) == ("talk", "Hello there Ann")
    assert tokens == ["Hello ", "there ", "Ann"]


@pytest.mark.parametrize("kind", ["question", "refusal"])
async def test_what_a_model_asks_or_refuses_is_streamed_too(
    talk: Talk, server: ScriptedOpenAI, kind: str
) -> None:
    tokens: list[str] = []

    async def on_token(token: str) -> None:
        tokens.append(token)

    server.answer(answered(kind, "Which of the feeds do you mean?"))
    reply = await talk.say(ANN, "t1", "read the feed", ZONE, on_token=on_token)
    assert "".join(tokens) == reply.text
    assert len(tokens) > 3


@pytest.mark.parametrize("kind", ["question", "refusal"])
async def test_questions_and_refusals_never_become_plans(
    talk: Talk, server: ScriptedOpenAI, kind: str
) -> None:
    server.answer(answered(kind, "Which feed?", "A", "B"))
    reply = await talk.say(ANN, "t1", "read the feed", ZONE)
    assert (reply.kind, reply.text, reply.choices) == (kind, "Which feed?", ("A", "B"))
    assert (await talk.lightning.plans(ANN))[0] == []


async def test_a_message_while_a_proposal_waits_revises_it(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    first = await proposal(talk, server)
    server.answer(drafted(FEED, MAIL, when="0 8 * * 1-5", kind="revision"))
    second = plan_of(await talk.say(ANN, "t1", "make it 8", ZONE))
    assert (second.plan_id, second.revision) == (first.plan_id, 2)
    assert second.when == "Weekdays at 08:00"
    assert second.changes
    assert "https://example.com/feed" in server.requests[-1]["messages"][-1]["content"]


async def test_talk_leaves_the_proposal_waiting(talk: Talk, server: ScriptedOpenAI) -> None:
    first = await proposal(talk, server)
    server.answer(answered("talk"))
    server.say("It is a feed.")
    assert (await talk.say(ANN, "t1", "what is that", ZONE)).kind == "talk"
    server.answer(drafted(FEED, MAIL, when="0 8 * * 1-5", kind="revision"))
    second = plan_of(await talk.say(ANN, "t1", "make it 8", ZONE))
    assert second.plan_id == first.plan_id


async def test_three_clicks_make_one_run(talk: Talk, server: ScriptedOpenAI) -> None:
    server.answer(drafted(TELL))
    plan = plan_of(await talk.say(ANN, "t1", "say Hello to me", ZONE))
    clicks = [talk.decide(ANN, "t1", plan.plan_id, "approve", plan.ir_hash) for _ in range(3)]
    views = await asyncio.gather(*clicks)
    assert {v.status for v in views} == {"approved"}
    assert len({v.run_id for v in views}) == 1
    runs, _ = await talk.lightning.runs(ANN, plan.plan_id)
    assert len(runs) <= 1
    assert views[0].run_id is not None


async def test_an_edit_in_the_card_is_what_the_next_message_revises(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    plan = await proposal(talk, server)
    edited = await talk.decide(
        ANN, "t1", plan.plan_id, "edit", plan.ir_hash, edits={"steps/1/args/subject": "Morning"}
    )
    assert edited.revision == 2
    server.answer(digest(kind="revision"))
    await talk.say(ANN, "t1", "hmm, once more", ZONE)
    assert "Morning" in server.requests[-1]["messages"][-1]["content"]


async def test_a_decision_on_an_older_revision_is_refused(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    plan = await proposal(talk, server)
    await talk.decide(
        ANN, "t1", plan.plan_id, "edit", plan.ir_hash, edits={"steps/1/args/subject": "Morning"}
    )
    for verb in ("approve", "reject"):
        with pytest.raises(Conflict):
            await talk.decide(ANN, "t1", plan.plan_id, verb, plan.ir_hash)  # type: ignore[arg-type]
    assert (await talk.lightning.plan(ANN, plan.plan_id)).status == "proposed"


async def test_a_rejected_plan_is_not_revised_but_replaced(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    plan = await proposal(talk, server)
    turned_down = await talk.decide(
        ANN, "t1", plan.plan_id, "reject", plan.ir_hash, reason="not today"
    )
    assert (turned_down.status, turned_down.reason) == ("rejected", "not today")
    other = await proposal(talk, server)
    assert other.plan_id != plan.plan_id


async def test_a_plan_approved_elsewhere_is_revised_as_approved(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    plan = await proposal(talk, server)
    await talk.lightning.approve(ANN, plan.plan_id, plan.ir_hash)
    server.answer(answered("talk"))
    server.say("You are welcome")
    assert (await talk.say(ANN, "t1", "thanks", ZONE)).kind == "talk"
    server.answer(drafted(FEED, MAIL, when="0 8 * * 1-5", kind="revision"))
    second = plan_of(await talk.say(ANN, "t1", "make it 8", ZONE))
    assert (second.plan_id, second.status) == (plan.plan_id, "proposed")


async def test_an_approval_is_remembered_in_the_thread(talk: Talk, server: ScriptedOpenAI) -> None:
    plan = await proposal(talk, server)
    await talk.decide(ANN, "t1", plan.plan_id, "approve", plan.ir_hash)
    server.answer(answered("talk"))
    server.say("You are welcome")
    await talk.say(ANN, "t1", "thanks", ZONE)
    assert "The plan Feed by mail was approved." in str(server.requests[-1]["messages"])


async def test_a_plan_turned_down_elsewhere_is_no_longer_open(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    plan = await proposal(talk, server)
    await talk.lightning.reject(ANN, plan.plan_id, "no")
    server.answer(answered("talk"))
    server.say("Well")
    await talk.say(ANN, "t1", "hmm", ZONE)
    assert "The open plan" not in str(server.requests[-1]["messages"])


async def test_a_click_on_a_questions_choice_answers_it(talk: Talk, server: ScriptedOpenAI) -> None:
    asked = "Every weekday at 9 read https://example.com/feed and mail it to me"
    server.answer(digest())
    reply = await talk.say(ANN, "t1", asked, ZONE)
    assert (reply.kind, reply.choices) == ("question", ("me@example.com",))
    server.answer(drafted(FEED, MAIL, when="0 9 * * *"))
    plan = plan_of(await talk.say(ANN, "t1", "me@example.com", ZONE))
    assert plan.request == f"{asked}\nme@example.com"
    assert plan.when == "Weekdays at 09:00"


async def test_another_person_sees_nothing_of_a_thread(talk: Talk, server: ScriptedOpenAI) -> None:
    plan = await proposal(talk, server)
    with pytest.raises(NotFound):
        await talk.decide(BOB, "t1", plan.plan_id, "approve", plan.ir_hash)
    server.answer(answered("talk"))
    server.say("Hello Bob")
    await talk.say(BOB, "t1", "hi", ZONE)
    assert "example.com" not in str(server.requests[-1])


async def test_faulty_drafts_are_mended_with_only_their_failing_parts(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    broken = step(
        "send", "email.send", "fetch", to="me@example.com", subject="News", body="${nobody.knows}"
    )
    server.answer(drafted(FEED, broken, when="0 9 * * 1-5"))
    server.answer(repaired(MAIL))
    reply = await talk.say(ANN, "t1", REQUEST, ZONE)
    plan = plan_of(reply)
    assert plan.document.steps[1].args["body"] == "${fetch.title}"
    assert [s.name for s in reply.stages][-2:] == ["repair 1/4", "validate"]
    asked = server.requests[-1]["messages"][-1]["content"]
    assert "nobody" in asked
    assert '"feed.read"' not in asked


async def test_after_four_repairs_the_plan_is_shown_with_its_issues(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    server.answer(drafted(step("tell", "notify.user", text="${nobody.knows}")))
    for attempt in range(4):
        server.answer(repaired(step("tell", "notify.user", text=f"${{nobody.knows{attempt}}}")))
    reply = await talk.say(ANN, "t1", "tell me", ZONE)
    plan = plan_of(reply)
    assert [s.name for s in reply.stages if s.name.startswith("repair")][-1] == "repair 4/4"
    assert any(i.severity == "error" for i in plan.issues)
    assert "still wrong" in reply.text
    assert reply.choices == ("Try again", "Plan offline")
    with pytest.raises(Invalid):
        await talk.decide(ANN, "t1", plan.plan_id, "approve", plan.ir_hash)


async def test_after_four_repairs_a_simpler_plan_and_its_parts_are_named(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    faulty = step("tell", "notify.user", "fetch", text="${nobody.knows}")
    server.answer(drafted(FEED, faulty))
    for _ in range(4):
        server.answer(repaired(faulty))
    reply = await talk.say(ANN, "t1", "read https://example.com/feed and tell me", ZONE)
    assert "A simpler plan would do only “fetch”, and leave out “tell”." in reply.text
    assert "one by one: 1. fetch; 2. tell." in reply.text
    assert reply.choices == ("Leave out “tell”", "Try again", "Plan offline")


@pytest.mark.parametrize(
    "failure",
    [
        Answer(status=500, headers={"x-should-retry": "false"}),
        Answer(status=429, headers={"x-should-retry": "false"}),
        Answer(body=b"<html>"),
        Answer("lorem ipsum"),
        Answer("{", finish="length"),
    ],
)
async def test_a_failing_model_is_a_coded_message_with_a_way_on(
    talk: Talk, server: ScriptedOpenAI, failure: Answer
) -> None:
    server.rule(lambda _: failure)
    reply = await talk.say(ANN, "t1", REQUEST, ZONE)
    assert reply.kind == "error"
    assert "EXEC_MODEL_" in reply.text
    assert reply.choices == ("Try again", "Plan offline")


async def test_trying_again_uses_the_same_words(talk: Talk, server: ScriptedOpenAI) -> None:
    server.fail(500, "out of order")
    assert (await talk.say(ANN, "t1", REQUEST, ZONE)).kind == "error"
    server.answer(digest())
    plan = plan_of(await talk.say(ANN, "t1", "Try again", ZONE))
    assert plan.request == REQUEST


async def test_the_offline_planner_is_the_way_on_when_the_model_is_down(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    server.close()
    assert (await talk.say(ANN, "t1", REQUEST, ZONE)).kind == "error"
    plan = plan_of(await talk.say(ANN, "t1", "Plan offline", ZONE))
    assert plan.planner == "offline"
    assert plan.request == REQUEST


async def test_a_model_that_says_nothing_is_waited_for_so_long_and_then_planned_without(
    opened: Opening, server: ScriptedOpenAI
) -> None:
    async with opened(patience_s=0.2) as talk:
        server.slow()
        reply = await talk.say(ANN, "t1", REQUEST, ZONE)
        assert reply.kind == "error" and "EXEC_MODEL_SLOW" in reply.text
        assert reply.choices == ("Try again", "Plan offline")
        plan = plan_of(await talk.say(ANN, "t1", "Plan offline", ZONE))
        assert (plan.planner, plan.request) == ("offline", REQUEST)


async def test_a_proposal_survives_a_restart_between_propose_and_approve(
    opened: Opening, server: ScriptedOpenAI
) -> None:
    async with opened() as talk:
        plan = await proposal(talk, server)
    async with opened() as talk:
        assert await talk.conversation.resume_unfinished() == ()
        view = await talk.decide(ANN, "t1", plan.plan_id, "approve", plan.ir_hash)
        assert view.status == "scheduled"
        server.answer(drafted(FEED, MAIL, when="0 8 * * 1-5", kind="revision"))
        second = plan_of(await talk.say(ANN, "t1", "make it 8", ZONE))
        assert second.plan_id == plan.plan_id


async def test_a_turn_that_a_crash_interrupted_is_gone_on_with(
    opened: Opening, server: ScriptedOpenAI
) -> None:
    drafting = asyncio.Event()
    async with opened() as talk:
        loop = asyncio.get_running_loop()
        server.slow()

        async def on_stage(stage: Stage) -> None:
            if stage.name == "draft":
                loop.call_soon(drafting.set)

        saying = asyncio.create_task(talk.say(ANN, "t1", REQUEST, ZONE, on_stage=on_stage))
        await drafting.wait()
        saying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saying
    server.release()
    server.forget()
    server.answer(digest())
    async with opened() as talk:
        (resumed,) = await talk.conversation.resume_unfinished()
        assert (resumed.user_id, resumed.thread_id, resumed.text) == ("ann", "t1", REQUEST)
        assert plan_of(resumed.reply).document.steps[1].args["to"] == "me@example.com"
        assert await talk.conversation.resume_unfinished() == ()
        plans, _ = await talk.lightning.plans(ANN)
        assert len(plans) == 1


async def test_a_stopped_turn_is_not_resumed(opened: Opening, server: ScriptedOpenAI) -> None:
    async with opened() as talk:
        drafting = asyncio.Event()
        server.slow()

        async def on_stage(stage: Stage) -> None:
            drafting.set()

        saying = asyncio.create_task(talk.say(ANN, "t1", REQUEST, ZONE, on_stage=on_stage))
        await drafting.wait()
        saying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saying
        await talk.conversation.stop(ANN, "t1")
    server.release()
    async with opened() as talk:
        assert await talk.conversation.resume_unfinished() == ()


async def test_messages_in_one_thread_are_answered_one_by_one(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    texts = ["first", "second", "third"]
    server.rule(lambda r: None if r.get("stream") else answered("talk"))
    server.rule(lambda r: f"You said {r['messages'][-1]['content']}")
    replies = await asyncio.gather(*(talk.say(ANN, "t1", text, ZONE) for text in texts))
    assert [r.text for r in replies] == [f"You said {text}" for text in texts]
    last = server.requests[-1]["messages"]
    assert [m["content"] for m in last if m["role"] == "user"] == texts


async def test_plans_and_schedules_are_listed(talk: Talk, server: ScriptedOpenAI) -> None:
    plan = await proposal(talk, server)
    await talk.decide(ANN, "t1", plan.plan_id, "approve", plan.ir_hash)
    server.answer(answered("manage"))
    reply = await talk.say(ANN, "t2", "what is scheduled?", ZONE)
    assert reply.kind == "manage"
    assert "Feed by mail" in reply.text
    assert "Weekdays at 09:00" in reply.text


async def test_an_empty_or_endless_message_is_refused(talk: Talk) -> None:
    with pytest.raises(Invalid):
        await talk.say(ANN, "t1", " \x00 ", ZONE)
    with pytest.raises(TooLarge):
        await talk.say(ANN, "t1", "x" * 10_000_000, ZONE)


async def test_an_unknown_zone_falls_back_to_the_settings(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    server.answer(digest())
    plan = plan_of(await talk.say(ANN, "t1", REQUEST, "../../etc/passwd"))
    assert plan.timezone == "Europe/Paris"


async def test_a_thread_keeps_one_checkpoint(talk: Talk, server: ScriptedOpenAI) -> None:
    await proposal(talk, server)
    kept = await talk.lightning.store.list("checkpoint", owner="ann", parent="t1")
    assert len(kept.items) == 1
