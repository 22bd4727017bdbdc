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
