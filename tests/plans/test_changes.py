"""What differs between two revisions, from the documents themselves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from backend.contracts.plans import PlanDocument
from backend.plans.changes import changes
from backend.plans.ir import compile_document, ir_hash
from tests.plans.documents import documents, unhurried
from tests.plans.toolbox import DIGEST, changed, document


def differences(change: Any, old: dict[str, Any] = DIGEST) -> list[tuple[Any, ...]]:
    found = changes(document(old), document(changed(change, old)))
    return [(c.kind, c.path, c.label, c.old, c.new) for c in found]


def test_the_same_plan_has_no_changes() -> None:
    assert differences(lambda d: None) == []


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (
            lambda d: d["events"][0].update(schedule="0 8 * * *"),
            ("changed", "events/0/schedule", "When", "Weekdays at 09:00", "Every day at 08:00"),
        ),
        (
            lambda d: d["events"][0].update(timezone="Europe/Rome"),
            ("changed", "events/0/timezone", "Time zone", "Europe/Paris", "Europe/Rome"),
        ),
        (
            lambda d: d.update(plan_name="new"),
            ("changed", "plan_name", "Name", "daily-hn-digest", "new"),
        ),
        (
            lambda d: d["steps"][2]["args"].update(subject="News"),
            ("changed", "steps/2/args/subject", "send: subject", "Today on HN", "News"),
        ),
        (
            lambda d: d["steps"][0]["args"].update(limit=5),
            ("added", "steps/0/args/limit", "fetch: limit", None, 5),
        ),
        (
            lambda d: d["steps"][0]["args"].pop("url"),
            (
                "removed",
                "steps/0/args/url",
                "fetch: url",
                "https://news.ycombinator.com/rss",
                None,
            ),
        ),
        (
            lambda d: d["steps"][0].update(action="web.read"),
            ("changed", "steps/0/action", "fetch: tool", "feed.read", "web.read"),
        ),
        (
            lambda d: d["steps"][2].update(approval="required"),
            ("changed", "steps/2/approval", "send: asks before it acts", None, "required"),
        ),
        (
            lambda d: d["steps"][2].update(retry={"max_attempts": 2}),
            (
                "changed",
                "steps/2/retry",
                "send: tries again",
                None,
                {"max_attempts": 2, "delay_s": 1.0, "max_delay_s": 60.0},
            ),
        ),
        (
            lambda d: d["inputs"]["to"].update(default="x@example.com"),
            ("changed", "inputs/to/default", "Input “to”: default", None, "x@example.com"),
        ),
        (
            lambda d: d["steps"].pop(),
            ("removed", "steps/2", "Step “send”", "email.send", None),
        ),
        (
            lambda d: d["steps"].append({"name": "keep", "on": ["step.send"], "action": "a.b"}),
            ("added", "steps/3", "Step “keep”", None, "a.b"),
        ),
        (
            lambda d: d["steps"].insert(0, {"name": "keep", "on": ["x"], "action": "a.b"}),
            ("added", "steps/0", "Step “keep”", None, "a.b"),
        ),
        (
            lambda d: d["steps"][2].update(name="post"),
            ("changed", "steps/2/name", "Name of the step", "send", "post"),
        ),
        (
            lambda d: d["events"].append({"name": "now", "kind": "manual"}),
            ("added", "events/1", "When", None, "When you start it"),
        ),
        (
            lambda d: d["inputs"].pop("to"),
            (
                "removed",
                "inputs/to",
                "Input “to”",
                {"type": "string", "format": "email", "description": "who gets it"},
                None,
            ),
        ),
        (
            lambda d: d["steps"].reverse(),
            (
                "changed",
                "steps",
                "Order of the steps",
                ["fetch", "digest", "send"],
                ["send", "digest", "fetch"],
            ),
        ),
    ],
)
def test_one_difference_is_said_once(change: Any, difference: tuple[Any, ...]) -> None:
    assert differences(change) == [difference]


def test_one_trigger_in_place_of_another_is_a_change_of_when() -> None:
    interval = {"name": "event.often", "kind": "interval", "every_s": 5400}
    found = differences(lambda d: d.update(events=[interval]))
    assert ("changed", "events/0", "When", "Weekdays at 09:00", "Every 90 minutes") in found
    assert {path for _, path, *_ in found} == {"events/0", "events/0/name", "events/0/timezone"}


def test_true_and_one_are_different_values() -> None:
    def put(value: Any) -> dict[str, Any]:
        return changed(lambda d: d["steps"][0]["args"].update(limit=value))

    found = changes(document(put(1)), document(put(True)))
    assert [(c.old, c.new) for c in found] == [(1, True)]


@unhurried
@given(documents(), documents())
def test_what_is_approved_never_changes_in_silence(old: PlanDocument, new: PlanDocument) -> None:
    found = changes(old, new)
    if not found:
        assert ir_hash(compile_document(old)) == ir_hash(compile_document(new))


@unhurried
@given(documents())
def test_a_plan_does_not_differ_from_itself(plan: PlanDocument) -> None:
    assert changes(plan, plan) == ()
