"""Conditions of steps, as their card says them."""

from __future__ import annotations

import pytest

from chat_app.guards import guard_words

TITLES = {"compare": "Compare with last time", "feed": "Read a feed"}


def named(path: str) -> str:
    root, _, rest = path.partition(".")
    return f"{TITLES.get(root, root)} · {rest}" if rest else TITLES.get(root, root)


@pytest.mark.parametrize(
    ("guard", "told"),
    [
        (None, ""),
        ("compare.changed", "Compare with last time · changed"),
        ("not compare.changed", "not Compare with last time · changed"),
        ("feed.count > 1000", "Read a feed · count is over 1,000"),
        ("feed.title == 'News'", "Read a feed · title is “News”"),
        ("'harbour' in lower(feed.text)", "Read a feed · text contains “harbour”"),
        ("'a' not in feed.text", "Read a feed · text does not contain “a”"),
        ("len(feed.entries) >= 3", "the number of Read a feed · entries is at least 3"),
        (
            "feed.ok and (feed.n < -1 or feed.n == 2)",
            "Read a feed · ok and (Read a feed · n is under −1 or Read a feed · n is 2)",
        ),
    ],
)
def test_a_condition_is_said_in_words(guard: str | None, told: str) -> None:
    assert guard_words(guard, named) == told


@pytest.mark.parametrize(
    "guard",
    [
        "feed.entries[0] == 1",
        "1 < feed.n < 3",
        "feed.n % 2 == 0",
        "not (a == b)",
        "a ==",
        "x" * 900,
    ],
)
def test_what_has_no_sure_words_is_shown_as_it_is(guard: str) -> None:
    assert guard_words(guard, named) == guard
