"""Slips of the keyboard, and what a person takes back while they write."""

from __future__ import annotations

import pytest

from .conftest import Say
from .test_offline import args, checked, tools


@pytest.mark.parametrize(
    ("said", "read", "expected"),
    [
        ("sned notes.md to ann@x.org", "“sned” as “send”", ["file.read", "email.send"]),
        (
            "mail https://x.org/rss to a@x.org every mornign at 7",
            "“mornign” as “morning”",
            ["feed.read", "email.send"],
        ),
    ],
)
async def test_a_word_one_slip_away_is_read_and_said_so(
    say: Say, said: str, read: str, expected: list[str]
) -> None:
    answer = await say(said)
    assert tools(checked(answer)) == expected
    assert f"I read {read}." in answer.text
    assert answer.not_covered == ()


async def test_a_word_that_would_be_read_as_nothing_is_named_instead(say: Say) -> None:
    answer = await say("read https://x.org/rss and save the todo to a.md")
    assert answer.not_covered == ("todo",)


async def test_words_that_are_only_said_are_not_put_right(say: Say) -> None:
    document = checked(await say("tomorrow at 9 remind me to buy mlik"))
    assert document["steps"][0]["args"]["text"] == "Buy mlik"


@pytest.mark.parametrize(
    ("said", "tool", "expected"),
    [
        ("mail a.md to ann@x.org, no wait, to bob@x.org", "email.send", {"to": "bob@x.org"}),
        ("save https://x.org/a to a.md, sorry, b.md", "file.write", {"path": "b.md"}),
        ("mail a.md, i mean b.md, to ann@x.org", "file.read", {"path": "b.md"}),
    ],
)
async def test_what_is_taken_back_is_not_planned(
    say: Say, said: str, tool: str, expected: dict[str, str]
) -> None:
    answer = await say(said)
    found = args(checked(answer), tool)
    assert {name: found[name] for name in expected} == expected
    assert answer.not_covered == ()


async def test_a_time_that_is_taken_back_is_not_kept(say: Say) -> None:
    document = checked(await say("every day at 9, i mean 10, tell me to stretch"))
    assert document["events"][0]["schedule"] == "0 10 * * *"
