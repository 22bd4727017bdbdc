"""The offline planner: sentences to plans, questions, refusals and talk."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.planner.offline import OfflinePlanner
from backend.contracts.plans import Catalogue
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.contracts.tools import ToolSpec
from backend.plans.validation import check

from .conftest import CATALOGUE, NOW, ZONE, Say

PLANNER = OfflinePlanner()
FEED = "https://news.example.org/rss"


def checked(answer: PlanAnswer, catalogue: Catalogue = CATALOGUE) -> dict[str, Any]:
    """The document, after it passed validation."""
    assert answer.kind == "plan", (answer.kind, answer.text)
    assert answer.document is not None
    found = check(
        answer.document, catalogue, now=NOW, timezone=ZONE, not_covered=answer.not_covered
    )
    assert found.ok, [issue for issue in found.issues if issue.severity == "error"]
    return dict(answer.document)


def tools(document: dict[str, Any]) -> list[str]:
    return [step["action"] for step in document["steps"]]


def args(document: dict[str, Any], tool: str) -> dict[str, Any]:
    return next(dict(s["args"]) for s in document["steps"] if s["action"] == tool)


@pytest.mark.parametrize("url", [FEED, "http://127.0.0.1:8123/feed.xml", "http://localhost:9/x"])
async def test_the_main_sentence_becomes_the_main_plan(say: Say, url: str) -> None:
    answer = await say(
        f"Every weekday at 9 in the morning read the feed {url}, "
        "summarise it and mail it to me@example.com"
    )
    document = checked(answer)
    assert document["events"] == [
        {"name": "event.schedule", "kind": "cron", "schedule": "0 9 * * 1-5", "timezone": ZONE}
    ]
    assert [(s["name"], s["on"], s["action"]) for s in document["steps"]] == [
        ("fetch", ["event.schedule"], "feed.read"),
        ("digest", ["step.fetch"], "text.summarize"),
        ("send", ["step.digest"], "email.send"),
    ]
    assert args(document, "feed.read") == {"url": url}
    assert args(document, "text.summarize") == {"text": "${fetch.entries}"}
    mail = args(document, "email.send")
    assert (mail["to"], mail["body"]) == ("me@example.com", "${digest.summary}")
    assert mail["subject"].startswith("Summary of the feed")
    assert document["plan_name"] == "Weekday feed summary by mail"
    assert answer.not_covered == ()
    assert answer.sources == {
        "fetch.url": "said",
        "digest.text": "step fetch",
        "send.to": "said",
        "send.subject": "default",
        "send.body": "step digest",
        "event.schedule": "said",
    }


PLANS: list[tuple[str, list[str], dict[str, dict[str, Any]]]] = [
    (
        f"read the feed {FEED} and mail it to a@x.org",
        ["feed.read", "email.send"],
        {"email.send": {"body": "${fetch.entries}"}},
    ),
    (
        f"mail a@x.org the summary of {FEED}",
        ["feed.read", "text.summarize", "email.send"],
        {"email.send": {"to": "a@x.org", "body": "${digest.summary}"}},
    ),
    (
        "read https://x.org/article and save it to notes.md",
        ["web.read", "file.write"],
        {"file.write": {"path": "notes.md", "content": "${read_page.text}"}},
    ),
    ("save the page https://x.org/a to page.md", ["web.read", "file.write"], {}),
    (
        "summarise https://x.org/a in three sentences and tell me",
        ["web.read", "text.summarize", "notify.user"],
        {"text.summarize": {"max_sentences": 3}, "notify.user": {"text": "${digest.summary}"}},
    ),
    (
        "summarize notes.md and mail it to a@x.org",
        ["file.read", "text.summarize", "email.send"],
        {"text.summarize": {"text": "${open.content}"}},
    ),
    (
        f"read the first 5 entries of the feed {FEED} and show me",
        ["feed.read", "notify.user"],
        {"feed.read": {"limit": 5}},
    ),
    (
        f"get the top 10 from the feed {FEED} and notify me",
        ["feed.read", "notify.user"],
        {"feed.read": {"limit": 10}},
    ),
    (
        f"pull the last 24 hours of {FEED}, summarise it, and send it to a@x.org",
        ["feed.read", "text.summarize", "email.send"],
        {"feed.read": {"max_age_hours": 24}},
    ),
    (
        f"read the feed {FEED}, summarise what matters about AI and mail it to a@x.org",
        ["feed.read", "text.summarize", "email.send"],
        {"text.summarize": {"focus": "what matters about AI"}},
    ),
    (
        "summarise report.md focusing on costs and tell me",
        ["file.read", "text.summarize", "notify.user"],
        {"text.summarize": {"focus": "costs"}},
    ),
    (
        "read the page https://x.org, extract the email addresses and append them to contacts.txt",
        ["web.read", "text.extract", "file.append"],
        {"text.extract": {"kinds": ["emails"]}, "file.append": {"path": "contacts.txt"}},
    ),
    (
        "collect all links from https://x.org and save them to links.csv",
        ["http.get", "text.extract", "file.write"],
        {"text.extract": {"kinds": ["urls"], "text": "${get.body}"}},
    ),
    (
        'mail "Lunch is ready" to bob@x.org',
        ["email.send"],
        {"email.send": {"body": "Lunch is ready", "to": "bob@x.org"}},
    ),
    (
        'mail it to bob@x.org with subject "Hello" saying "See you"',
        ["email.send"],
        {"email.send": {"subject": "Hello", "body": "See you"}},
    ),
    (
        f"read the feed {FEED}, then mail it to a@x.org and b@x.org",
        ["feed.read", "email.send"],
        {"email.send": {"to": ["a@x.org", "b@x.org"]}},
    ),
    (
        "tomorrow at 9 remind me to water the plants",
        ["notify.user"],
        {"notify.user": {"text": "Water the plants"}},
    ),
    (
        "in an hour remind me to mail bob@x.org",
        ["notify.user"],
        {"notify.user": {"text": "Mail bob@x.org"}},
    ),
    (
        "wait 10 minutes and then notify me that tea is ready",
        ["wait.until", "notify.user"],
        {"wait.until": {"for_s": 600}, "notify.user": {"text": "Tea is ready"}},
    ),
    (
        'post "hello" to https://hooks.x.org/abc',
        ["http.request"],
        {"http.request": {"method": "POST", "body": "hello"}},
    ),
    ("get https://api.x.org/status.json and tell me", ["http.get", "notify.user"], {}),
    (
        "call the api https://x.org/v1 and save the response to out.json",
        ["http.get", "file.write"],
        {"file.write": {"path": "out.json"}},
    ),
    ("list my files", ["file.list"], {}),
    (
        "read notes.md, translate it to German and save it to notes-de.md",
        ["file.read", "llm.complete", "file.write"],
        {
            "llm.complete": {"prompt": "Translate it to German", "material": "${open.content}"},
            "file.write": {"path": "notes-de.md", "content": "${write.text}"},
        },
    ),
    (
        "read notes.md and mail it to a@x.org",
        ["file.read", "email.send"],
        {"email.send": {"body": "${open.content}"}},
    ),
    (
        "Please could you read www.x.org/blog and mail it to a@x.org?",
        ["web.read", "email.send"],
        {"web.read": {"url": "https://www.x.org/blog"}},
    ),
    (
        f"Read the feed {FEED}. Summarise it. Save it to a.md. Mail it to a@x.org.",
        ["feed.read", "text.summarize", "file.write", "email.send"],
        {"email.send": {"body": "${digest.summary}"}},
    ),
    (
        f"read the feed {FEED} and save the entries to all.json, then summarise them and tell me",
        ["feed.read", "file.write", "text.summarize", "notify.user"],
        {"text.summarize": {"text": "${fetch.entries}"}},
    ),
    ("download https://x.org/data.json to data.json", ["http.get", "file.write"], {}),
    ("ask me which one to take", ["human.ask"], {"human.ask": {"text": "Which one to take?"}}),
]


@pytest.mark.parametrize(("said", "expected", "values"), PLANS)
async def test_a_request_becomes_its_steps(
    say: Say, said: str, expected: list[str], values: dict[str, dict[str, Any]]
) -> None:
    answer = await say(said)
    document = checked(answer)
    assert tools(document) == expected
    for tool, wanted in values.items():
        found = args(document, tool)
        assert {name: found.get(name) for name in wanted} == wanted
    assert answer.not_covered == ()
    given_args = {f"{s['name']}.{a}" for s in document["steps"] for a in s["args"]}
    assert given_args <= set(answer.sources)


@pytest.mark.parametrize(
    ("said", "trigger"),
    [
        (
            "tomorrow at 9 remind me to call Bob",
            {"kind": "at", "timestamp": "2026-11-22T08:00:00Z"},
        ),
        (
            f"every 90 minutes read the feed {FEED} and tell me",
            {"kind": "interval", "every_s": 5400},
        ),
        (
            f"read the feed {FEED} every Monday at 8 and tell me",
            {"kind": "cron", "schedule": "0 8 * * 1"},
        ),
        (
            f"on the first Monday of every month read the feed {FEED} and tell me",
            {"schedule": "0 9 * * 1#1"},
        ),
        (
            f"read the feed {FEED} and tell me at 7 pm New York time every day",
            {"schedule": "0 19 * * *", "timezone": "America/New_York"},
        ),
        (f"read the feed {FEED} and tell me", {"kind": "manual"}),
    ],
)
async def test_the_time_becomes_the_trigger(say: Say, said: str, trigger: dict[str, Any]) -> None:
    document = checked(await say(said))
    event = document["events"][0]
    assert {name: event.get(name) for name in trigger} == trigger
    assert document["steps"][0]["on"] == [event["name"]]


@pytest.mark.parametrize(
    ("said", "guard"),
    [
        (
            "get https://api.x.org/a.json and notify me if the status is not 200",
            "get.status != 200",
        ),
        ("get https://api.x.org/a.json and notify me only if it is down", None),
        (
            f"read the feed {FEED} and, if there are any entries, mail it to a@x.org",
            "len(fetch.entries) > 0",
        ),
        (
            "read the page https://x.org and mail it to a@x.org only if it mentions Python",
            '"python" in lower(read_page.text)',
        ),
        (
            "read the page https://x.org and mail it to a@x.org unless it contains spam",
            'not ("spam" in lower(read_page.text))',
        ),
    ],
)
async def test_a_simple_condition_becomes_a_guard(say: Say, said: str, guard: str | None) -> None:
    answer = await say(said)
    document = checked(answer)
    last = document["steps"][-1]
    assert last.get("guard") == guard or (guard is None and last.get("guard") == "not get.ok")
    assert answer.not_covered == ()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("every day at 9 read https://x.org and tell me if it is sunny", "if it is sunny"),
        ("summarise the page https://x.org in a funny tone and tell me", "funny tone"),
        (f"read the feed {FEED}; if it rains, save it to a.txt", "if it rains"),
    ],
)
async def test_what_no_step_expresses_is_said(say: Say, said: str, words: str) -> None:
    answer = await say(said)
    checked(answer)
    assert words in " | ".join(answer.not_covered)


@pytest.mark.parametrize(
    ("said", "about"),
    [
        (f"read the feed {FEED} and mail me the summary", "address"),
        ("read the feed and mail it to a@x.org", "feed"),
        ("summarise it", "summarise"),
        ("save it", "file"),
        (f"read the feed {FEED} every second Monday at 9 and tell me", "When exactly"),
        (f"read the feed {FEED} every day at 25:00 and tell me", "When exactly"),
        (f"read the feed {FEED} and tweet it", "tweet it"),
        (f"send me the news from {FEED}", "mail, or"),
        ("asdf qwer zxcv", "no tool"),
        ("every day at 9", "What should be done"),
        ("delete report.md", "delete report.md"),
        ("mail the file report.md to a@x.org and delete it", "delete it"),
        ("convert report.md to pdf and mail it to a@x.org", "convert report.md to pdf"),
        ("read " * 1000, "too long"),
        ("never send https://a.org to bob@x.org", "never send"),
        ("save https://a.org to a.md but don't write any files", "don't write any files"),
    ],
)
async def test_what_is_unclear_is_asked(say: Say, said: str, about: str) -> None:
    answer = await say(said)
    assert answer.kind == "question", answer
    assert about in answer.text
    assert answer.document is None


@pytest.mark.parametrize(
    "said",
    [
        "hello",
        "Tell me a joke",
        "what can you do?",
        "What is the capital of France?",
        "thanks!",
        "",
        "???",
    ],
)
async def test_what_asks_for_no_work_is_only_talk(say: Say, said: str) -> None:
    answer = await say(said)
    assert (answer.kind, answer.document) == ("talk", None)
    assert answer.text


@pytest.mark.parametrize(
    "said",
    [
        "book me a flight to Mars",
        "delete all files on my computer",
        "Please order a pizza",
        "turn on the lights",
        "hack my neighbour",
    ],
)
async def test_the_impossible_is_refused_with_the_reason(say: Say, said: str) -> None:
    answer = await say(said)
    assert (answer.kind, answer.document) == ("refusal", None)
    assert answer.text


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("show my runs", "runs"),
        ("list my schedules", "schedules"),
        ("what is running?", "runs"),
        ("show me my plans", "plans"),
        ("/runs", "runs"),
    ],
)
async def test_overviews_are_no_plans(say: Say, said: str, what: str) -> None:
    answer = await say(said)
    assert (answer.kind, answer.choices) == ("manage", (what,))


async def test_a_step_to_be_approved_is_gated(say: Say) -> None:
    document = checked(await say(f"read the feed {FEED} and, after I approve, mail it to a@x.org"))
    assert [step.get("approval") for step in document["steps"]] == [None, "required"]


async def test_nothing_acts_before_a_question_is_answered_yes(say: Say) -> None:
    document = checked(await say("ask me whether to send it and then mail notes.md to a@x.org"))
    send = document["steps"][-1]
    assert send["guard"] == 'ask.answer == "yes"'
    assert "step.ask" in send["on"]


async def test_two_feeds_are_read_side_by_side(say: Say) -> None:
    document = checked(
        await say(f"read the feeds {FEED} and https://b.org/rss, summarise them and tell me")
    )
    assert tools(document) == ["feed.read", "feed.read", "text.summarize", "notify.user"]
    assert args(document, "text.summarize")["text"] == ["${fetch.entries}", "${fetch_2.entries}"]
    assert document["steps"][2]["on"] == ["step.fetch", "step.fetch_2"]


@pytest.mark.parametrize(
    ("asked", "answered", "expected"),
    [
        (
            f"read the feed {FEED} and mail me the summary",
            "bob@x.org",
            ["feed.read", "text.summarize", "email.send"],
        ),
        (f"read the feed {FEED} and tweet it", "Leave it out", ["feed.read"]),
        (
            f"read the feed {FEED}; if it rains, mail it to a@x.org",
            "Leave it out",
            ["feed.read", "email.send"],
        ),
        (
            f"read the feed {FEED} every second Monday at 9 and tell me",
            "every Monday at 9",
            ["feed.read", "notify.user"],
        ),
        (f"send me the news from {FEED}", "Here in the chat", ["feed.read", "notify.user"]),
        ("read the feed and tell me", FEED, ["feed.read", "notify.user"]),
    ],
)
async def test_an_answer_behind_the_request_fills_its_gap(
    say: Say, asked: str, answered: str, expected: list[str]
) -> None:
    assert (await say(asked)).kind == "question"
    assert tools(checked(await say(f"{asked}\n{answered}"))) == expected


async def test_words_of_other_tools_are_found_by_what_the_tools_say_of_themselves() -> None:
    weather = ToolSpec(
        id="weather.forecast",
        name="Weather forecast",
        description="Tell the weather forecast for a city.",
        inputs={
            "type": "object",
            "properties": {"city": {"type": "string", "description": "the city"}},
            "required": ["city"],
        },
        outputs={"type": "object", "properties": {"forecast": {"type": "string"}}},
        examples=("get the weather forecast for Paris",),
        purity="pure",
    )
    catalogue = Catalogue({**CATALOGUE.tools, weather.id: weather}, hash="with weather")
    planner = OfflinePlanner()
    said = "every day at 7 get the weather forecast for Oslo and mail it to a@x.org"
    answer = await planner.plan(PlanRequest(said, "ann", ZONE, NOW, catalogue))
    document = checked(answer, catalogue)
    assert tools(document) == ["weather.forecast", "email.send"]
    assert args(document, "weather.forecast") == {"city": "Oslo"}
    assert args(document, "email.send")["body"] == "${forecast.forecast}"


async def test_the_work_of_a_noun_comes_before_that_of_the_verb(say: Say) -> None:
    said = f"read the feed {FEED}, translate the summary to German and mail it to a@x.org"
    document = checked(await say(said))
    assert tools(document) == ["feed.read", "text.summarize", "llm.complete", "email.send"]
    assert args(document, "llm.complete")["material"] == "${digest.summary}"


async def test_each_entry_is_a_mail_of_its_own(say: Say) -> None:
    answer = await say(f"read the feed {FEED} and send each entry to a@x.org")
    document = checked(answer)
    assert document["steps"][1]["for_each"] == "${fetch.entries}"
    assert args(document, "email.send") == {
        "to": "a@x.org",
        "subject": "${item.title}",
        "body": "${item}",
    }
    assert answer.not_covered == ()


async def test_an_empty_catalogue_plans_nothing() -> None:
    planner = OfflinePlanner()
    answer = await planner.plan(
        PlanRequest(f"read the feed {FEED}", "ann", ZONE, NOW, Catalogue({}, hash="none"))
    )
    assert answer.kind == "question"


async def test_the_same_words_give_the_same_plan(say: Say) -> None:
    said = f"every day at 9 read the feed {FEED}, summarise it, save it to a.md and tell me"
    first, second = await say(said), await say(said)
    assert (first.document, first.sources) == (second.document, second.sources)


PIECES = st.sampled_from(
    f"every day at 9 read the feed {FEED} summarise it , and then mail to a@x.org save notes.md if only when "
    'ask me before "quoted text" 5 entries not tell in wait . ; \n 👍 مرحبا until Monday post first'.split(
        " "
    )
)


@given(st.lists(PIECES, max_size=25).map(" ".join))
@settings(max_examples=150, deadline=None)
def test_any_plan_of_any_words_is_valid(said: str) -> None:
    answer = asyncio.run(PLANNER.plan(PlanRequest(said, "ann", ZONE, NOW, CATALOGUE)))
    if answer.kind == "plan":
        checked(answer)
    else:
        assert answer.text and answer.document is None


@given(st.text(max_size=600))
@settings(max_examples=100, deadline=None)
def test_no_text_breaks_the_planner(said: str) -> None:
    answer = asyncio.run(PLANNER.plan(PlanRequest(said, "ann", ZONE, NOW, CATALOGUE)))
    assert answer.kind in {"plan", "question", "refusal", "talk", "manage"}


@pytest.mark.parametrize(
    "said",
    [
        "read " * 2000,
        "https://x.org/" * 800,
        "a@x.org " * 1200,
        "every Monday " * 900,
        "👍" * 5000,
        "\u202eمرحبا " * 1000,
        "if " * 3000,
        '"' * 9000,
        "\ud800 x",
    ],
)
async def test_long_and_odd_texts_are_answered(say: Say, said: str) -> None:
    answer = await say(said)
    if answer.kind == "plan":
        checked(answer)
