"""The scorer of the written requests: what counts as right, and what does not."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

import pytest

from backend.contracts.plans import Catalogue
from backend.contracts.ports import PlanAnswer
from backend.plans.validation import check
from backend.tools.builtin import builtin
from benchmarks.planning.documents import figures
from benchmarks.planning.gold import Score, score
from benchmarks.planning.requests import Half, Written, written
from benchmarks.planning.shapes import best_fit

CATALOGUE = Catalogue({tool.spec.id: tool.spec for tool in builtin()}, hash="shipped")
NOW = datetime.fromisoformat("2026-03-04T10:00:00+01:00")
PLAN: dict[str, Any] = {
    "plan_name": "p",
    "events": [
        {"name": "event.t", "kind": "cron", "schedule": "0 9 * * *", "timezone": "Europe/Paris"}
    ],
    "steps": [
        {
            "name": "fetch",
            "on": ["event.t"],
            "action": "feed.read",
            "args": {"url": "https://a.example.com/rss"},
        },
        {
            "name": "send",
            "on": ["step.fetch"],
            "action": "email.send",
            "guard": "fetch.count > 10",
            "args": {"to": "ann@example.com", "subject": "News", "body": "${fetch.entries}"},
        },
    ],
}
EXPECT: dict[str, Any] = {
    "kind": "plan",
    "tools": ["feed.read", "email.send"],
    "edges": [["feed.read", "email.send"]],
    "args": {
        "feed.read.url": "https://a.example.com/rss/",
        "email.send.to": {"set": ["ann@example.com"]},
        "email.send.body": {"ref": "feed.read"},
        "email.send.subject": {"contains": ["NEWS"]},
    },
    "trigger": {"kind": "timed", "next": ["2026-03-05T09:00:00+01:00"]},
    "guard": True,
    "guard_has": ["10"],
}


def scored(
    expect: dict[str, Any] = EXPECT, not_covered: tuple[str, ...] = (), **step: Any
) -> Score:
    document = copy.deepcopy(PLAN)
    document["steps"][1] |= step
    row = Written("r", "…", "Europe/Paris", NOW, expect)
    checked = check(document, CATALOGUE, now=NOW, timezone="Europe/Paris")
    answer = PlanAnswer("plan", document=document, not_covered=not_covered)
    return score(row, answer, True, checked)


def test_a_plan_that_is_what_was_asked_for_is_right() -> None:
    found = scored()
    assert found.right and found.args == (4, 4) and found.condition == "kept"


@pytest.mark.parametrize(
    "step",
    [
        {"args": PLAN["steps"][1]["args"] | {"to": "bob@example.com"}},
        {"args": PLAN["steps"][1]["args"] | {"body": "nothing of it"}},
        {"action": "notify.user", "args": {"text": "${fetch.entries}"}},
    ],
)
def test_a_wrong_recipient_content_or_tool_is_not_right(step: dict[str, Any]) -> None:
    assert not scored(**step).right


@pytest.mark.parametrize(
    ("guard", "not_covered", "condition"),
    [
        ("fetch.count > 1", (), "dropped"),
        (None, (), "dropped"),
        (None, ("more than 10",), "shown"),
    ],
)
def test_a_condition_that_is_lost_or_changed_is_dropped_unless_it_is_shown(
    guard: str | None, not_covered: tuple[str, ...], condition: str
) -> None:
    found = scored(guard=guard, not_covered=not_covered)
    assert found.condition == condition and not found.right


def test_another_time_is_not_right() -> None:
    for wrong in (
        {"kind": "timed", "next": ["2026-03-05T08:00:00+01:00"]},
        {"kind": "at", "next": ["2026-03-05T09:00:00+01:00"]},
        {"kind": "manual"},
        {"kind": "interval", "every_s": 86_400},
    ):
        assert scored(EXPECT | {"trigger": wrong}).trigger is False
    either = {"any": [{"kind": "manual"}, EXPECT["trigger"]]}
    assert scored(EXPECT | {"trigger": either}).trigger is True


def test_a_needed_plan_that_is_not_given_counts_as_missed() -> None:
    row = Written("r", "…", "Europe/Paris", NOW, EXPECT)
    found = score(row, PlanAnswer("question", "To whom?"), None, None)
    assert not found.right and found.fit is not None and found.fit.nodes == (0, 0, 2)
    assert figures([found])["asked instead of planning"] == "1/1      100.0 %"


def test_a_question_must_be_about_what_is_missing() -> None:
    row = Written("r", "…", "UTC", NOW, {"kind": "question", "asks_about": "recipient"})
    assert score(row, PlanAnswer("question", "To which address?"), None, None).right
    assert not score(row, PlanAnswer("question", "Pardon?"), None, None).right


def test_a_tool_that_may_stand_in_between_does_no_harm() -> None:
    document = copy.deepcopy(PLAN)
    document["steps"][1] |= {"on": ["step.pick"], "guard": None}
    document["steps"][1]["args"]["body"] = "${pick.result}"
    pick = {
        "name": "pick",
        "on": ["step.fetch"],
        "action": "json.query",
        "args": {"data": "${fetch.entries}", "query": "[0]"},
    }
    document["steps"].insert(1, pick)
    assert best_fit(document, [EXPECT], ["json.query"]).exact
    assert not best_fit(document, [EXPECT], []).exact


def test_an_edge_that_a_longer_way_makes_needless_does_not_count() -> None:
    document = copy.deepcopy(PLAN)
    document["steps"][1] |= {"guard": None}
    summary = {
        "name": "sum",
        "on": ["step.fetch"],
        "action": "text.summarize",
        "args": {"text": "${fetch.entries}"},
    }
    document["steps"].insert(1, summary)
    document["steps"][2] |= {"on": ["step.sum"]}
    document["steps"][2]["args"]["body"] = "${sum.summary} of ${fetch.entries}"
    chain = {
        "tools": ["feed.read", "text.summarize", "email.send"],
        "edges": [["feed.read", "text.summarize"], ["text.summarize", "email.send"]],
    }
    assert best_fit(document, [chain], []).exact


def test_reading_the_same_thing_twice_is_as_good_as_once() -> None:
    document = copy.deepcopy(PLAN)
    document["steps"].insert(1, document["steps"][0] | {"name": "again"})
    document["steps"][2] |= {"on": ["step.again"], "guard": None}
    assert best_fit(document, [EXPECT], []).exact
    document["steps"][1] = document["steps"][1] | {"args": {"url": "https://b.example.com/rss"}}
    assert not best_fit(document, [EXPECT], []).exact


@pytest.mark.parametrize("half", ["dev", "held"])
def test_every_written_request_names_tools_and_arguments_that_there_are(half: Half) -> None:
    rows = written(half)
    assert len(rows) >= 60 and len({row.id for row in rows}) == len(rows)
    for row in rows:
        for graph in row.graphs:
            assert set(graph["tools"]) <= CATALOGUE.tools.keys()
            assert {tool for edge in graph["edges"] for tool in edge} <= set(graph["tools"])
        for name in row.expect.get("args", {}):
            tool, _, arg = name.rpartition(".")
            assert name == "plan_name" or arg in CATALOGUE.tools[tool].inputs["properties"]
        if row.previous is not None:
            assert check(row.previous, CATALOGUE, now=row.now, timezone=row.zone).ok


def test_a_wrong_plan_that_says_nothing_is_told_from_one_that_says_what_is_missing() -> None:
    assert not scored().silently_wrong
    assert scored(guard=None).silently_wrong
    assert not scored(guard=None, not_covered=("more than 10",)).silently_wrong
