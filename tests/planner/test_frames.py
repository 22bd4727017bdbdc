"""Known work in other words, and what only looks like it."""

from __future__ import annotations

import pytest

from agents.planner.frames import framed

from .conftest import Say


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("shoot notes.md over to bob@example.com", "send notes.md to bob@example.com"),
        ("let my aunt ida@example.com have a.md", "send a.md to ida@example.com "),
        ("let ida@example.com know we are late", "mail ida@example.com that we are late"),
        ("tell the team (t@example.com) lunch is at 1", "mail t@example.com that lunch is at 1"),
        ("I'd like a.md to land in ida@example.com's inbox", "send a.md to ida@example.com"),
        ("tuck https://example.com/a into a.md", "save https://example.com/a to a.md"),
        ("scribble “eggs” at the bottom of list.txt", "add “eggs” to list.txt"),
        ("stick “eggs” on list.txt", "add “eggs” to list.txt"),
        ("overwrite a.md with “closed”", "write “closed” to a.md"),
        ("pester me to pay rent on Monday at 9", "remind me to pay rent on Monday at 9"),
        ("don't let me forget to pay rent", "remind me to pay rent"),
        ("set an alarm for 7 tomorrow", "remind me for 7 tomorrow"),
        ("shout if https://example.com is down", "tell me if https://example.com is down"),
        ("hit https://example.com/b with a POST", "POST to https://example.com/b"),
        ("turn a.md into Danish", "translate a.md into Danish"),
        ("trim a.md down to 3 lines", "summarise a.md in 3 lines"),
        ("sum up a.md. Two sentences are plenty", "sum up a.md in Two sentences"),
        ("water the fern reminder, daily at 8", "remind me to water the fern daily at 8"),
    ],
)
def test_known_work_in_other_words_is_read_as_that_work(said: str, meant: str) -> None:
    assert framed(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        "remind me to shoot the report over to bob@example.com and stash it in a.md",
        "mail bob@example.com: stash it in a.md",
        "write “hit https://example.com/b with a POST” to a.md",
        "tell me about https://example.com/a",
        "turn https://example.com/a into a tweet",
        "run a.py at bob@example.com",
        "cut the last line out of a.md",
    ],
)
def test_what_is_only_to_be_said_or_is_other_work_stays_as_it_was(said: str) -> None:
    assert framed(said) == said


async def test_only_beside_an_open_plan_a_copy_is_a_recipient_more(say: Say) -> None:
    assert framed("cc ann@example.com on that", revises=True) == "also send it to ann@example.com"
    assert framed("cc ann@example.com on that") == "cc ann@example.com on that"


async def test_a_reminder_in_other_words_is_planned(say: Say) -> None:
    answer = await say("bug me every evening at 7 to learn vocabulary")
    assert answer.document is not None
    assert answer.document["steps"][0]["args"] == {"text": "Learn vocabulary"}
    assert answer.document["events"][0]["schedule"] == "0 19 * * *"
    assert answer.not_covered == ()
