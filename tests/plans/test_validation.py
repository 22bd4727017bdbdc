"""What validation says of each thing that can be wrong with a plan."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from backend.contracts.plans import Catalogue
from backend.tools.builtin import builtin
from tests.plans.toolbox import (
    CATALOGUE,
    DIGEST,
    EVERYTHING,
    SEED,
    TOOLS,
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

ROOT = Path(__file__).parents[2]


# --- good plans -------------------------------------------------------------------------------------


def test_the_plan_of_the_integration_document_validates_unchanged() -> None:
    assert checked(SEED).ok
    assert checked(SEED, catalogue=Catalogue({t.id: t for t in TOOLS if t.id == "email.send"})).ok


def test_the_plan_of_the_integration_document_fits_the_shipped_tools() -> None:
    shipped = Catalogue({tool.spec.id: tool.spec for tool in builtin()})
    assert issues(SEED, catalogue=shipped) == ()


def test_a_good_plan_has_no_issues_and_a_hash() -> None:
    result = checked(DIGEST)
    assert (result.issues, result.ok, len(result.ir_hash)) == ((), True, 64)
    assert result.document is not None
    assert result.document.plan_name == "daily-hn-digest"


def test_validation_does_not_change_what_it_reads() -> None:
    raw = changed(lambda d: d["steps"][0].update(action="feed.reed"))
    before = copy.deepcopy(raw)
    checked(raw)
    assert raw == before


def test_all_validators_speak_at_once_and_errors_come_first() -> None:
    def spoil(raw: Any) -> None:
        raw["events"][0]["schedule"] = "nonsense"
        raw["steps"][0]["action"] = "feed.reed"
        raw["steps"][1]["args"]["text"] = "${fetsh.entries}"
        raw["steps"][2]["on"] = ["step.digest", "step.digets"]

    found = issues(changed(spoil), not_covered=("and print it",))
    assert {issue.code for issue in found} == {
        "PLAN_CRON_INVALID",
        "PLAN_TOOL_UNKNOWN",
        "PLAN_REFERENCE_UNKNOWN",
        "PLAN_EVENT_UNKNOWN",
        "PLAN_NOT_COVERED",
    }
    assert [issue.severity for issue in found] == ["error"] * 4 + ["warning"]


# --- V1 shape -----------------------------------------------------------------------------------------


def test_a_broken_shape_speaks_alone() -> None:
    raw = changed(lambda d: (d["steps"][0].update(actoin="x"), d["steps"][1].update(action="no")))
    result = checked(raw, not_covered=("more",))
    assert [i.code for i in result.issues] == ["PLAN_STRUCTURE_INVALID"]
    assert (result.document, result.ir, result.ir_hash, result.ok) == (None, None, "", False)


def test_an_unknown_key_is_renamed_to_the_one_that_was_meant() -> None:
    raw = changed(lambda d: d["steps"][0].update(tiemout_s=5))
    issue = only(raw)
    assert issue.path == "steps/0/tiemout_s"
    assert issue.message == "Step 1 has no field “tiemout_s”."
    assert issue.suggestion == "Did you mean “timeout_s”?"
    assert "timeout_s" in issue.available
    assert checked(mended(raw, issue)).ok


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        (lambda d: d.pop("plan_name"), "plan_name", "The plan needs “plan_name”."),
        (lambda d: d.update(steps=[]), "steps", "“steps” must not be empty."),
        (lambda d: d.update(steps={}), "steps", "“steps” must be a list."),
        (lambda d: d.update(schema_version=2), "schema_version", "“schema_version” must be 1."),
        (lambda d: d["steps"][0].pop("on"), "steps/0/on", "Step 1 needs “on”."),
        (
            lambda d: d["steps"][0].update(name="no name"),
            "steps/0/name",
            "“name” of step 1 may hold letters, digits, “_” and “-”",
        ),
        (
            lambda d: d["steps"][0].update(on=["a b"]),
            "steps/0/on/0",
            "“on.0” of step 1 may hold letters",
        ),
        (
            lambda d: d["steps"][0].update(retry={"max_attempts": 0}),
            "steps/0/retry/max_attempts",
            "“retry.max_attempts” of step 1 must be at least 1.",
        ),
        (
            lambda d: d["steps"][0].update(timeout_s="soon"),
            "steps/0/timeout_s",
            "“timeout_s” of step 1 must be a number.",
        ),
        (
            lambda d: d["events"][0].update(kind="at"),
            "events/0/timestamp",
            "Trigger 1 needs “timestamp”.",
        ),
        (lambda d: d["inputs"].update({"a b": {}}), "inputs/a b", "“inputs.a b” may hold letters"),
        (
            lambda d: d.update(plan_name="x" * 121),
            "plan_name",
            "“plan_name” must have at most 120 characters.",
        ),
    ],
)
def test_each_error_of_the_shape_says_what_and_where(change: Any, path: str, words: str) -> None:
    found = [issue for issue in issues(changed(change)) if issue.path == path]
    assert [issue.code for issue in found] == ["PLAN_STRUCTURE_INVALID"]
    assert found[0].message.startswith(words)


def test_a_choice_offers_the_nearest() -> None:
    issue = only(changed(lambda d: d["steps"][0].update(on_error="continu")))
    assert issue.available == ("fail", "continue", "route")
    assert issue.fix is not None
    assert issue.fix.value == "continue"


@pytest.mark.parametrize(
    ("trigger", "kind"),
    [
        ({"kind": "corn"}, "cron"),
        ({"schedule": "0 9 * * *"}, "cron"),
        ({"every_s": 60}, "interval"),
        ({"timestamp": "2030-01-01T00:00:00Z"}, "at"),
    ],
)
def test_a_trigger_without_a_kind_is_told_which(trigger: dict[str, Any], kind: str) -> None:
    issue = only(changed(lambda d: d.update(events=[{"name": "event.morning", **trigger}])))
    assert issue.path == "events/0/kind"
    assert issue.fix is not None
    assert issue.fix.value == kind


# --- V2 names -----------------------------------------------------------------------------------------


def test_a_name_taken_twice_is_an_error_and_has_no_ir() -> None:
    result = checked(plan(step("a"), step("a", "step.a")))
    assert ("PLAN_NAME_TAKEN", "steps/1/name") in [(i.code, i.path) for i in result.issues]
    assert (result.ir, result.ok) == (None, False)


@pytest.mark.parametrize("name", ["inputs", "event", "run", "item", "index", "step"])
def test_reserved_names_are_refused(name: str) -> None:
    assert ("PLAN_NAME_RESERVED", "steps/0/name") in codes(plan(step(name)))


def test_a_trigger_may_not_look_like_a_step() -> None:
    raw = plan(step("a", "step.b"), events=[{"name": "step.b", "kind": "manual"}])
    assert ("PLAN_NAME_RESERVED", "events/0/name") in codes(raw)
    raw = plan(step("go"))
    assert ("PLAN_NAME_TAKEN", "events/0/name") in codes(raw)
    raw = plan(step("a", emits=["step.b"]))
    assert ("PLAN_NAME_RESERVED", "steps/0/emits/0") in codes(raw)


def test_listening_to_a_bare_step_name_is_mended() -> None:
    raw = changed(lambda d: d["steps"][1].update(on=["fetch"]))
    issue = only(raw)
    assert (issue.code, issue.path) == ("PLAN_EVENT_UNKNOWN", "steps/1/on/0")
    assert "event.morning" in issue.available
    assert checked(mended(raw, issue)).ok


def test_listening_twice_to_one_name_is_a_warning() -> None:
    raw = changed(lambda d: d["steps"][1].update(on=["step.fetch", "step.fetch"]))
    issue = only(raw)
    assert (issue.code, issue.severity) == ("PLAN_NAME_REPEATED", "warning")
    assert checked(raw).ok
    assert issues(mended(raw, issue)) == ()


# --- V3 tools -----------------------------------------------------------------------------------------


def test_an_unknown_tool_offers_the_nearest_real_ones() -> None:
    raw = changed(lambda d: d["steps"][0].update(action="feeds.read"))
    issue = only(raw)
    assert (issue.code, issue.path) == ("PLAN_TOOL_UNKNOWN", "steps/0/action")
    assert issue.available[0] == "feed.read"
    assert checked(mended(raw, issue)).ok


def test_an_unlike_name_finds_tools_by_their_words() -> None:
    issue = only(plan(step("a", action="gmail_send_email")))
    assert issue.available == ("email.send",)
    assert issue.fix is None


def test_a_missing_setting_is_said_before_approval_once() -> None:
    catalogue = Catalogue(EVERYTHING.tools, missing={"email.send": ("smtp_host",)})
    args = {"to": "a@example.com", "subject": "s", "body": "b"}
    raw = plan(step("a", action="email.send", args=args), step("b", action="email.send", args=args))
    issue = only(raw, catalogue=catalogue)
    assert (issue.code, issue.path, issue.severity) == (
        "PLAN_SETTING_MISSING",
        "steps/0/action",
        "error",
    )
    assert "SMTP_HOST" in issue.suggestion
    assert not checked(raw, catalogue=catalogue).ok


def test_a_missing_argument_is_wired_from_the_only_step_that_makes_it() -> None:
    raw = plan(
        step("page", action="web.read", args={"url": "https://example.com"}),
        step("sum", "step.page", "text.summarize"),
    )
    issue = only(raw)
    assert (issue.code, issue.path) == ("PLAN_ARGUMENT_MISSING", "steps/1/args/text")
    assert issue.fix is not None
    assert issue.fix.value == {"text": "${page.text}"}
    assert checked(mended(raw, issue)).ok
    raw["steps"][1]["args"] = {"style": "short"}
    assert issues(mended(raw, only(raw))) == ()


def test_a_missing_argument_is_wired_from_the_plans_input() -> None:
    raw = changed(lambda d: d["steps"][2]["args"].pop("to"))
    issue = only(raw)
    assert issue.fix is not None
    assert issue.fix.value == "${inputs.to}"
    assert issues(mended(raw, issue)) == ()


def test_a_missing_argument_is_not_wired_from_another_kind_of_value() -> None:
    links = tool("link.check", {"links": {"type": "string"}}, {}, "links")
    raw = plan(
        step("page", action="web.read", args={"url": "https://example.com"}),
        step("check", "step.page", "link.check"),
    )
    issue = only(raw, catalogue=Catalogue({**EVERYTHING.tools, links.id: links}))
    assert (issue.code, issue.fix, issue.available) == ("PLAN_ARGUMENT_MISSING", None, ())


def test_a_missing_argument_that_two_steps_make_is_not_guessed() -> None:
    raw = plan(
        step("one", action="web.read", args={"url": "u"}),
        step("two", action="web.read", args={"url": "u"}),
        step("sum", ["step.one", "step.two"], "text.summarize"),
    )
    issue = only(raw)
    assert issue.fix is None
    assert issue.available == ("${one.text}", "${two.text}")


def test_a_tool_without_arguments_takes_none() -> None:
    spec = tool("test.bare", {}, {})
    raw = plan(step("a", action="test.bare", args={"x": 1}))
    assert codes(raw, catalogue=Catalogue({spec.id: spec})) == [
        ("PLAN_ARGUMENT_UNKNOWN", "steps/0/args/x")
    ]


def test_an_unknown_argument_is_renamed() -> None:
    raw = changed(lambda d: d["steps"][2]["args"].update(tag=["x"]))
    issue = only(raw)
    assert (issue.code, issue.path) == ("PLAN_ARGUMENT_UNKNOWN", "steps/2/args/tag")
    assert issue.suggestion == "Did you mean “tags”?"
    assert checked(mended(raw, issue)).ok


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("to", "nobody", "“to” is not an e-mail address."),
        ("priority", 1.5, "“priority” must be a whole number."),
        ("tags", ["a", 1], "“tags/1” must be text."),
        ("tags", {"a": "${fetch.title}"}, "“tags” must be a list."),
    ],
)
def test_a_literal_that_does_not_fit_is_named(name: str, value: Any, words: str) -> None:
    issue = only(changed(lambda d: d["steps"][2]["args"].update({name: value})))
    assert (issue.code, issue.message) == ("PLAN_ARGUMENT_INVALID", words)
    assert issue.path == "steps/2/args/" + words.split("”")[0].strip("“")


@pytest.mark.parametrize(
    ("name", "value", "meant"), [("priority", "5", 5), ("urgent", "True", True)]
)
def test_a_number_typed_as_text_is_mended(name: str, value: str, meant: Any) -> None:
    raw = changed(lambda d: d["steps"][2]["args"].update({name: value}))
    issue = only(raw)
    assert issue.fix is not None
    assert issue.fix.value is meant or issue.fix.value == meant
    assert checked(mended(raw, issue)).ok


def test_limits_and_choices_of_a_tool_are_told() -> None:
    issue = only(changed(lambda d: d["steps"][0]["args"].update(limit=500)))
    assert issue.message == "“limit” must be at most 100."
    issue = only(changed(lambda d: d["steps"][1]["args"].update(style="tiny")))
    assert issue.available == ("short", "long")


def test_what_a_reference_brings_is_not_judged_as_a_literal() -> None:
    def refer(raw: Any) -> None:
        raw["steps"][2]["args"].update(to="${inputs.to}", priority="${fetch.count}")
        raw["steps"][1]["args"].update(options={"tags": ["a", "${fetch.title}"]})

    assert issues(changed(refer)) == ()


ANY_OF = tool(
    "test.any",
    {
        "to": {
            "anyOf": [
                {"type": "string", "format": "email", "minLength": 3},
                {"type": "array", "items": {"type": "string", "format": "email"}, "minItems": 1},
                {"type": "null"},
            ]
        }
    },
    {},
)


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ("nobody", "to", "“to” is not an e-mail address."),
        (["a@example.com", "b"], "to/1", "“to/1” is not an e-mail address."),
        ([], "to", "“to” must not be empty."),
        ("", "to", "“to” must not be empty."),
        ("a", "to", "“to” must have at least 3 characters."),
        (5, "to", "“to” must be text or a list or nothing."),
        ("a@example.com", None, ""),
        (["${inputs.a}", "b"], None, ""),
    ],
)
def test_of_several_shapes_the_nearest_is_explained(
    value: Any, path: str | None, words: str
) -> None:
    raw = plan(step("a", action="test.any", args={"to": value}), inputs={"a": {}})
    found = issues(raw, catalogue=Catalogue({ANY_OF.id: ANY_OF}))
    expected = [(f"steps/0/args/{path}", words)] if path else []
    assert [(issue.path, issue.message) for issue in found] == expected


def test_a_tool_with_a_broken_contract_is_an_issue() -> None:
    broken = TOOLS[0].model_copy(update={"inputs": {"type": "nonsense"}})
    raw = plan(step("a", action="feed.read", args={"url": "u"}))
    assert codes(raw, catalogue=Catalogue({broken.id: broken})) == [
        ("PLAN_METADATA_ERROR", "steps/0/action")
    ]


# --- V5 triggers --------------------------------------------------------------------------------------


def with_trigger(**trigger: Any) -> dict[str, Any]:
    return changed(lambda d: d.update(events=[{"name": "event.morning", **trigger}]))


@pytest.mark.parametrize(
    "schedule",
    ["0 9 * *", "0 9 * * * *", "99 * * * *", "R * * * *", "0 9 30 2 *", "0 9 * * 1#6", ""],
)
def test_crons_that_are_none_or_never_fire_are_refused(schedule: str) -> None:
    found = codes(with_trigger(kind="cron", schedule=schedule))
    assert found == [("PLAN_CRON_INVALID", "events/0/schedule")]


def test_each_of_several_schedules_is_checked() -> None:
    found = codes(with_trigger(kind="cron", schedules=["0 9 * * *", "x", "0 9 31 6 *"]))
    assert found == [
        ("PLAN_CRON_INVALID", "events/0/schedules/1"),
        ("PLAN_CRON_INVALID", "events/0/schedules/2"),
    ]


def test_a_cron_alias_is_mended() -> None:
    raw = with_trigger(kind="cron", schedule="@daily")
    assert checked(mended(raw, only(raw))).ok


def test_an_unknown_zone_offers_the_nearest() -> None:
    raw = with_trigger(kind="cron", schedule="0 9 * * *", timezone="Paris")
    issue = only(raw)
    assert (issue.code, issue.path) == ("PLAN_ZONE_UNKNOWN", "events/0/timezone")
    assert checked(mended(raw, issue)).ok


@pytest.mark.parametrize("zone", ["../etc/passwd", "/etc/passwd", "Europe", "\x00", "utc\n"])
def test_a_hostile_zone_is_an_issue(zone: str) -> None:
    found = codes(with_trigger(kind="cron", schedule="0 9 * * *", timezone=zone))
    assert found == [("PLAN_ZONE_UNKNOWN", "events/0/timezone")]


@pytest.mark.parametrize(
    ("timestamp", "zone", "past"),
    [
        ("2026-11-21T10:11:00Z", None, True),
        ("2026-11-21T10:13:00Z", None, False),
        ("2026-11-21T11:11:00", None, True),
        ("2026-11-21T11:13:00", None, False),
        ("2026-11-21T05:13:00", "America/New_York", False),
    ],
)
def test_a_moment_in_the_past_is_refused(timestamp: str, zone: str | None, past: bool) -> None:
    found = codes(
        with_trigger(kind="at", timestamp=timestamp, timezone=zone), timezone="Europe/Paris"
    )
    assert found == ([("PLAN_TIME_PAST", "events/0/timestamp")] if past else [])


def test_a_moment_beyond_the_calendar_is_an_issue() -> None:
    for timestamp in (
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        "2500-01-01T00:00:00Z",
    ):
        assert codes(with_trigger(kind="at", timestamp=timestamp))[0][0] in (
            "PLAN_TIME_TOO_FAR",
            "PLAN_TIME_PAST",
        )


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("due.day == due.last_workday", None),
        ("due.weekday < 5 and due.day > 7", None),
        ("due.last_workday", "PLAN_EXPRESSION_INVALID"),
        ("due.decade == 2027", "PLAN_EXPRESSION_INVALID"),
        ("due.day ==", "PLAN_EXPRESSION_INVALID"),
        ("today == 1", "PLAN_REFERENCE_UNKNOWN"),
        ("due.month == 13", "PLAN_CRON_INVALID"),
    ],
)
def test_a_condition_on_the_due_date_must_hold_some_day(condition: str, code: str | None) -> None:
    found = codes(with_trigger(kind="cron", schedule="0 9 * * *", only_if=condition))
    assert found == ([(code, "events/0/only_if")] if code else [])


def test_a_filter_sees_the_event_alone() -> None:
    assert codes(with_trigger(kind="event", type="email.*", filter="event.to == 'x'")) == []
    assert codes(with_trigger(kind="webhook", filter="fetch.x")) == [
        ("PLAN_REFERENCE_UNKNOWN", "events/0/filter")
    ]
    assert codes(with_trigger(kind="event", type="a", filter="__import__('os')")) == [
        ("PLAN_EXPRESSION_INVALID", "events/0/filter")
    ]


# --- V7 actions ---------------------------------------------------------------------------------------


def watching(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return plan(step("watch", action="page.watch", args={"url": "u"}, **fields), *steps)


def test_an_action_the_tool_does_not_have_is_an_error() -> None:
    raw = watching(step("a", ["step.watch.chnged", "step.watch"]))
    issue = only(raw)
    assert (issue.code, issue.path) == ("PLAN_ACTION_UNDEFINED", "steps/1/on/0")
    assert "step.watch.changed" in issue.available
    assert issue.fix is not None
    assert issue.fix.value == "step.watch.changed"
    assert issues(mended(raw, issue)) == ()


def test_an_action_nobody_handles_is_a_warning_unless_there_is_a_default() -> None:
    issue = only(watching(step("a", "step.watch.changed")))
    assert (issue.code, issue.severity) == ("PLAN_ACTION_UNHANDLED", "warning")
    assert issue.available == ("same",)
    assert issues(watching(step("a", "step.watch.changed"), step("b", "step.watch"))) == ()
    assert issues(watching()) == ()


def test_errors_that_are_routed_need_a_listener() -> None:
    raw = watching(on_error="route")
    assert codes(raw) == [("PLAN_ERROR_UNHANDLED", "steps/0/on_error")]
    assert issues(watching(step("a", "step.watch.error"), on_error="route")) == ()


def test_a_listener_to_errors_needs_them_announced() -> None:
    raw = watching(step("a", "step.watch.error"))
    issue = only(raw)
    assert (issue.code, issue.path) == ("PLAN_ERROR_UNANNOUNCED", "steps/0/on_error")
    assert issues(mended(raw, issue)) == ()


# --- V10 coverage -------------------------------------------------------------------------------------


def test_what_is_not_covered_is_a_warning() -> None:
    issue = only(DIGEST, not_covered=("if it rains",))
    assert (issue.code, issue.severity) == ("PLAN_NOT_COVERED", "warning")
    assert "if it rains" in issue.message
    assert checked(DIGEST, not_covered=("if it rains",)).ok


# --- codes --------------------------------------------------------------------------------------------


def codes_in(*paths: Path) -> set[str]:
    return {
        code
        for path in paths
        for file in (path.rglob("*.py") if path.is_dir() else [path])
        for code in re.findall(r'"((?:PLAN|EXEC|COMPILE)_[A-Z_]+)"', file.read_text())
    }


def test_every_code_is_in_the_table_of_codes() -> None:
    table = (ROOT / "docs" / "reference" / "issue-codes.md").read_text()
    documented = re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)
    assert sorted(set(documented)) == sorted(documented)
    backend = ROOT / "backend"
    assert codes_in(backend / "plans", backend / "expressions.py") <= set(documented)
    assert set(documented) <= codes_in(backend, ROOT / "agents", ROOT / "chat_app")


def test_the_catalogue_of_these_tests_is_sound() -> None:
    assert set(CATALOGUE.tools) == {spec.id for spec in TOOLS}


@pytest.mark.parametrize(
    ("to", "codes"),
    [
        ("a@x.org ${event.date}", ["PLAN_ARGUMENT_INVALID"]),
        ("${event.date} a@x.org", ["PLAN_ARGUMENT_INVALID"]),
        ("${event.one}${event.two}", ["PLAN_ARGUMENT_INVALID"]),
        ("${event.who}", []),
        ("${event.who}@x.org", []),
    ],
)
def test_a_recipient_is_one_address_or_one_reference(to: str, codes: list[str]) -> None:
    sent = step("s", "go", "email.send", args={"to": to, "subject": "x", "body": "y"})
    found = [issue for issue in issues(plan(sent)) if issue.severity == "error"]
    assert [(issue.code, issue.path, issue.fix) for issue in found] == [
        (code, "steps/0/args/to", None) for code in codes
    ]
