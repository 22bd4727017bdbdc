"""While a question is open: answers fill the gap, everything else is what it is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agents.conversation import Reply
from tests.agents.conftest import ANN, Opening, Talk

ZONE = "Europe/Paris"
ASKS_WHOM = "To which address should I mail it?"
ASKS_WHAT = "What should the mail say?"


@pytest.fixture
async def talk(opened: Opening) -> AsyncIterator[Talk]:
    async with opened(model=False) as talk:
        yield talk


async def last(talk: Talk, *lines: str) -> Reply:
    for line in lines:
        reply = await talk.say(ANN, "t1", line, ZONE)
    return reply


def steps(reply: Reply) -> list[tuple[str, dict[str, object]]]:
    assert reply.plan is not None, reply
    return [(s.action, dict(s.args)) for s in reply.plan.document.steps]


@pytest.mark.parametrize(
    "said",
    [
        "the meeting is moved to 3",
        "call me when you are home",
        "thanks for the great dinner yesterday",
        "call me when you are home, see https://x.org at 5 tomorrow",
    ],
)
async def test_a_text_that_was_asked_for_is_taken_word_for_word(talk: Talk, said: str) -> None:
    assert (await last(talk, "Send a mail")).text == ASKS_WHOM
    assert (await last(talk, "bob@x.org")).text == ASKS_WHAT
    ((tool, args),) = steps(await last(talk, said))
    assert (tool, args["to"], args["body"]) == ("email.send", "bob@x.org", said)


@pytest.mark.parametrize(
    ("aside", "kind"),
    [("what runs do I have?", "manage"), ("hello", "talk"), ("what can you do?", "talk")],
)
async def test_an_aside_is_answered_and_the_question_stays_open(
    talk: Talk, aside: str, kind: str
) -> None:
    assert (await last(talk, "Send a mail", aside)).kind == kind
    assert (await last(talk, "bob@x.org")).text == ASKS_WHAT


@pytest.mark.parametrize("said", ["never mind", "forget it", "cancel", "No thanks"])
async def test_what_is_not_wanted_any_more_is_dropped(talk: Talk, said: str) -> None:
    assert (await last(talk, "mail me the summary of https://x.org/a", said)).kind == "talk"
    reply = await last(talk, "bob@x.org")
    assert (reply.kind, reply.plan) == ("question", None)


async def test_a_whole_request_is_a_request_of_its_own(talk: Talk) -> None:
    reply = await last(talk, "Send a mail", "bob@x.org", "remind me tomorrow at 8 to call mum")
    assert steps(reply) == [("notify.user", {"text": "Call mum"})]


async def test_what_answers_nothing_is_asked_again_and_forgotten(talk: Talk) -> None:
    reply = await last(talk, "Send a mail", "purple monkeys dishwasher")
    assert (reply.kind, reply.text) == ("question", f"That does not answer it. {ASKS_WHOM}")
    ((_, args),) = steps(await last(talk, "bob@x.org", "see you at noon"))
    assert (args["to"], args["body"]) == ("bob@x.org", "see you at noon")


async def test_other_words_for_the_unknown_part_complete_the_request(talk: Talk) -> None:
    reply = await last(talk, "read the feed https://x.org/rss and tweet it", "post it in the chat")
    assert [tool for tool, _ in steps(reply)] == ["feed.read", "notify.user"]


async def test_a_reminder_without_a_time_asks_when(talk: Talk) -> None:
    assert (await last(talk, "remind me to call mum")).text == "When should I remind you?"
    reply = await last(talk, "tomorrow at 8")
    assert reply.plan is not None
    assert reply.plan.document.plan_name == "Reminder: call mum"
    assert reply.plan.when == "Once, Tue 3 Mar 2026 at 08:00"


async def test_never_mind_leaves_an_open_plan_as_it_is(talk: Talk) -> None:
    plan = (await last(talk, "read https://x.org/a and save it to a.md")).plan
    reply = await last(talk, "never mind")
    assert plan is not None
    assert (reply.kind, reply.plan) == ("talk", None)
    assert "turn it down" in reply.text
    assert (await talk.lightning.plan(ANN, plan.plan_id)).revision == 1


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("watch https://x.org hourly and tell me if it changed", "first run only remembers"),
        ("at 5 remind me to leave", "I took 5 as 05:00"),
        ("every 2 days read https://x.org/a and tell me", "Counted from now"),
    ],
)
async def test_what_a_person_must_notice_is_said_beside_the_plan(
    talk: Talk, said: str, told: str
) -> None:
    reply = await last(talk, said)
    assert reply.kind == "plan"
    assert told in reply.text


async def test_days_apart_are_counted_from_the_asking(talk: Talk) -> None:
    plan = (await last(talk, "every 2 days read https://x.org/a and tell me")).plan
    assert plan is not None
    assert plan.firings[0].isoformat() == "2026-03-04T08:00:00+00:00"


async def test_a_translation_without_a_model_says_what_to_set(talk: Talk) -> None:
    plan = (await last(talk, "translate https://x.org/a into French")).plan
    assert plan is not None
    assert plan.document.steps[-1].args == {
        "prompt": "Translate the text into French",
        "material": "${read_page.text}",
    }
    assert [i.code for i in plan.issues] == ["PLAN_SETTING_MISSING"]


async def test_what_cannot_be_taken_back_is_not_done_every_time_unasked(talk: Talk) -> None:
    asked = "Every day at 9 read https://x.org; if it rains, mail it to bob@x.org"
    question = await talk.say(ANN, "t1", asked, ZONE)
    assert question.kind == "question"
    assert "no step can check “if it rains”" in question.text
    reply = await talk.say(ANN, "t1", "Leave it out", ZONE)
    assert [tool for tool, _ in steps(reply)] == ["web.read", "email.send"]
    assert reply.plan is not None
    assert reply.plan.not_covered == ("if it rains",)

    await talk.say(ANN, "t2", asked, ZONE)
    other = await talk.say(ANN, "t2", "if it mentions rain", ZONE)
    assert other.plan is not None
    assert other.plan.document.steps[-1].guard == '"rain" in lower(read_page.text)'
    assert other.plan.not_covered == ()
