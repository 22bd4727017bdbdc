"""Changes of the open plan, said in words: what is not named stays exactly as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from .conftest import ZONE, Say
from .test_offline import args, checked, tools

REQUEST = (
    "Every weekday at 9 in the morning read the feed https://a.org/rss, "
    "summarise it and mail it to me@example.com"
)


@pytest.fixture
async def plan(say: Say) -> dict[str, Any]:
    return checked(await say(REQUEST))


def trigger(document: dict[str, Any]) -> dict[str, Any]:
    return dict(document["events"][0])


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("make it 8", {"schedule": "0 8 * * 1-5"}),
        ("make it 8 am", {"schedule": "0 8 * * 1-5"}),
        ("No, make it 8:30 please", {"schedule": "30 8 * * 1-5"}),
        ("on Mondays instead", {"schedule": "0 9 * * 1"}),
        ("move it to 6 pm", {"schedule": "0 18 * * 1-5"}),
        ("run it every hour", {"schedule": "0 * * * *"}),
        ("send it on Fridays instead", {"schedule": "0 9 * * 5"}),
        ("at 6 pm New York time", {"schedule": "0 18 * * 1-5", "timezone": "America/New_York"}),
        ("and at 17:00 too", {"schedule": "0 9,17 * * 1-5"}),
        ("and again at 17:00", {"schedule": "0 9,17 * * 1-5"}),
        ("nah, Mondays are enough", {"schedule": "0 9 * * 1"}),
        ("do that every Tuesday at 17:00 from now on", {"schedule": "0 17 * * 2"}),
        ("every day except Sunday", {"schedule": "0 9 * * 1-6"}),
    ],
)
async def test_another_time_changes_the_trigger_alone(
    say: Say, plan: dict[str, Any], said: str, changed: dict[str, Any]
) -> None:
    before = copy.deepcopy(plan)
    answer = await say(said, plan)
    document = checked(answer)
    assert answer.revises
    assert trigger(document) == trigger(before) | changed
    assert document | {"events": before["events"]} == before
    assert plan == before


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("every 90 minutes", "interval"),
        ("tomorrow at 9", "at"),
        ("no schedule", "manual"),
        ("only run it once", "manual"),
        ("run it manually", "manual"),
    ],
)
async def test_another_kind_of_time_takes_the_steps_along(
    say: Say, plan: dict[str, Any], said: str, kind: str
) -> None:
    document = checked(await say(said, plan))
    assert trigger(document)["kind"] == kind
    assert document["steps"][0]["on"] == [trigger(document)["name"]]


@pytest.mark.parametrize(
    ("said", "tool", "values"),
    [
        ("send it to bob@x.org instead", "email.send", {"to": "bob@x.org"}),
        ("bob@x.org", "email.send", {"to": "bob@x.org"}),
        ("also send it to bob@x.org", "email.send", {"to": ["me@example.com", "bob@x.org"]}),
        ("mail it to bob@x.org and ann@x.org", "email.send", {"to": ["bob@x.org", "ann@x.org"]}),
        ("use https://b.org/feed.xml instead", "feed.read", {"url": "https://b.org/feed.xml"}),
        ("three sentences", "text.summarize", {"max_sentences": 3}),
        ("make the summary in 4 sentences", "text.summarize", {"max_sentences": 4}),
        ("only the first 5 entries", "feed.read", {"limit": 5}),
        ("set the limit to 7", "feed.read", {"limit": 7}),
        ("change the subject to Hello there", "email.send", {"subject": "Hello there"}),
        ('subject: "News of the day"', "email.send", {"subject": "News of the day"}),
    ],
)
async def test_a_value_that_is_named_changes_alone(
    say: Say, plan: dict[str, Any], said: str, tool: str, values: dict[str, Any]
) -> None:
    answer = await say(said, plan)
    document = checked(answer)
    assert tools(document) == tools(plan)
    assert document["events"] == plan["events"]
    for before, after in zip(plan["steps"], document["steps"], strict=True):
        wanted = before["args"] | (values if before["action"] == tool else {})
        wanted.pop("subject", None)
        assert {k: v for k, v in after["args"].items() if k != "subject"} == wanted
    assert {name: args(document, tool)[name] for name in values} == values
    assert all(
        answer.sources[f"{s['name']}.{n}"] == "said"
        for s in document["steps"]
        if s["action"] == tool
        for n in values
    )


@pytest.mark.parametrize(
    ("said", "tool", "values"),
    [
        (
            "also save it to a file notes.md",
            "file.write",
            {"path": "notes.md", "content": "${digest.summary}"},
        ),
        ("also notify me", "notify.user", {"text": "${digest.summary}"}),
        (
            "and save the entries to all.json too",
            "file.write",
            {"path": "all.json", "content": "${fetch.entries}"},
        ),
        (
            "then post it to https://hooks.x.org/abc",
            "http.request",
            {"url": "https://hooks.x.org/abc", "body": "${digest.summary}"},
        ),
        ("save it to notes.md", "file.write", {"path": "notes.md"}),
    ],
)
async def test_more_work_is_added_behind_the_rest(
    say: Say, plan: dict[str, Any], said: str, tool: str, values: dict[str, Any]
) -> None:
    answer = await say(said, plan)
    document = checked(answer)
    assert answer.revises
    assert document["steps"][:3] == plan["steps"]
    assert tools(document)[3:] == [tool]
    assert {name: args(document, tool)[name] for name in values} == values
    assert document["plan_name"] == plan["plan_name"]


@pytest.mark.parametrize(
    "said",
    [
        "drop the mail",
        "don't mail it",
        "remove the email",
        "without the mail",
        "leave the mail out",
    ],
)
async def test_a_step_that_is_dropped_is_gone(say: Say, plan: dict[str, Any], said: str) -> None:
    document = checked(await say(said, plan))
    assert document["steps"] == plan["steps"][:2]


@pytest.mark.parametrize("said", ["remove the summary", "skip the summary", "don't summarise it"])
async def test_what_a_dropped_step_passed_on_is_wired_past_it(
    say: Say, plan: dict[str, Any], said: str
) -> None:
    document = checked(await say(said, plan))
    assert tools(document) == ["feed.read", "email.send"]
    assert document["steps"][1]["on"] == ["step.fetch"]
    assert args(document, "email.send")["body"] == "${fetch.entries}"


async def test_what_others_need_is_not_dropped(say: Say, plan: dict[str, Any]) -> None:
    answer = await say("drop the feed", plan)
    assert answer.kind == "question"


async def test_two_changes_in_one_sentence_both_happen(say: Say, plan: dict[str, Any]) -> None:
    document = checked(await say("make it 8 and send it to bob@x.org", plan))
    assert trigger(document)["schedule"] == "0 8 * * 1-5"
    assert args(document, "email.send")["to"] == "bob@x.org"


async def test_a_new_name_changes_the_name_alone(say: Say, plan: dict[str, Any]) -> None:
    answer = await say("call it Morning news", plan)
    assert checked(answer) == plan | {"plan_name": "Morning news"}
    assert answer.revises


async def test_asking_first_gates_what_acts(say: Say, plan: dict[str, Any]) -> None:
    document = checked(await say("ask me before sending", plan))
    assert [step.get("approval") for step in document["steps"]] == [None, None, "required"]


@pytest.mark.parametrize(
    "said",
    [
        "make it 25:00",
        "make it weekly",
        "every second Monday",
        "in the limit of asdf",
        "set the limit to ten",
    ],
)
async def test_a_change_that_is_not_clear_is_asked(
    say: Say, plan: dict[str, Any], said: str
) -> None:
    answer = await say(said, plan)
    assert (answer.kind, answer.document) == ("question", None)


async def test_a_request_of_its_own_is_a_new_plan(say: Say, plan: dict[str, Any]) -> None:
    answer = await say("read the page https://c.org and save it to c.md", plan)
    document = checked(answer)
    assert not answer.revises
    assert tools(document) == ["web.read", "file.write"]
    assert document["plan_name"] != plan["plan_name"]


async def test_a_new_plan_never_takes_the_open_plans_name(say: Say, plan: dict[str, Any]) -> None:
    document = checked(await say(REQUEST.replace("a.org", "b.org"), plan))
    assert document["plan_name"] != plan["plan_name"]


async def test_talk_leaves_the_open_plan_alone(say: Say, plan: dict[str, Any]) -> None:
    assert (await say("thanks", plan)).kind == "talk"
    assert (await say("show my runs", plan)).kind == "manage"


async def test_a_plan_without_its_default_fields_can_be_changed(say: Say) -> None:
    bare = {
        "plan_name": "Files",
        "events": [{"name": "event.start"}],
        "steps": [{"name": "list_files", "on": ["event.start"], "action": "file.list"}],
    }
    document = checked(await say("every day at 9", bare))
    assert trigger(document)["schedule"] == "0 9 * * *"
    assert trigger(document)["timezone"] == ZONE
    more = checked(await say("also notify me", bare))
    assert tools(more) == ["file.list", "notify.user"]


@pytest.mark.parametrize(
    ("said", "to", "subject"),
    [
        ("it should go to you@example.com rather than me", "you@example.com", None),
        ("cc you@example.com on that", ["me@example.com", "you@example.com"], None),
        ("put “News” as the subject", "me@example.com", "News"),
    ],
)
async def test_who_gets_the_mail_and_how_it_is_called_may_be_said_in_many_ways(
    say: Say, plan: dict[str, Any], said: str, to: Any, subject: str | None
) -> None:
    sent = checked(await say(said, plan))["steps"][-1]["args"]
    assert sent == plan["steps"][-1]["args"] | {"to": to} | (
        {"subject": subject} if subject else {}
    )


async def test_other_words_are_put_in_the_one_message_that_is_in_words(say: Say) -> None:
    reminder = checked(await say("remind me every day at 8 to take the pills"))
    changed = checked(await say("say “Pills and water” instead", reminder))
    assert changed["steps"][0]["args"] == {"text": "Pills and water"}
    assert changed["events"] == reminder["events"]


async def test_what_a_step_makes_is_never_written_over_with_words(
    say: Say, plan: dict[str, Any]
) -> None:
    answer = await say("say “Hello” instead", plan)
    assert answer.document is None or answer.document["steps"][-1] == plan["steps"][-1]


async def test_a_step_may_be_scrapped(say: Say, plan: dict[str, Any]) -> None:
    assert tools(checked(await say("scrap the summary step", plan))) == ["feed.read", "email.send"]


async def test_it_is_lowered_where_one_number_can_be_meant(say: Say) -> None:
    warned = checked(
        await say("every day at 9 get https://a.org/s.json and if stock is under 10 tell me")
    )
    changed = checked(await say("lower that to 5", warned))
    assert changed["steps"][-1]["guard"].endswith("< 5")
