"""What mends itself, and what only a person can mend."""

from __future__ import annotations

from agents.repairs import mechanical, mendable
from backend.contracts.errors import Fix, Issue
from backend.contracts.ports import PlanAnswer
from tests.plans.toolbox import checked, plan, step

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


def test_fixes_apart_from_each_other_are_all_put_at_once() -> None:
    fixed = mechanical(
        ANSWER, [issue("steps/0/action", "feed.read"), issue("plan_name", "other"), issue("x/0", 1)]
    )
    assert fixed is not None
    mended, repaired = fixed
    assert [i.path for i in repaired] == ["steps/0/action", "plan_name"]
    assert mended.document is not None
    assert (mended.document["plan_name"], mended.document["steps"][0]["action"]) == (
        "other",
        "feed.read",
    )


def test_of_fixes_within_each_other_the_first_is_put_and_the_rest_wait() -> None:
    whole, part = issue("steps/0/args", {"url": "x"}), issue("steps/0/args/to", "y")
    for first, second in [(whole, part), (part, whole)]:
        fixed = mechanical(ANSWER, [first, second])
        assert fixed is not None
        assert [i.path for i in fixed[1]] == [first.path]


def test_one_fix_for_two_issues_repairs_both() -> None:
    fixed = mechanical(ANSWER, [issue("steps/0/args", {"a": 1}), issue("steps/0/args", {"a": 1})])
    assert fixed is not None
    assert len(fixed[1]) == 2


def test_fixes_and_validation_in_turns_make_a_plan_whole() -> None:
    """What a careless model writes, mended without one."""
    raw = plan(
        step("read", "go", "web_read", args={"url": "example.com"}),
        step("sum", "read", "text.summarize", args={"test": "{{read.text}}", "style": "Short"}),
        step("mail", "go", "email.send", args={"to": "a@example.com", "subject": "s",
             "body": "${steps.sum.summary}", "priority": "1", "urgent": None}),
    )  # fmt: skip
    answer, rounds = PlanAnswer("plan", document=raw), 0
    while errors := mendable(checked(answer.document).issues):
        fixed = mechanical(answer, errors)
        assert fixed is not None, errors
        answer, _ = fixed
        rounds += 1
    assert answer.document is not None
    assert rounds <= 4
    assert answer.document["steps"][2] == step(
        "mail", "step.sum", "email.send",
        args={"to": "a@example.com", "subject": "s", "body": "${sum.summary}", "priority": 1},
    )  # fmt: skip
