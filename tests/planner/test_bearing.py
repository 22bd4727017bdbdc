"""What is said beside an open plan: a change of it, work of its own, or either."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Say
from .test_offline import checked, tools

OPEN = "every day at 8 read the feed https://a.org/rss, summarise it and tell me"
ALL = ["feed.read", "text.summarize", "notify.user"]


@pytest.fixture
async def plan(say: Say) -> dict[str, Any]:
    return checked(await say(OPEN))


@pytest.mark.parametrize(
    "said",
    [
        "make it 9",
        "also save it to a.md",
        "wrong feed, it's https://b.org/rss",
        "and do the same for https://b.org/rss",
        "use https://b.org/rss instead",
        "could we do 7am?",
    ],
)
async def test_what_only_the_open_plan_gives_a_meaning_changes_it(
    say: Say, plan: dict[str, Any], said: str
) -> None:
    answer = await say(said, plan)
    assert answer.revises
    assert set(ALL) <= set(tools(checked(answer)))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("remind me to call mum tomorrow at 9", ["notify.user"]),
        ("what is in notes.md?", ["file.read", "notify.user"]),
        ("list my files", ["file.list"]),
        ("when an email arrives from sue@x.org, tell me", ["notify.user"]),
        (
            "summarise https://b.org/report and mail it to boss@x.org",
            ["web.read", "text.summarize", "email.send"],
        ),
    ],
)
async def test_what_is_whole_by_itself_and_ends_somewhere_is_a_plan_of_its_own(
    say: Say, plan: dict[str, Any], said: str, expected: list[str]
) -> None:
    answer = await say(said, plan)
    assert not answer.revises
    assert tools(checked(answer)) == expected


async def test_the_same_work_on_something_else_may_be_either(
    say: Say, plan: dict[str, Any]
) -> None:
    answer = await say("summarise https://b.org/rss", plan)
    assert answer.kind == "question"
    change, own = answer.choices
    changed, new = await say(change, plan), await say(own, plan)
    assert changed.revises
    assert tools(checked(changed)) == ALL
    assert checked(changed)["steps"][0]["args"]["url"] == "https://b.org/rss"
    assert not new.revises
    assert tools(checked(new)) == ["feed.read", "text.summarize"]


async def test_work_that_the_open_plan_does_not_do_is_not_asked_about(
    say: Say, plan: dict[str, Any]
) -> None:
    answer = await say("translate b.md into polish", plan)
    assert answer.kind == "plan"
    assert not answer.revises
