"""Names of plans: what the person wants, short, and never cut inside a word."""

from __future__ import annotations

import pytest

from .conftest import Say


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Remind me tomorrow at 8 to call mum", "Reminder: call mum"),
        ("every day except Sunday at 9 tell me to walk", "Monday to Saturday reminder: walk"),
        ("every Monday and Thursday at 9 remind me to run", "Monday and Thursday reminder: run"),
        (
            "every 10 minutes read https://example.com/status and tell me",
            "Watch example.com/status",
        ),
        ("read https://example.com/a and save it to my/own/notes.md", "Page to notes.md"),
        ("ask me what to write down and append it to log.md", "Answer to log.md"),
        ("write a poem about rain and mail it to a@x.org", "Poem about rain by mail"),
        ("append “buy milk” to todo.md every day at 9", "Daily “buy milk” to todo.md"),
    ],
)
async def test_a_name_says_what_is_wanted(say: Say, said: str, name: str) -> None:
    document = (await say(said)).document
    assert document is not None
    assert document["plan_name"] == name


async def test_a_long_name_ends_with_a_whole_word(say: Say) -> None:
    text = "consider the extraordinarily complicated circumstances " * 4
    document = (await say(f"tomorrow at 9 remind me to {text}")).document
    assert document is not None
    name = document["plan_name"]
    assert len(name) <= 80
    assert name.endswith("…")
    assert name.removesuffix("…").split()[-1] in text.split()
