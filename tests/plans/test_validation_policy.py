"""What a plan may do: policy, effects nobody is asked about, cost, plugins' rules, time, the request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend.contracts.errors import Issue
from backend.contracts.plans import Catalogue
from backend.contracts.security import Verdict
from backend.contracts.tools import ToolSpec
from backend.plans.validation import MAX_ISSUES, Subject
from tests.plans.toolbox import (
    DIGEST,
    EVERYTHING,
    TEXT,
    changed,
    checked,
    codes,
    issues,
    mended,
    only,
    plan,
    step,
    tool,
)

POST = tool("http.post", {"url": {"type": "string", "format": "uri"}, "body": {}}, {}, "url")
APPEND = tool("file.append", {"path": TEXT, "content": TEXT}, {"path": TEXT}, "path")
ERASE = tool("file.erase", {"path": TEXT}, {}, "path", undo="file.restore")
ASK = tool("human.ask", {"text": TEXT}, {"answer": {}}, purity="idempotent")
TOOLS = Catalogue(EVERYTHING.tools | {t.id: t for t in (POST, APPEND, ERASE, ASK)})
MAIL = {"to": "a@example.com", "subject": "s", "body": "b"}
URL = {"url": "https://example.com"}
READ = step("read", "go", "web.read", args=URL)


def under(**verdicts: Verdict) -> Catalogue:
    by_id = {id.replace("_", "."): verdict for id, verdict in verdicts.items()}
    return Catalogue(TOOLS.tools, verdicts=by_id)


# --- V8 policy ----------------------------------------------------------------------------------------


def test_a_forbidden_tool_is_an_error_that_says_why() -> None:
    verdict = Verdict("deny", "no mail", "EXEC_FORBIDDEN", "Mail is for operators.")
    result = checked(DIGEST, catalogue=under(email_send=verdict))
    (issue,) = result.issues
    assert (issue.code, issue.path, result.ok) == ("PLAN_TOOL_FORBIDDEN", "steps/2/action", False)
    assert "Mail is for operators." in issue.message


def test_a_tool_that_must_ask_is_an_error_until_its_step_asks() -> None:
    catalogue = under(email_send=Verdict("ask", "mail asks"))
    issue = only(DIGEST, catalogue=catalogue)
    assert (issue.code, issue.path) == ("PLAN_APPROVAL_REQUIRED", "steps/2/approval")
    assert checked(mended(DIGEST, issue), catalogue=catalogue).ok


def test_what_policy_allows_says_nothing() -> None:
    assert issues(DIGEST, catalogue=under(email_send=Verdict("allow", "mail"))) == ()


# --- V9 effects ---------------------------------------------------------------------------------------


def sends(on: str | list[str] = "step.read", **fields: Any) -> dict[str, Any]:
    args = MAIL | fields.pop("args", {})
    return step("send", on, "email.send", args=args, **fields)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (sends(args={"to": "${read.text}"}), "its “to” is whatever ${read.text} brings"),
        (sends(args={"to": "${event.sender}"}), "${event.sender}"),
        (step("post", "step.read", "http.post", args={"url": "${read.links[0]}"}), "its “url”"),
        (
            step("keep", "step.read", "file.append", args={"path": "${read.text}.txt"}),
            "its “path” is whatever",
        ),
        (
            sends(for_each="${read.links}", args={"body": "${item}"}),
            "once for each of ${read.links}",
        ),
        (
            step(
                "post", "step.read", "http.post", args={"url": "${item}"}, for_each="${read.links}"
            ),
            "${item} brings; it acts once for each",
        ),
    ],
)
def test_what_data_decides_about_an_effect_is_told_until_it_asks(
    last: dict[str, Any], words: str
) -> None:
    raw = plan(READ, last)
    result = checked(raw, catalogue=TOOLS)
    (issue,) = result.issues
    assert (issue.code, issue.severity, issue.path, result.ok) == (
        "PLAN_EFFECT_UNGATED",
        "warning",
        "steps/1/approval",
        True,
    )
    assert words in issue.message
    assert issues(mended(raw, issue), catalogue=TOOLS) == ()


@pytest.mark.parametrize(
    "last",
    [
        sends(),
        sends(args={"body": "${read.text}", "subject": "${read.text}"}),
        sends(args={"to": "${inputs.who}"}),
        sends(for_each="${inputs.people}", args={"to": "${item}"}),
        step("erase", "step.read", "file.erase", args={"path": "${read.text}"}),
        step("write", "step.read", "web.read", args={"url": "${read.text}"}),
        step("keep", "step.read", "file.append", args={"path": "log.txt", "content": "${read.text}"}),
    ],
)  # fmt: skip
def test_what_a_person_said_or_can_undo_is_no_matter(last: dict[str, Any]) -> None:
    inputs = {"who": {}, "people": {"type": "array"}}
    assert issues(plan(READ, last, inputs=inputs), catalogue=TOOLS) == ()


def test_an_effect_in_a_loop_is_told() -> None:
    raw = plan(
        step("read", ["go", "step.send"], "web.read", args=URL),
        sends(guard="read.status == 200"),
        graph_type="reactive",
    )
    assert codes(raw, catalogue=TOOLS) == [("PLAN_EFFECT_UNGATED", "steps/1/approval")]


def test_who_was_asked_before_need_not_be_asked_again() -> None:
    ask = step("ask", "step.read", "human.ask", args={"text": "To whom?"})
    raw = plan(READ, ask, sends("step.ask", args={"to": "${read.text}"}))
    assert issues(raw, catalogue=TOOLS) == ()
    to_answer = plan(READ, ask, sends(["step.ask", "go"], args={"to": "${ask.answer}"}))
    assert issues(to_answer, catalogue=TOOLS) == ()
    maybe = plan(
        READ,
        {**ask, "guard": "read.status == 200"},
        sends(["step.read", "step.ask"], args={"to": "${read.text}"}),
    )
    assert codes(maybe, catalogue=TOOLS) == [("PLAN_EFFECT_UNGATED", "steps/2/approval")]


# --- V9 cost ------------------------------------------------------------------------------------------


def test_a_run_that_may_cost_more_than_the_budget_is_an_error() -> None:
    issue = only(DIGEST, budget_usd=0.1)
    assert (issue.code, issue.severity) == ("PLAN_OVER_BUDGET", "error")
    assert "$0.11" in issue.message
    assert "$0.10" in issue.message
    assert issues(DIGEST, budget_usd=0.11) == ()
    assert issues(DIGEST) == ()


def test_a_list_of_unknown_length_is_said_to_cost_more() -> None:
    raw = plan(
        READ, step("sum", "step.read", "text.summarize", args={"text": "x"}, for_each="${read.links}")
    )  # fmt: skip
    assert "more for each further item" in only(raw, budget_usd=0.001).message


# --- rules of plugins ---------------------------------------------------------------------------------


def named(code: str) -> Issue:
    return Issue(code=code, message="Our house does not do that.", path="steps/0")


def test_a_plugins_rule_is_heard_beside_all_others() -> None:
    def rule(subject: Subject) -> list[Issue]:
        return [named(f"PLAN_HOUSE_{len(subject.document.steps)}")]

    raw = changed(lambda d: d["steps"][0].update(action="feed.reed"))
    found = [i.code for i in issues(raw, validators={"house": rule})]
    assert found == ["PLAN_TOOL_UNKNOWN", "PLAN_HOUSE_3"]


def exploding(subject: Subject) -> Iterator[Issue]:
    yield named("PLAN_HOUSE")
    raise RuntimeError("secret of the house")


def endless(subject: Subject) -> Iterator[Issue]:
    while True:
        yield named("PLAN_HOUSE")


BROKEN: dict[str, Any] = {
    "raises": exploding,
    "no list": lambda subject: 5,
    "none": lambda subject: None,
    "strings": lambda subject: ["PLAN_X"],
    "a dict": lambda subject: [{"code": "PLAN_X", "message": "x"}],
    "another code": lambda subject: [named("HOUSE")],
    "says nothing": lambda subject: [Issue(code="PLAN_X", message="")],
    "no severity": lambda subject: [named("PLAN_X").model_copy(update={"severity": "fatal"})],
    "no json": lambda subject: [
        Issue.model_construct(code="PLAN_X", message="x", path=object(), fix=None)
    ],
    "takes nothing": lambda: [named("PLAN_X")],
    "no function": "rule",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_rule_that_breaks_is_named_and_silences_nobody(name: str) -> None:
    rules = {name: BROKEN[name], "house": lambda subject: [named("PLAN_HOUSE")]}
    raw = changed(lambda d: d["steps"][0].update(action="feed.reed"))
    result = checked(raw, validators=rules)
    found = [i.code for i in result.issues]
    assert {"PLAN_TOOL_UNKNOWN", "PLAN_VALIDATOR_FAILED", "PLAN_HOUSE"} == set(found)
    failed = next(i for i in result.issues if i.code == "PLAN_VALIDATOR_FAILED")
    assert f"“{name}”" in failed.message
    assert "secret" not in failed.message
    assert not checked(DIGEST, validators=rules).ok


def test_a_rule_that_never_ends_is_cut_off() -> None:
    found = issues(DIGEST, validators={"endless": endless})
    assert 0 < len(found) <= MAX_ISSUES


def test_a_rule_cannot_change_the_plan_it_looks_at() -> None:
    def thief(subject: Subject) -> list[Issue]:
        subject.document.steps.clear()
        return []

    result = checked(DIGEST, validators={"thief": thief, "other": lambda s: [named("PLAN_HOUSE")]})
    assert [i.code for i in result.issues] == ["PLAN_HOUSE"]
    assert result.document is not None
    assert len(result.document.steps) == 3
    assert result.ir_hash == checked(DIGEST).ir_hash


# --- time ---------------------------------------------------------------------------------------------


class Ticking:
    """A clock that is a second later at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_what_there_was_no_time_for_is_said() -> None:
    result = checked(DIGEST, patience_s=3.5, clock=Ticking())
    issue = result.issues[-1]
    assert (issue.code, issue.severity, result.ok) == ("PLAN_VALIDATION_TIMEOUT", "error", False)
    assert issue.available[0] in issue.message
    assert "coverage" in issue.available
    assert "names" not in issue.available
    assert result.ir_hash


def test_what_was_found_in_time_is_kept() -> None:
    def spoil(raw: Any) -> None:
        raw["steps"][2]["on"] = [f"step.nobody{index}" for index in range(50)]

    found = issues(changed(spoil), patience_s=10, clock=Ticking())
    assert "PLAN_EVENT_UNKNOWN" in {i.code for i in found}
    assert found[-1].code == "PLAN_VALIDATION_TIMEOUT" or found[0].code == "PLAN_VALIDATION_TIMEOUT"
    assert sum(i.code == "PLAN_VALIDATION_TIMEOUT" for i in found) == 1


def test_a_rule_of_a_plugin_that_had_no_time_is_named() -> None:
    found = issues(
        DIGEST, validators={"house": lambda subject: []}, patience_s=2.5, clock=Ticking()
    )
    assert "house" in found[-1].available


# --- V10 the request ----------------------------------------------------------------------------------

SIMPLE = plan(READ, sends(args={"body": "${read.text}"}))


def not_covered(raw: dict[str, Any], request: str, **fields: Any) -> list[str]:
    found = issues(raw, catalogue=TOOLS, request=request, **fields)
    assert {i.code for i in found} <= {"PLAN_NOT_COVERED"}
    return [i.message.split("“")[1].rstrip("”.") for i in found]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("read https://a.com and mail it if the price is above 30", "if the price is above 30"),
        ("mail it to me only when it mentions rust, please", "only when it mentions rust"),
        ("read it and mail it unless it is empty", "unless it is empty"),
        ("mail all of it except the ads", "except the ads"),
        ("if log.txt is empty mail me", "if log.txt is empty mail me"),
        ("every Monday read https://a.com and mail it", "every Monday"),
        ("mail me the page each morning", "each morning"),
    ],
)
def test_a_condition_or_a_time_that_nothing_expresses_is_shown(request_: str, words: str) -> None:
    assert not_covered(SIMPLE, request_) == [words]


@pytest.mark.parametrize(
    "request_",
    [
        "read https://a.com and mail it to a@example.com",
        "mail it if possible",
        "see if there is news",
        "tell me if you need more",
        'mail "come if you like" to a@example.com',
        "mail ‘unless’",
        "read every link",
        "summarise every page of the report",
        "write the best of every day's entries",
        "for each day in the table, mail it",
        "whatif",
        "",
    ],
)
def test_where_it_is_not_certain_nothing_is_said(request_: str) -> None:
    assert not_covered(SIMPLE, request_) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["steps"][1].update(guard="read.status == 200"),
        lambda d: d["steps"][1].update(approval="required"),
        lambda d: d["steps"][1].update(on=["step.read.error"]),
        lambda d: d["steps"][0].update(action="page.watch"),
        lambda d: d["steps"].append(step("ask", "go", "human.ask", args={"text": "Now?"})),
        lambda d: d["events"][0].update(kind="event", type="email.received"),
        lambda d: d["events"][0].update(
            kind="cron", schedule="0 9 * * *", only_if="due.day == due.last_workday"
        ),
        lambda d: d["steps"][1]["args"].update(subject="mail it if it changed"),
    ],
)
def test_a_plan_that_can_decide_is_trusted_with_its_conditions(change: Any) -> None:
    raw = changed(change, SIMPLE)
    found = issues(raw, catalogue=TOOLS, request="read it and mail it if it changed")
    assert "PLAN_NOT_COVERED" not in {i.code for i in found}


def test_a_day_left_out_of_a_schedule_is_the_schedules_matter() -> None:
    raw = changed(lambda d: d["events"][0].update(kind="cron", schedule="0 9 * * 1-4"), SIMPLE)
    assert not_covered(raw, "every weekday except Friday mail it") == []
    assert not_covered(raw, "every weekday mail it unless it is short") == ["unless it is short"]


def test_what_the_planner_says_itself_is_not_said_twice() -> None:
    said = not_covered(SIMPLE, "mail it if it is long", not_covered=("mail it if it is long",))
    assert said == ["mail it if it is long"]


def test_a_tool_no_verdict_speaks_of_is_the_persons_to_use() -> None:
    spec = ToolSpec(id="x.y", name="x", description="x", purity="pure")
    assert checked(plan(step("a", "go", "x.y")), catalogue=Catalogue({"x.y": spec})).ok
