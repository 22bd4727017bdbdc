"""Work for each of many: which list is meant, and what is done with each item."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Say
from .test_offline import FEED, args, checked, tools

Step = tuple[str, str | None, dict[str, Any]]
LOOPS: list[tuple[str, list[Step]]] = [
    (
        f"post every item of {FEED} to https://hooks.x.org/in",
        [
            ("feed.read", None, {"url": FEED}),
            ("http.request", "${fetch.entries}", {"body": "${item}"}),
        ],
    ),
    (
        f"for each entry in {FEED} summarise it and mail it to a@x.org",
        [
            ("feed.read", None, {}),
            ("text.summarize", "${fetch.entries}", {"text": "${item}"}),
            ("email.send", "${digest.summary}", {"body": "${item}"}),
        ],
    ),
    (
        f"read the top ten stories in {FEED}, open each and give me a one sentence gist of each",
        [
            ("feed.read", None, {"limit": 10}),
            ("web.read", "${fetch.entries}", {"url": "${item.link}"}),
            ("text.summarize", "${read_page.text}", {"text": "${item}", "max_sentences": 1}),
            ("notify.user", None, {"text": "${digest.summary}"}),
        ],
    ),
    (
        "for every url in urls.txt fetch it and write the results to up.txt",
        [
            ("file.read", None, {"path": "urls.txt"}),
            ("text.extract", None, {"kinds": ["urls"]}),
            ("web.read", "${extract.data.urls}", {"url": "${item}"}),
            ("file.write", None, {"content": "${read_page.text}"}),
        ],
    ),
    (
        "for every file in my folder, summarise it and append it to all.md",
        [
            ("file.list", None, {}),
            ("file.read", "${list_files.files}", {"path": "${item.path}"}),
            ("text.summarize", "${open.content}", {"text": "${item}"}),
            ("file.append", "${digest.summary}", {"content": "${item}"}),
        ],
    ),
    (
        "get https://x.org/todo.json and ask me about each of the items whether it's done",
        [
            ("http.get", None, {}),
            ("json.query", None, {"query": "items || @"}),
            ("human.ask", "${query.result}", {"text": "Is it done? ${item}"}),
        ],
    ),
    (
        "for each line in todo.txt notify me",
        [
            ("file.read", None, {}),
            ("text.extract", None, {"pattern": "[^\\r\\n]+"}),
            ("notify.user", "${extract.data.matches}", {"text": "${item}"}),
        ],
    ),
    (
        f"for all entries of {FEED} append the title to t.txt",
        [
            ("feed.read", None, {}),
            ("file.append", "${fetch.entries}", {"content": "${item.title}"}),
        ],
    ),
]


@pytest.mark.parametrize(("said", "expected"), LOOPS)
async def test_each_is_worked_on(say: Say, said: str, expected: list[Step]) -> None:
    answer = await say(said)
    steps = checked(answer)["steps"]
    assert [(s["action"], s.get("for_each")) for s in steps] == [(t, e) for t, e, _ in expected]
    for step, (_, _, values) in zip(steps, expected, strict=True):
        assert {name: step["args"].get(name) for name in values} == values
    assert answer.not_covered == ()


async def test_several_sources_are_worked_on_one_by_one(say: Say) -> None:
    said = "read https://a.org and https://b.org, summarise both separately and save them to s.md"
    document = checked(await say(said))
    assert tools(document) == ["web.read"] * 2 + ["text.summarize"] * 2 + ["file.write"]
    assert args(document, "file.write")["content"] == ["${digest.summary}", "${digest_2.summary}"]


async def test_each_of_what_is_no_list_is_said_to_be_missing(say: Say) -> None:
    answer = await say("read https://x.org/a and mail each chapter to a@x.org")
    checked(answer)
    assert "each" in " ".join(answer.not_covered)


@pytest.mark.parametrize(
    ("said", "query"),
    [
        (f"mail a@x.org the titles of {FEED}", "[].title"),
        (f"mail a@x.org the titles and links of {FEED}", "[].{title: title, link: link}"),
        ("get https://x.org/p.json and save the price field to p.txt", "price"),
        ("get https://x.org/p.json and mail a@x.org the names", "names || [].name"),
        (
            "get https://x.org/p.json and mail a@x.org the names and prices",
            "[].{name: name, price: price}",
        ),
        (f"read {FEED} sorted by title and save it to a.md", "sort_by(@, &title)"),
        (f"count the entries of {FEED} and tell me", "length(@)"),
    ],
)
async def test_a_part_of_the_data_is_queried(say: Say, said: str, query: str) -> None:
    answer = await say(said)
    assert args(checked(answer), "json.query")["query"] == query
    assert answer.not_covered == ()


@pytest.mark.parametrize(
    ("said", "inside", "outside"),
    [
        (f"read {FEED}, only the posts about Go, and mail them to a@x.org", "Go", ""),
        (f"read {FEED}, except posts about tea, and mail it to a@x.org", "", "tea"),
        (f"take {FEED}, remove the entries about tea and mail them to a@x.org", "", "tea"),
    ],
)
async def test_entries_are_kept_or_left_out_by_their_words(
    say: Say, said: str, inside: str, outside: str
) -> None:
    document = checked(await say(said))
    query = args(document, "json.query")["query"]
    assert f"contains(to_string(@), '{inside or outside}')" in query
    assert ("!(" in query) is bool(outside)
    assert args(document, "email.send")["body"] == "${query.result}"
