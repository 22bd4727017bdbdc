"""What starts a plan other than a time."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Say
from .test_offline import checked


@pytest.mark.parametrize(
    ("said", "trigger"),
    [
        ("when an email arrives, summarise it and tell me", {"type": "email.received"}),
        (
            "whenever a mail from bob@x.org comes in, save it to bob.md",
            {"filter": '"bob@x.org" in lower(default(event["from"], ""))'},
        ),
        (
            'whenever i get an email with "invoice" in the subject, save it to in.md',
            {"filter": '"invoice" in lower(default(event.subject, ""))'},
        ),
        ("when my webhook is called write what it sends to hook.json", {"kind": "webhook"}),
        ("on every webhook call send the data to dev@x.org", {"kind": "webhook"}),
        ("When the till calls the webhook, add what it sends to till.log", {"kind": "webhook"}),
        (
            "should a mail from bob@x.org come in, save it to bob.md",
            {"filter": '"bob@x.org" in lower(default(event["from"], ""))'},
        ),
        ("when the event orders.new comes, mail it to me@x.org", {"type": "orders.new"}),
    ],
)
async def test_an_event_starts_the_plan(say: Say, said: str, trigger: dict[str, Any]) -> None:
    answer = await say(said)
    document = checked(answer)
    event = document["events"][0]
    assert {name: event.get(name) for name in trigger} == trigger
    assert document["steps"][0]["on"] == [event["name"]]
    assert "${event}" in str(document["steps"][0]["args"])
    assert answer.not_covered == ()


async def test_nobody_is_left_to_think_that_events_come_by_themselves(say: Say) -> None:
    assert "has to send that event" in (await say("when an email arrives, tell me")).text


async def test_what_the_webhook_says_is_a_condition(say: Say) -> None:
    document = checked(await say("if the webhook says status failed, email ops@x.org"))
    assert document["events"][0]["kind"] == "webhook"
    assert document["steps"][0]["guard"] == 'default(event.status, "") == "failed"'


async def test_a_time_and_an_event_are_not_both_taken(say: Say) -> None:
    answer = await say("every day at 9 when an email arrives, tell me")
    assert answer.kind == "question"


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (
            "When a mail arrives, answer the sender that I'm away until Monday",
            "I'm away until Monday",
        ),
        ('reply to every mail that comes with "Thanks"', "Thanks"),
        ("when an email comes in, write back saying it is paid", "It is paid"),
        (
            "when a mail arrives, summarise it and reply to them with the summary",
            "${digest.summary}",
        ),
        ("when i get a mail from Anna, send faq.md to the sender", "${open.content}"),
    ],
)
async def test_whoever_sent_a_mail_may_be_answered(say: Say, said: str, body: str) -> None:
    sent = checked(await say(said))["steps"][-1]["args"]
    assert sent["to"] == "${event.from}"
    assert sent["body"] == body
    assert sent["subject"].startswith("Re: ${event.subject")


async def test_nobody_gets_their_own_mail_back_as_the_answer(say: Say) -> None:
    answer = await say("when a mail comes, reply to the sender")
    assert (answer.kind, answer.text) == ("question", "What should the mail say?")


@pytest.mark.parametrize(
    "said", ["reply to the sender that I am away", "every day at 9 mail the sender a.md"]
)
async def test_without_a_mail_there_is_no_sender(say: Say, said: str) -> None:
    answer = await say(said)
    assert (answer.kind, answer.text) == ("question", "To which address should I mail it?")
