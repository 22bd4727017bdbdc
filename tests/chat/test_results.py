"""Values as what they are: text, links, tables, lists, fields; bounded, and never a trap."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat_app.results import preview, safe_link, shown


@pytest.mark.parametrize(
    "bad",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/relative",
        "https://",
        "https://a.example/ b",
        "file:///etc/passwd",
        "https://[bad",
        7,
        None,
    ],
)
def test_only_whole_web_addresses_become_links(bad: Any) -> None:
    assert safe_link(bad) == ""
    assert "href" not in json.dumps(shown({"rows": bad}))


def test_a_web_address_is_a_link() -> None:
    assert shown("https://a.example/x")["kind"] == "link"


def test_the_words_of_a_result_are_shown_not_its_receipt() -> None:
    assert shown({"summary": "Well.", "note": "x", "words": 1}) == {
        "kind": "text",
        "text": "Well.",
        "more": 0,
    }


def test_entries_with_addresses_are_links() -> None:
    entries = [{"title": f"T{i}", "link": f"https://a.example/{i}"} for i in range(20)]
    found = shown({"entries": entries})
    assert found["kind"] == "links"
    assert found["items"][0] == {
        "href": "https://a.example/0",
        "text": "T0",
        "host": "a.example",
    }
    assert found["more"] == 12


def test_rows_are_a_table() -> None:
    found = shown({"columns": ["a", "b"], "rows": [{"a": 1, "b": None}, {"a": 2, "b": 3}]})
    assert found["kind"] == "table"
    assert found["rows"] == [["1", ""], ["2", "3"]]


def test_entries_where_one_has_no_address_are_a_table() -> None:
    found = shown(
        [{"title": "A", "link": "https://a.example"}, {"title": "B", "link": "javascript:x"}]
    )
    assert found["kind"] == "table"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "none"),
        ("", "none"),
        ({}, "none"),
        ([], "none"),
        ([1, 2], "list"),
        ({"a": 1, "b": [1]}, "list"),
        ({"a": 1, "b": 2}, "fields"),
        (3.5, "text"),
        (True, "text"),
    ],
)
def test_other_values_are_shown_as_what_they_are(value: Any, kind: str) -> None:
    assert shown(value)["kind"] == kind


def test_a_long_text_is_cut_and_says_so() -> None:
    found = shown("x" * 10_000)
    assert len(found["text"]) == 6_000
    assert found["more"] == 4_000


def test_a_value_without_end_is_bounded() -> None:
    deep: dict[str, Any] = {}
    at = deep
    for _ in range(500):
        at["a"] = {"b": "x" * 1_000}
        at = at["a"]
    assert len(json.dumps(shown(deep))) < 10_000


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (
            {"summary": "# Title\n\n**Bold** and [a link](https://a.example)"},
            "Title Bold and a link",
        ),
        ({"entries": [1, 2, 3]}, "3 entries"),
        ({"status": 200, "ok": True}, "status 200 · ok true"),
        ([1], "1 result"),
        (None, ""),
        ("snake_case_name stays", "snake_case_name stays"),
    ],
)
def test_a_folded_row_is_one_plain_line(value: Any, line: str) -> None:
    assert preview(value) == line
