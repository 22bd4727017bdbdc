"""The same graph without a model: planned, revised, asked and answered on a fresh machine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.agents.conftest import ANN, Opening, Talk

ZONE = "Europe/Paris"
REQUEST = (
    "Every weekday at 9 in the morning read the feed https://example.com/rss, "
    "summarise it and mail it to me@example.com"
)


@pytest.fixture
async def talk(opened: Opening) -> AsyncIterator[Talk]:
    async with opened(model=False) as talk:
        yield talk


async def test_one_sentence_becomes_a_scheduled_plan(talk: Talk) -> None:
    reply = await talk.say(ANN, "t1", REQUEST, ZONE)
    assert reply.plan is not None
    assert [s.action for s in reply.plan.document.steps] == [
        "feed.read",
        "text.summarize",
        "email.send",
    ]
    assert reply.plan.planner == "offline"
    assert [s.name for s in reply.stages][-2:] == ["draft", "validate"]
    view = await talk.decide(ANN, "t1", reply.plan.plan_id, "approve", reply.plan.ir_hash)
    assert view.status == "scheduled"
    (schedule,) = await talk.lightning.schedules(ANN)
    assert schedule.thread_id == "t1"


async def test_saying_a_change_makes_a_revision_of_the_same_plan(talk: Talk) -> None:
    first = (await talk.say(ANN, "t1", REQUEST, ZONE)).plan
    second = (await talk.say(ANN, "t1", "make it 8", ZONE)).plan
    third = (await talk.say(ANN, "t1", "also save it to news.md", ZONE)).plan
    assert first is not None
    assert second is not None
    assert third is not None
    assert (second.plan_id, second.when) == (first.plan_id, "Weekdays at 08:00")
    assert (third.plan_id, third.revision) == (first.plan_id, 3)
    assert "file.write" in [s.action for s in third.document.steps]
    assert third.when == "Weekdays at 08:00"


async def test_the_answer_to_a_question_completes_the_request(talk: Talk) -> None:
    asked = "read https://example.com/a and mail me the summary"
    question = await talk.say(ANN, "t1", asked, ZONE)
    assert question.kind == "question"
    reply = await talk.say(ANN, "t1", "me@example.com", ZONE)
    assert reply.plan is not None
    assert reply.plan.document.steps[-1].args["to"] == "me@example.com"
    assert reply.plan.request == f"{asked}\nme@example.com"


async def test_a_new_request_is_no_answer_to_an_old_question(talk: Talk) -> None:
    question = await talk.say(ANN, "t1", "mail me the summary of https://example.com/a", ZONE)
    assert question.kind == "question"
    reply = await talk.say(ANN, "t1", REQUEST, ZONE)
    assert reply.plan is not None
    assert reply.plan.request == REQUEST


async def test_small_talk_after_a_question_is_small_talk(talk: Talk) -> None:
    await talk.say(ANN, "t1", "mail me the summary of https://example.com/a", ZONE)
    assert (await talk.say(ANN, "t1", "hello", ZONE)).kind == "talk"


async def test_what_cannot_be_done_is_refused_and_nothing_is_stored(talk: Talk) -> None:
    reply = await talk.say(ANN, "t1", "book me a flight to Rome", ZONE)
    assert reply.kind == "refusal"
    assert (await talk.lightning.plans(ANN))[0] == []


async def test_a_mail_without_a_server_says_what_to_set_before_approval(opened: Opening) -> None:
    async with opened(model=False, smtp_host="") as talk:
        reply = await talk.say(ANN, "t1", REQUEST, ZONE)
    assert reply.plan is not None
    (issue,) = [i for i in reply.plan.issues if i.code == "PLAN_SETTING_MISSING"]
    assert "SMTP_HOST" in issue.message
    assert not any(s.name.startswith("repair") for s in reply.stages)
