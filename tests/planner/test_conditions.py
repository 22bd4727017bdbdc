"""Conditions in words: read as data, bound to real outputs, or said to be missing."""

from __future__ import annotations

from typing import Any

import pytest

from agents.planner.conditions import Combined, Condition, read
from agents.planner.entities import Text

from .conftest import Say
from .test_offline import FEED, checked, tools


def condition(words: str) -> Any:
    text = Text.of(words)
    return read(text.plain, text.said)


@pytest.mark.parametrize(
    ("words", "read_as"),
    [
        ("if it changed", Condition("changed")),
        ("only if it has changed since last time", Condition("changed")),
        ("unless it stays the same", Condition("changed")),
        ("if nothing changed", Condition("changed", negated=True)),
        ("if there is anything new", Condition("new")),
        ("when there are new posts", Condition("new", "posts")),
        ("unless it's empty", Condition("any")),
        ("if there are no entries", Condition("any", "entries", negated=True)),
        ("if more than 5 entries", Condition("count", "entries", ">", "5")),
        ("if there are 5 or more links", Condition("count", "links", ">=", "5")),
        ("if the status is not 200", Condition("status", "", "!=", "200")),
        ("if it's not 200", Condition("status", "", "!=", "200")),
        ("when it is down", Condition("up", negated=True)),
        ("if it fails to load", Condition("up", negated=True)),
        ("if something's new there", Condition("new")),
        ("if available true", Condition("equals", text="true", field="available")),
        ("if it doesn't respond", Condition("up", negated=True)),
        ("if that fails", Condition("failed")),
        ("if Rovers is mentioned", Condition("mentions", text="Rovers")),
        ("if it doesn't mention rain", Condition("mentions", text="rain", negated=True)),
        ("if there's something about rust", Condition("mentions", text="rust")),
        ("if i say no", Condition("answer", text="no")),
        ("if yes", Condition("answer", text="yes")),
        ("if the price is over 30 euros", Condition("number", "", ">", "30", field="price")),
        ("if temperature drops below 0", Condition("number", "", "<", "0", field="temperature")),
        ("when Load exceeds 3", Condition("number", "", ">", "3", field="Load")),
        ('if the state is "open"', Condition("equals", text="open", field="state")),
        ("if it is longer than 500 characters", Condition("length", "", ">", "500")),
    ],
)
def test_a_condition_is_read(words: str, read_as: Condition) -> None:
    assert condition(words) == read_as


@pytest.mark.parametrize(
    ("words", "word", "kinds"),
    [
        ("if it mentions rain or snow", "or", ["mentions", "mentions"]),
        ("if it mentions rain and is longer than 500 characters", "and", ["mentions", "length"]),
        ("if it changed and the price is over 3", "and", ["changed", "number"]),
    ],
)
def test_two_conditions_are_one_of_two(words: str, word: str, kinds: list[str]) -> None:
    found = condition(words)
    assert isinstance(found, Combined)
    assert (found.word, [part.kind for part in found.parts]) == (word, kinds)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "words", ["if it rains", "if I am at home", "if you are sure", "when ", ""]
)
def test_what_nothing_here_could_tell_is_no_condition(words: str) -> None:
    assert condition(words) is None


@pytest.mark.parametrize("size", [50, 399, 5000])
def test_long_nonsense_is_read_in_no_time(size: int) -> None:
    assert condition("if " + "the the a not " * size) is None


GUARDS = [
    (
        f"every hour read {FEED} and if there is anything new, summarise it and mail it to a@x.org",
        [("text.summarize", "len(compare.added) > 0"), ("email.send", None)],
    ),
    (
        f"read {FEED} and unless it's empty mail it to a@x.org",
        [("email.send", "len(fetch.entries) > 0")],
    ),
    (
        f"when there are more than 10 entries in {FEED}, mail them to a@x.org",
        [("email.send", "len(fetch.entries) > 10")],
    ),
    (
        "if notes.txt has anything in it mail it to a@x.org",
        [("email.send", "len(open.content) > 0")],
    ),
    (
        'read inbox.json and only when count is above 100 write "clean up" to w.txt',
        [("file.write", "open.json.count > 100")],
    ),
    (
        f"only mail {FEED} to a@x.org if there's something about Rust in it",
        [("email.send", '"rust" in lower(query.result)')],
    ),
    (
        "if a.md is empty tell me, otherwise mail it to a@x.org",
        [("notify.user", "len(open.content) == 0"), ("email.send", "len(open.content) > 0")],
    ),
    (
        "read https://x.org/a and if it mentions rain save it to a.md and mail it to a@x.org",
        [
            ("file.write", '"rain" in lower(read_page.text)'),
            ("email.send", '"rain" in lower(read_page.text)'),
        ],
    ),
    (
        "ask me if i want it; if yes, mail a.md to a@x.org",
        [("email.send", 'ask.answer == "yes"')],
    ),
    (
        "get https://api.x.org/s.json and tell me only if the state is not open",
        [("notify.user", 'get.json.state != "open"')],
    ),
]


@pytest.mark.parametrize(("said", "guards"), GUARDS)
async def test_what_is_conditional_is_guarded(
    say: Say, said: str, guards: list[tuple[str, str | None]]
) -> None:
    answer = await say(said)
    document = checked(answer)
    acting = [(s["action"], s.get("guard")) for s in document["steps"]]
    assert [pair for pair in acting if pair[0] in {tool for tool, _ in guards}] == guards
    assert answer.not_covered == ()


async def test_what_fails_is_told_of_another_way(say: Say) -> None:
    said = "download https://x.org/b.json to b.json, and if that fails mail ops@x.org"
    document = checked(await say(said))
    get, save, send = document["steps"]
    assert (get["on_error"], save["on_error"]) == ("route", "route")
    assert send["on"] == ["step.get.error", "step.save.error"]
    assert "has failed" in send["args"]["body"]


async def test_a_condition_that_cannot_be_told_is_shown(say: Say) -> None:
    answer = await say("every day at 9 read https://x.org and tell me if it is sunny")
    checked(answer)
    assert answer.not_covered == ("if it is sunny",)


@pytest.mark.parametrize(
    "said",
    [
        "tell me when https://x.org/a changes",
        "let me know as soon as https://x.org/a says open",
        "when notes.md changes, mail it to a@x.org",
        "when a new file appears, tell me",
    ],
)
async def test_what_is_to_be_noticed_needs_a_rhythm(say: Say, said: str) -> None:
    answer = await say(said)
    assert (answer.kind, answer.text) == ("question", "How often should I look?")
    document = checked(await say(f"{said}\n{answer.choices[0]}"))
    assert document["events"][0]["kind"] in ("cron", "interval")
    assert document["steps"][-1].get("guard")


async def test_what_nothing_here_notices_is_asked_about(say: Say) -> None:
    answer = await say("when someone comments on my post, mail me@x.org")
    assert answer.kind == "question"
    assert "someone comments on my post" in answer.text


async def test_the_new_entries_alone_are_sent(say: Say) -> None:
    document = checked(await say(f"every morning at 8 mail me@x.org the new entries of {FEED}"))
    assert tools(document) == ["feed.read", "watch.changed", "email.send"]
    assert document["steps"][1]["args"] == {
        "value": "${fetch.entries}",
        "memory": "${run.plan_id}",
    }
    assert document["steps"][2]["args"]["body"] == "${compare.added}"
    assert document["steps"][2]["guard"] == "len(compare.added) > 0"
