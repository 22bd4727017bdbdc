"""The title and the sentence below it say what happens, to what of many, and when."""

from __future__ import annotations

import pytest

from agents.planner.guard_words import guard_words, item_words

from .conftest import Say
from .test_offline import checked


@pytest.mark.parametrize(
    ("said", "name", "purpose"),
    [
        (
            "every hour check https://x.org/up and tell me if it is not 200",
            "Watch x.org/up, if its status is not 200",
            "Gets https://x.org/up and posts it in the chat if its status is not 200.",
        ),
        (
            "read https://x.org/rss and mail each entry to a@x.org",
            "Feed by mail, for each entry",
            "Reads the feed https://x.org/rss and mails each entry to a@x.org.",
        ),
        (
            "get https://api.x.org/items.json and for each item with stock under 3 mail a@x.org",
            "Data selection by mail, for each item",
            "Gets https://api.x.org/items.json, picks from the data and mails each item with stock"
            " under 3 to a@x.org.",
        ),
        (
            "every day at 9 mail the entries of https://x.org/rss that mention tea to a@x.org",
            "Daily feed about tea by mail",
            "Reads the feed https://x.org/rss, keeps only those that mention tea and mails it to"
            " a@x.org.",
        ),
        (
            "mail each of the addresses in guests.txt the contents of invite.md",
            "File extract by mail, for each address",
            "Reads the file guests.txt, reads the file invite.md, extracts data from it and mails it"
            " to each address.",
        ),
        (
            "when a mail from bank@x.org arrives add it to bank.txt",
            "Message to bank.txt",
            "With each mail from bank@x.org: adds it to bank.txt.",
        ),
        (
            "if https://x.org/a changed, mail it to a@x.org every day at noon",
            "Daily page by mail, if it changed",
            "Reads the page https://x.org/a and mails it to a@x.org if it changed.",
        ),
    ],
)
async def test_a_card_says_to_what_and_when_it_happens(
    say: Say, said: str, name: str, purpose: str
) -> None:
    document = checked(await say(said))
    assert document["plan_name"] == name
    assert document["description"] == purpose


async def test_a_change_of_the_condition_changes_the_sentence(say: Say) -> None:
    plan = checked(await say("get https://api.x.org/t.json and mail a@x.org if heat is over 30"))
    assert plan["description"].endswith("mails it to a@x.org if heat is over 30.")
    changed = checked(await say("35, not 30", plan))
    assert changed["description"].endswith("mails it to a@x.org if heat is over 35.")


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        ("get.ok", "if it answers"),
        ("not (get.ok)", "if it does not answer"),
        ('not ("tea" in lower(page.text))', "unless it mentions tea"),
        ("len(fetch.entries) > 10", "if there are more than 10 entries"),
        ("len(open.content) == 0", "if there is nothing in it"),
        (
            "(get.json.size > 50) and (get.json.paused == false)",
            "if size is over 50 and paused is false",
        ),
        ('ask.answer == "yes"', "if you say yes"),
        ("weird(a, b)", "if its condition holds"),
        ("a <", "if its condition holds"),
    ],
)
def test_a_guard_is_said_in_words(guard: str, words: str) -> None:
    assert guard_words(guard) == words


def test_what_must_hold_of_an_item_is_said_of_it() -> None:
    assert item_words("item.stock < 3") == "with stock under 3"
    assert item_words('"rust" in lower(item.title + " " + item.summary)') == "that mentions rust"
