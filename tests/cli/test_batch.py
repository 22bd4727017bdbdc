"""Many requests in one process: a line for each line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Said, Terminal

FEED = "read https://example.com/feed.xml and save it to news.md"


def lines(said: Said) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.out.splitlines()]


def batch(terminal: Terminal, *rows: Any, more: tuple[str, ...] = ()) -> Said:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    return terminal.planner("generate", "--batch", terminal.file(text, "requests.jsonl"), *more)


def test_each_line_is_answered_by_one_with_its_id_in_order(terminal: Terminal) -> None:
    said = batch(terminal, {"id": 7, "request": FEED}, "", {"id": "b", "request": "mail the news"})
    first, second = lines(said)
    assert said.code == 0
    assert (first["id"], first["kind"]) == (7, "plan") and first["plan"]["steps"]
    assert (second["id"], second["kind"]) == ("b", "question") and second["question"]


def test_it_leaves_no_trace_in_the_data_folder(terminal: Terminal) -> None:
    batch(terminal, {"id": 1, "request": FEED})
    assert not (terminal.folder / "data").exists()


def test_a_bad_line_is_answered_with_a_code_and_stops_nothing(terminal: Terminal) -> None:
    bad: list[Any] = ["no json", [1], {"id": "x"}, {"id": "y", "request": ""}]
    said = batch(terminal, *bad, {"id": "z", "request": FEED})
    answers = lines(said)
    assert said.code == 1
    assert [a["id"] for a in answers] == [None, None, "x", "y", "z"]
    assert [a["kind"] for a in answers] == [*["error"] * 4, "plan"]
    assert {a["code"] for a in answers[:3]} == {"PLAN_BATCH_LINE_INVALID"}
    assert answers[3]["code"] == "PLAN_REQUEST_INVALID"
    assert "4 of them with an error" in said.err


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"zone": "Mars/Base"}, "PLAN_ZONE_UNKNOWN"),
        ({"previous": {"steps": [3]}}, "PLAN_PREVIOUS_INVALID"),
        ({"previous": "a plan"}, "PLAN_PREVIOUS_INVALID"),
        ({"now": "yesterday"}, "PLAN_BATCH_LINE_INVALID"),
    ],
)
def test_what_a_line_says_beside_the_request_is_checked(
    terminal: Terminal, row: dict[str, Any], code: str
) -> None:
    (answer,) = lines(batch(terminal, {"id": 1, "request": "make it 8 am", **row}))
    assert (answer["id"], answer["kind"], answer["code"]) == (1, "error", code)


def test_a_line_has_its_own_moment_zone_and_plan(terminal: Terminal) -> None:
    words = "remind me tomorrow at 8 to call mum"
    row = {"id": 1, "request": words, "zone": "Asia/Tokyo", "now": "2030-01-01T10:00:00"}
    (answer,) = lines(batch(terminal, row))
    assert answer["plan"]["events"][0]["timestamp"] == "2030-01-01T23:00:00Z"
    again = {"id": 2, "request": "make it 9 am", "previous": answer["plan"]}
    (revised,) = lines(batch(terminal, again | {k: row[k] for k in ("zone", "now")}))
    assert revised["revises"] is True
    assert revised["plan"]["events"][0]["timestamp"] == "2030-01-02T00:00:00Z"


def test_the_answers_may_go_to_a_file(terminal: Terminal) -> None:
    said = batch(terminal, {"id": 1, "request": FEED}, more=("-o", "answers.jsonl"))
    assert (said.code, said.out) == (0, "")
    assert json.loads((terminal.folder / "answers.jsonl").read_text())["id"] == 1


def test_requests_come_by_a_pipe_too(terminal: Terminal) -> None:
    text = json.dumps({"id": 1, "request": FEED}) + "\n"
    assert lines(terminal.planner("generate", "--batch", "-", said=text))[0]["kind"] == "plan"


def test_words_and_a_batch_at_once_are_wrong_usage(terminal: Terminal) -> None:
    file = terminal.file("{}", "requests.jsonl")
    assert terminal.planner("generate", FEED, "--batch", file).code == 2
    assert terminal.planner("generate").code == 2
