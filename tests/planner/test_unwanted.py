"""Work that is said not to be wanted stays out of the plan, and is not lost."""

from __future__ import annotations

import pytest

from .conftest import Say
from .test_offline import checked, tools


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("don't mail it, just save https://a.org to a.md", ["web.read", "file.write"]),
        (
            "read https://x.org/rss and don't send it anywhere, just show it to me",
            ["feed.read", "notify.user"],
        ),
        (
            "read the feed https://x.org/rss without summarising and mail it to a@x.org",
            ["feed.read", "email.send"],
        ),
        (
            "mail the entries of https://x.org/rss to a@x.org, no summary",
            ["feed.read", "email.send"],
        ),
    ],
)
async def test_what_is_ruled_out_is_not_planned(say: Say, said: str, expected: list[str]) -> None:
    answer = await say(said)
    assert tools(checked(answer)) == expected
    assert answer.not_covered == ()


@pytest.mark.parametrize(
    "said",
    [
        "save https://x.org/a to a.md but don't write any files",
        "mail notes.md to a@x.org, but don't mail anyone",
    ],
)
async def test_a_plan_that_would_do_what_is_ruled_out_is_asked_about(say: Say, said: str) -> None:
    answer = await say(said)
    assert answer.kind == "question"
    assert "don't" in answer.text


async def test_work_ruled_out_under_a_condition_is_done_otherwise(say: Say) -> None:
    said = "read https://x.org/rss and mail it to a@x.org, but don't mail it if it is empty"
    (_, send) = checked(await say(said))["steps"]
    assert send["guard"] == "len(fetch.entries) > 0"


async def test_what_is_only_told_is_named_and_the_rest_is_planned(say: Say) -> None:
    answer = await say("My mornings are a mess. Every day at 9 read https://x.org/rss and tell me.")
    assert tools(checked(answer)) == ["feed.read", "notify.user"]
    assert answer.not_covered == ("My mornings are a mess",)
