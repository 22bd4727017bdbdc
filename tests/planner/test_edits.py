"""Changes that reach into the steps of an open plan; the rest of it stays."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from .conftest import Say
from .test_offline import args, checked, tools

DIGEST = {
    "plan_name": "hn-digest",
    "events": [{"name": "event.time", "kind": "cron", "schedule": "0 9 * * 1-5"}],
    "steps": [
        {
            "name": "fetch",
            "on": ["event.time"],
            "action": "feed.read",
            "args": {"url": "https://news.ycombinator.com/rss"},
        },
        {
            "name": "digest",
            "on": ["step.fetch"],
            "action": "text.summarize",
            "args": {"text": "${fetch.entries}"},
        },
        {
            "name": "send",
            "on": ["step.digest"],
            "action": "email.send",
            "args": {"to": "anna@x.org", "subject": "News", "body": "${digest.summary}"},
        },
    ],
}
WEEKLY = {
    "plan_name": "weekly-report",
    "events": [{"name": "event.time", "kind": "cron", "schedule": "0 16 * * 5"}],
    "steps": [
        {
            "name": "open",
            "on": ["event.time"],
            "action": "file.read",
            "args": {"path": "week.md"},
        },
        {
            "name": "send",
            "on": ["step.open"],
            "action": "email.send",
            "args": {
                "to": ["boss@x.org", "pat@x.org"],
                "subject": "The week",
                "body": "${open.content}",
            },
        },
    ],
}
HEAT = {
    "plan_name": "heat-warning",
    "events": [{"name": "event.time", "kind": "cron", "schedule": "0 7 * * *"}],
    "steps": [
        {
            "name": "weather",
            "on": ["event.time"],
            "action": "http.get",
            "args": {"url": "https://api.x.org/weather.json"},
        },
        {
            "name": "warn",
            "on": ["step.weather"],
            "action": "notify.user",
            "guard": "weather.json.temperature > 30",
            "args": {"text": "It will be hot in Paris."},
        },
    ],
}


async def edited(say: Say, said: str, plan: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy(plan)
    answer = await say(said, plan)
    assert answer.revises, answer
    assert plan == before
    document = checked(answer)
    assert document["events"] == before["events"]
    return document


@pytest.mark.parametrize(
    ("said", "guard", "text"),
    [
        ("35 degrees, not 30", "weather.json.temperature > 35", "It will be hot in Paris."),
        ("make it 25 instead of 30", "weather.json.temperature > 25", "It will be hot in Paris."),
        ("Rome rather than Paris", "weather.json.temperature > 30", "It will be hot in Rome."),
        ("replace Paris with Rome", "weather.json.temperature > 30", "It will be hot in Rome."),
    ],
)
async def test_one_value_takes_the_place_of_another(
    say: Say, said: str, guard: str, text: str
) -> None:
    _, warn = (await edited(say, said, HEAT))["steps"]
    assert (warn["guard"], warn["args"]["text"]) == (guard, text)


@pytest.mark.parametrize(
    "said", ["pat doesn't need it any more", "without pat@x.org", "remove pat"]
)
async def test_a_recipient_less_leaves_the_others(say: Say, said: str) -> None:
    document = await edited(say, said, WEEKLY)
    assert args(document, "email.send")["to"] == ["boss@x.org"]


@pytest.mark.parametrize(
    ("said", "guard"),
    [
        ("send it unless week.md is empty", "len(open.content) > 0"),
        ("only if it mentions Python", '"python" in lower(open.content)'),
        ("but only when it is longer than 500 characters", "len(open.content) > 500"),
    ],
)
async def test_a_condition_is_put_on_what_acts(say: Say, said: str, guard: str) -> None:
    document = await edited(say, said, WEEKLY)
    assert [s.get("guard") for s in document["steps"]] == [None, guard]


async def test_only_if_it_changed_compares_with_last_time(say: Say) -> None:
    document = await edited(say, "only if it changed", WEEKLY)
    assert tools(document) == ["file.read", "watch.changed", "email.send"]
    assert document["steps"][-1]["guard"] == "compare.changed"
    assert "step.compare" in document["steps"][-1]["on"]


@pytest.mark.parametrize(
    ("said", "plan", "expected"),
    [
        (
            "and translate it to french before mailing",
            DIGEST,
            ["feed.read", "text.summarize", "llm.complete", "email.send"],
        ),
        (
            "send a summary instead of the whole file",
            WEEKLY,
            ["file.read", "text.summarize", "email.send"],
        ),
        ("summarise it first", WEEKLY, ["file.read", "text.summarize", "email.send"]),
    ],
)
async def test_a_step_is_put_in_between(
    say: Say, said: str, plan: dict[str, Any], expected: list[str]
) -> None:
    document = await edited(say, said, plan)
    assert tools(document) == expected
    between, last = document["steps"][-2:]
    assert last["on"] == [f"step.{between['name']}"]
    assert f"${{{between['name']}." in last["args"]["body"]
    assert last["args"]["to"] == plan["steps"][-1]["args"]["to"]


async def test_a_step_is_dropped_and_what_it_was_made_of_is_sent(say: Say) -> None:
    document = await edited(say, "drop the summary, just send the entries", DIGEST)
    assert tools(document) == ["feed.read", "email.send"]
    assert args(document, "email.send")["body"] == "${fetch.entries}"


async def test_several_changes_in_one_message_all_happen(say: Say) -> None:
    answer = await say("make it 8, send it to bob@x.org and call it Early news", DIGEST)
    document = checked(answer)
    assert document["events"][0]["schedule"] == "0 8 * * 1-5"
    assert args(document, "email.send")["to"] == "bob@x.org"
    assert document["plan_name"] == "Early news"


@pytest.mark.parametrize("said", ["only on mondays", "just mondays please"])
async def test_only_is_no_other_word_for_a_change(say: Say, said: str) -> None:
    answer = await say(said, DIGEST)
    assert checked(answer)["events"][0]["schedule"] == "0 9 * * 1"


async def test_no_schedule_said_twice_is_said_once(say: Say) -> None:
    document = checked(await say("no schedule, just run it once now", DIGEST))
    assert document["events"] == [{"name": "event.start", "kind": "manual"}]


@pytest.mark.parametrize(
    "said", ["40 degrees, not 20", "mia doesn't need it", "only if it is sunny in Rome today"]
)
async def test_what_is_not_in_the_plan_changes_nothing(say: Say, said: str) -> None:
    answer = await say(said, HEAT)
    assert not answer.revises
