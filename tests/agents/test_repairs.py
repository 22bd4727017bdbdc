"""What mends itself, and what only a person can mend."""

from __future__ import annotations

from agents.repairs import mechanical, mendable
from backend.contracts.errors import Fix, Issue
from backend.contracts.ports import PlanAnswer

DOCUMENT = {"plan_name": "p", "steps": [{"name": "a", "action": "feed.reed", "args": {}}]}
ANSWER = PlanAnswer("plan", document=DOCUMENT)


def issue(path: str, value: object) -> Issue:
    fix = Fix(path=path, value=value, label="did you mean")
    return Issue(code="PLAN_TOOL_UNKNOWN", message="unknown", path=path, fix=fix)


def test_a_fix_is_put_in_its_place_and_the_first_document_stays() -> None:
    fixed = mechanical(ANSWER, [issue("steps/0/action", "feed.read")])
    assert fixed is not None
    mended, repaired = fixed
    assert [i.repaired for i in repaired] == [True]
    assert mended.document is not None
    assert mended.document["steps"][0]["action"] == "feed.read"
    assert DOCUMENT["steps"][0]["action"] == "feed.reed"  # type: ignore[index]


def test_a_fix_that_changes_nothing_or_fits_nowhere_is_none() -> None:
    assert mechanical(ANSWER, [issue("steps/0/action", "feed.reed")]) is None
    assert mechanical(ANSWER, [issue("steps/9/action", "feed.read")]) is None
    assert mechanical(ANSWER, [issue("steps/x/action", "feed.read")]) is None
    assert mechanical(ANSWER, []) is None


def test_a_missing_setting_is_not_asked_of_a_model() -> None:
    missing = Issue(code="PLAN_SETTING_MISSING", message="SMTP_HOST is not set")
    warning = Issue(code="PLAN_TIME_PAST", message="hm", severity="warning")
    wrong = Issue(code="PLAN_CYCLE", message="a cycle")
    assert mendable([missing, warning, wrong]) == [wrong]
