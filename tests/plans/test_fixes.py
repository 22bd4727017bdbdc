"""A fix removes its issue and breaks nothing: for each kind of mistake, and for whatever comes along."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.contracts.errors import Issue
from backend.contracts.security import Verdict
from backend.plans import pointer
from backend.plans.validation import MAX_ISSUES
from backend.tools.builtin import builtin
from tests.plans.documents import raw_documents, unhurried
from tests.plans.toolbox import (
    DIGEST,
    EVERYTHING,
    TEXT,
    Catalogue,
    changed,
    checked,
    issues,
    plan,
    step,
    tool,
)

URL = {"url": "https://example.com"}
PAINT = tool(
    "image.paint",
    {
        "prompt": TEXT,
        "size": {"enum": ["small", "large", 7]},
        "count": {"type": ["integer", "null"]},
        "sharp": {"type": "boolean"},
        "tags": {"type": "array", "items": TEXT},
        "options": {"type": "object", "properties": {"seed": {"type": "integer"}}},
        "source": {"type": "string", "format": "uri"},
        "to": {"anyOf": [{"type": "string", "format": "email"}, {"type": "array", "items": TEXT}]},
        "title": {"type": "string", "minLength": 1},
    },
    {"picture": TEXT, "tags": {"type": "array", "items": TEXT}, "seed": {"type": "integer"}},
    "prompt",
    purity="pure",
)
TOOLS = Catalogue({**EVERYTHING.tools, PAINT.id: PAINT})


SHIPPED = Catalogue({tool.spec.id: tool.spec for tool in builtin()})


def put(raw: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    fresh = copy.deepcopy(raw)
    *upper, last = pointer.split(path)
    holder = pointer.follow(fresh, upper)
    if isinstance(holder, list):
        holder[int(last)] = value
    else:
        holder[last] = value
    return fresh


def fixed(raw: dict[str, Any], issue: Issue) -> dict[str, Any]:
    assert issue.fix is not None, issue
    json.dumps(issue.fix.value, allow_nan=False)
    assert issue.fix.label
    return put(raw, issue.fix.path, issue.fix.value)


def paint(on: str = "go", **args: Any) -> dict[str, Any]:
    return step("paint", on, "image.paint", args={"prompt": "a cat", **args})


def two(*, on: str | list[str] = "step.a", **fields: Any) -> dict[str, Any]:
    """A page that is read, and something done with it."""
    read = step("a", "go", "web.read", args=URL)
    return plan(read, step("b", on, **fields), inputs={"flag": {"type": "boolean"}, "who": {}})


def skippable(**fields: Any) -> dict[str, Any]:
    """The page may not be read; what follows starts all the same."""
    raw = two(on=["step.a", "go"], **fields)
    raw["steps"][0]["guard"] = "inputs.flag"
    return raw


def using(value: Any) -> dict[str, Any]:
    return {"args": {"value": value}}


# --- each mistake, and what it becomes ----------------------------------------------------------------

MISTAKES: list[tuple[dict[str, Any], str, str, Any]] = [
    # the shape
    (plan({**step("a"), "on": "go"}), "PLAN_STRUCTURE_INVALID", "steps/0/on", ["go"]),
    (plan(step("a", emits="said")), "PLAN_STRUCTURE_INVALID", "steps/0/emits", ["said"]),
    (plan(step("a", args=None)), "PLAN_STRUCTURE_INVALID", "steps/0/args", {}),
    (plan(step("a"), inputs=None), "PLAN_STRUCTURE_INVALID", "inputs", {}),
    (plan(step("a"), graph_type=None), "PLAN_STRUCTURE_INVALID", "graph_type", "acyclic"),
    (plan(step("a"), graph_type="acylcic"), "PLAN_STRUCTURE_INVALID", "graph_type", "acyclic"),
    (
        plan(step("a", retry={"max_attempts": None})),
        "PLAN_STRUCTURE_INVALID",
        "steps/0/retry/max_attempts",
        3,
    ),
    # names
    (two(on="a"), "PLAN_EVENT_UNKNOWN", "steps/1/on/0", "step.a"),
    (two(on="step.aa"), "PLAN_EVENT_UNKNOWN", "steps/1/on/0", "step.a"),
    (
        plan(step("a", "event.go"), events=[]),
        "PLAN_EVENT_UNKNOWN",
        "events",
        [{"name": "event.go", "kind": "manual"}],
    ),
    (
        plan(step("w", "go", "page.watch", args=URL), step("b", "step.ww.same")),
        "PLAN_EVENT_UNKNOWN",
        "steps/1/on/0",
        "step.w.same",
    ),
    # tools and arguments
    (two(action="web.raed", args=URL), "PLAN_TOOL_UNKNOWN", "steps/1/action", "web.read"),
    (two(action="web_read", args=URL), "PLAN_TOOL_UNKNOWN", "steps/1/action", "web.read"),
    (
        two(action="text.summarize", args={"style": "short"}),
        "PLAN_ARGUMENT_MISSING",
        "steps/1/args/text",
        "${a.text}",
    ),
    (two(action="text.summarize"), "PLAN_ARGUMENT_MISSING", "steps/1/args", {"text": "${a.text}"}),
    (
        plan(paint(sise="small", tag=["x"])),
        "PLAN_ARGUMENT_UNKNOWN",
        "steps/0/args",
        {"prompt": "a cat", "size": "small", "tags": ["x"]},
    ),
    # literals
    (plan(paint(count="3")), "PLAN_ARGUMENT_INVALID", "steps/0/args/count", 3),
    (plan(paint(sharp="True")), "PLAN_ARGUMENT_INVALID", "steps/0/args/sharp", True),
    (plan(paint(prompt=5)), "PLAN_ARGUMENT_INVALID", "steps/0/args/prompt", "5"),
    (plan(paint(tags="cat")), "PLAN_ARGUMENT_INVALID", "steps/0/args/tags", ["cat"]),
    (
        plan(paint(tags='["cat", "dog"]')),
        "PLAN_ARGUMENT_INVALID",
        "steps/0/args/tags",
        ["cat", "dog"],
    ),
    (
        plan(paint(options='{"seed": 1}')),
        "PLAN_ARGUMENT_INVALID",
        "steps/0/args/options",
        {"seed": 1},
    ),
    (plan(paint(options={"seed": "1"})), "PLAN_ARGUMENT_INVALID", "steps/0/args/options/seed", 1),
    (plan(paint(prompt=["a cat"])), "PLAN_ARGUMENT_INVALID", "steps/0/args/prompt", "a cat"),
    (plan(paint(size="Small")), "PLAN_ARGUMENT_INVALID", "steps/0/args/size", "small"),
    (plan(paint(size="lagre")), "PLAN_ARGUMENT_INVALID", "steps/0/args/size", "large"),
    (plan(paint(size="7")), "PLAN_ARGUMENT_INVALID", "steps/0/args/size", 7),
    (plan(paint(sharp=None)), "PLAN_ARGUMENT_INVALID", "steps/0/args", {"prompt": "a cat"}),
    (
        plan(paint(source="example.com/a")),
        "PLAN_ARGUMENT_INVALID",
        "steps/0/args/source",
        "https://example.com/a",
    ),
    (
        plan(paint(to="mailto:a@example.com")),
        "PLAN_ARGUMENT_INVALID",
        "steps/0/args/to",
        "a@example.com",
    ),
    (plan(paint(to=" a@example.com")), "PLAN_ARGUMENT_INVALID", "steps/0/args/to", "a@example.com"),
    (
        plan(paint(to="a@example.com, b@example.com")),
        "PLAN_ARGUMENT_INVALID",
        "steps/0/args/to",
        ["a@example.com", "b@example.com"],
    ),
    # references
    (
        two(**using("Look: ${a.txet}")),
        "PLAN_REFERENCE_UNKNOWN",
        "steps/1/args/value",
        "Look: ${a.text}",
    ),
    (two(**using("${steps.a.text}")), "PLAN_REFERENCE_UNKNOWN", "steps/1/args/value", "${a.text}"),
    (two(**using("${a.output.text}")), "PLAN_REFERENCE_UNKNOWN", "steps/1/args/value", "${a.text}"),
    (two(**using("${text}")), "PLAN_REFERENCE_UNKNOWN", "steps/1/args/value", "${a.text}"),
    (two(**using("${who}")), "PLAN_REFERENCE_UNKNOWN", "steps/1/args/value", "${inputs.who}"),
    (two(**using("${input.who}")), "PLAN_REFERENCE_UNKNOWN", "steps/1/args/value", "${inputs.who}"),
    (
        two(**using("${a.lnks[0] ?? 1}")),
        "PLAN_REFERENCE_UNKNOWN",
        "steps/1/args/value",
        "${a.links[0] ?? 1}",
    ),
    (
        two(**using("Hi {{ a.text }}!")),
        "PLAN_REFERENCE_INVALID",
        "steps/1/args/value",
        "Hi ${a.text}!",
    ),
    (two(**using(["{a.text}"])), "PLAN_REFERENCE_INVALID", "steps/1/args/value/0", "${a.text}"),
    (two(**using("${{ a.text }}")), "PLAN_REFERENCE_INVALID", "steps/1/args/value", "${a.text}"),
    (
        two(**using("${a.text ?? ''}")),
        "PLAN_REFERENCE_INVALID",
        "steps/1/args/value",
        '${a.text ?? ""}',
    ),
    (
        skippable(**using("${a.text}")),
        "PLAN_REFERENCE_NEEDS_DEFAULT",
        "steps/1/args/value",
        '${a.text ?? ""}',
    ),
    (
        skippable(**using("${a.text}: ${a.status}")),
        "PLAN_REFERENCE_NEEDS_DEFAULT",
        "steps/1/args/value",
        '${a.text ?? ""}: ${a.status ?? ""}',
    ),
    (
        skippable(action="image.paint", args={"prompt": "x", "tags": "${a.links}"}),
        "PLAN_REFERENCE_NEEDS_DEFAULT",
        "steps/1/args/tags",
        "${a.links ?? []}",
    ),
    (
        skippable(action="image.paint", args={"prompt": "x", "count": "${a.status}"}),
        "PLAN_REFERENCE_NEEDS_DEFAULT",
        "steps/1/args/count",
        "${a.status ?? 0}",
    ),
    (
        skippable(for_each="${a.links}"),
        "PLAN_REFERENCE_NEEDS_DEFAULT",
        "steps/1/for_each",
        "${a.links ?? []}",
    ),
    (
        skippable(guard="a.status == 200"),
        "PLAN_REFERENCE_NEEDS_DEFAULT",
        "steps/1/guard",
        "default(a.status, 0) == 200",
    ),
    (
        skippable(guard="a.status != 200"),
        "PLAN_REFERENCE_NEEDS_DEFAULT",
        "steps/1/guard",
        "default(a.status, 200) != 200",
    ),
    (
        skippable(guard="len(a.links) > 0"),
        "PLAN_REFERENCE_NEEDS_DEFAULT",
        "steps/1/guard",
        "len(default(a.links, [])) > 0",
    ),
    (two(on="go", **using("${a.text}")), "PLAN_REFERENCE_NOT_BEFORE", "steps/1/on", ["step.a"]),
    (two(on="go", guard="a.status == 200"), "PLAN_REFERENCE_NOT_BEFORE", "steps/1/on", ["step.a"]),
    # guards
    (two(guard="a.statos == 200"), "PLAN_REFERENCE_UNKNOWN", "steps/1/guard", "a.status == 200"),
    (
        two(guard="steps.a.status == 200"),
        "PLAN_REFERENCE_UNKNOWN",
        "steps/1/guard",
        "a.status == 200",
    ),
    (two(guard="flag"), "PLAN_REFERENCE_UNKNOWN", "steps/1/guard", "inputs.flag"),
    (
        two(guard="${a.status} === 200 && !inputs.flag"),
        "PLAN_EXPRESSION_INVALID",
        "steps/1/guard",
        "a.status == 200 and not inputs.flag",
    ),
    (two(guard="a.status = 200"), "PLAN_EXPRESSION_INVALID", "steps/1/guard", "a.status == 200"),
    # kinds
    (
        two(action="text.summarize", args={"text": "${a.status}"}),
        "PLAN_INTERFACE_MISMATCH",
        "steps/1/args/text",
        "${a.text}",
    ),
    (
        two(action="image.paint", args={"prompt": "${a}"}),
        "PLAN_INTERFACE_MISMATCH",
        "steps/1/args/prompt",
        "${a.text}",
    ),
    (
        two(action="image.paint", args={"prompt": "x", "tags": "${a.text}"}),
        "PLAN_INTERFACE_MISMATCH",
        "steps/1/args/tags",
        ["${a.text}"],
    ),
    (two(for_each="${a}"), "PLAN_INTERFACE_MISMATCH", "steps/1/for_each", "${a.links}"),
    (two(for_each="a.links"), "PLAN_FOR_EACH_INVALID", "steps/1/for_each", "${a.links}"),
    (two(for_each="{{a.links}}"), "PLAN_FOR_EACH_INVALID", "steps/1/for_each", "${a.links}"),
    (two(max_parallel=2), "PLAN_FOR_EACH_INVALID", "steps/1/max_parallel", None),
    # inputs
    (
        plan(step("a"), inputs={"n": {"type": "integer", "default": "5"}}),
        "PLAN_INPUT_INVALID",
        "inputs/n/default",
        5,
    ),
    (
        plan(step("a"), inputs={"n": {"type": "array", "default": "x"}}),
        "PLAN_INPUT_INVALID",
        "inputs/n/default",
        ["x"],
    ),
    (
        plan(step("a"), inputs={"n": {"enum": ["Red", "Blue"], "default": "red"}}),
        "PLAN_INPUT_INVALID",
        "inputs/n/default",
        "Red",
    ),
    (
        plan(step("a"), inputs={"n": {"format": "uri", "default": "example.com"}}),
        "PLAN_INPUT_INVALID",
        "inputs/n/default",
        "https://example.com",
    ),
    # actions and errors
    (plan(step("a"), step("b", "step.a.done")), "PLAN_ACTION_UNDEFINED", "steps/1/on/0", "step.a"),
    (
        plan(step("a", on_error="continue"), step("b", "step.a.failed")),
        "PLAN_ACTION_UNDEFINED",
        "steps/1/on/0",
        "step.a.error",
    ),
    (
        plan(
            step("w", "go", "page.watch", args=URL),
            step("b", "step.w.change"),
            step("c", "step.w.same"),
        ),
        "PLAN_ACTION_UNDEFINED",
        "steps/1/on/0",
        "step.w.changed",
    ),
    (
        plan(step("a"), step("b", "step.a.error")),
        "PLAN_ERROR_UNANNOUNCED",
        "steps/0/on_error",
        "route",
    ),
    (plan(step("a", on_error="route")), "PLAN_ERROR_UNHANDLED", "steps/0/on_error", "fail"),
    # the graph
    (
        plan(
            step("a", ["go", "step.b"], join="all"),
            step("b", "step.a", guard="event.x"),
            graph_type="reactive",
        ),
        "PLAN_DEADLOCK",
        "steps/0/join",
        "any",
    ),
    (
        plan(step("a", ["go", "step.b"]), step("b", "step.a", guard="event.again")),
        "PLAN_CYCLE",
        "graph_type",
        "reactive",
    ),
]


@pytest.mark.parametrize(("raw", "code", "path", "value"), MISTAKES)
def test_each_mistake_is_mended_as_it_was_meant(
    raw: dict[str, Any], code: str, path: str, value: Any
) -> None:
    issue = next(issue for issue in issues(raw, catalogue=TOOLS) if issue.code == code)
    assert issue.fix is not None
    assert (issue.fix.path, issue.fix.value) == (path, value)
    assert checked(fixed(raw, issue), catalogue=TOOLS).ok


CRONS = {
    "0 0 9 * * *": "0 9 * * *",
    "0 30 8 ? * MON-FRI": "30 8 * * MON-FRI",
    "0 9 ? * MON *": "0 9 * * MON",
    "0 0 12 1 * ? *": "0 12 1 * *",
    "0 0 9 * * 1-5": "0 9 * * 1-5",
    "0 9 * * ?": "0 9 * * *",
    "@daily": "0 0 * * *",
}
UNSURE_CRONS = ["0 0 9 ? * 2-6", "15 0 9 * * *", "0 9 * *", "* * * * * *", "0 0 9 * * 8", "soon"]


@pytest.mark.parametrize(("schedule", "meant"), CRONS.items())
def test_another_dialect_of_cron_is_read(schedule: str, meant: str) -> None:
    raw = changed(lambda d: d["events"][0].update(schedule=schedule))
    (issue,) = issues(raw)
    assert issue.fix is not None
    assert issue.fix.value == meant
    assert checked(fixed(raw, issue)).ok


@pytest.mark.parametrize("schedule", UNSURE_CRONS)
def test_a_cron_that_may_mean_two_things_is_left_to_the_person(schedule: str) -> None:
    raw = changed(lambda d: d["events"][0].update(schedule=schedule))
    assert [issue.fix for issue in issues(raw)] == [None]


@pytest.mark.parametrize(
    ("trigger", "value"),
    [
        (
            {"kind": "cron", "schedule": "0 9 * * *", "only_if": "day == last_workday"},
            "due.day == due.last_workday",
        ),
        (
            {"kind": "event", "type": "email.received", "filter": "len(subject) > 3"},
            "len(event.subject) > 3",
        ),
        (
            {"kind": "webhook", "filter": "event.state == 'open' && event.n > 1"},
            "event.state == 'open' and event.n > 1",
        ),
        ({"kind": "cron", "schedule": "0 9 * * *", "only_if": "today == 1"}, None),
    ],
)
def test_a_condition_without_its_root_gets_it(trigger: dict[str, Any], value: str | None) -> None:
    raw = plan(step("a"), events=[{"name": "go", **trigger}])
    (issue,) = issues(raw)
    if value is None:
        assert issue.fix is None
        return
    assert issue.fix is not None
    assert issue.fix.value == value
    assert checked(fixed(raw, issue)).ok


def test_a_tool_of_a_like_name_that_does_something_else_is_not_put_in() -> None:
    (issue,) = issues(plan(step("a", "go", "email.read", args={})))
    assert issue.code == "PLAN_TOOL_UNKNOWN"
    assert "email.send" in issue.available
    assert issue.fix is None


def test_an_ending_that_may_mean_anything_is_left_to_the_person() -> None:
    watch = step("w", "go", "page.watch", args=URL)
    for ending in ("updated", "done", "success"):
        found = issues(plan(watch, step("b", f"step.w.{ending}")))
        assert [i.fix for i in found if i.code == "PLAN_ACTION_UNDEFINED"] == [None]


def test_two_steps_that_use_each_other_are_not_made_to_wait_for_each_other() -> None:
    raw = two(on="go", **using("${a.text}"))
    raw["steps"][0]["args"] = {"url": "${b.x}"}
    fixes = [issue.fix.path for issue in issues(raw, catalogue=TOOLS) if issue.fix]
    for issue in issues(raw, catalogue=TOOLS):
        if issue.fix is not None:
            after = issues(fixed(raw, issue), catalogue=TOOLS)
            assert "PLAN_CYCLE" not in {i.code for i in after}
    assert len(fixes) == 2


def test_a_loop_nothing_can_end_is_not_made_reactive() -> None:
    raw = plan(step("a", ["go", "step.b"]), step("b", "step.a"))
    assert [(i.code, i.fix) for i in issues(raw)] == [("PLAN_CYCLE", None)]


def test_a_default_that_the_argument_refuses_is_not_offered() -> None:
    raw = skippable(action="image.paint", args={"prompt": "x", "title": "${a.text}"})
    assert [(i.code, i.fix) for i in issues(raw, catalogue=TOOLS)] == [
        ("PLAN_REFERENCE_NEEDS_DEFAULT", None)
    ]


# --- whatever comes along -----------------------------------------------------------------------------


def key(issue: Issue) -> tuple[str, str, str]:
    return issue.code, issue.path, issue.message


@settings(unhurried, max_examples=300)
@given(raw_documents())
def test_every_fix_of_any_document_removes_its_issue(raw: dict[str, Any]) -> None:
    found = issues(raw)
    for issue in found:
        if issue.fix is not None:
            assert key(issue) not in map(key, issues(fixed(raw, issue)))


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A good plan with one or several of its texts damaged."""
    raw = copy.deepcopy(draw(st.sampled_from([DIGEST, TABLE, LOOP])))
    for _ in range(draw(st.integers(1, 3))):
        places = list(texts(raw, ()))
        place, text = draw(st.sampled_from(places))
        at = draw(st.integers(0, max(0, len(text) - 1)))
        damage = draw(st.sampled_from(["drop", "double", "swap", "upper", "quote", "list", "none"]))
        raw = put(raw, pointer.join(*place), damaged(text, at, damage))
    return raw


def damaged(text: str, at: int, damage: str) -> Any:
    match damage:
        case "drop":
            return text[:at] + text[at + 1 :]
        case "double":
            return text[:at] + text[at : at + 1] * 2 + text[at + 1 :]
        case "swap":
            return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        case "upper":
            return text.upper()
        case "quote":
            return text.replace("${", "{{").replace("}", "}}")
        case "list":
            return [text]
        case _:
            return None


def texts(value: Any, place: tuple[Any, ...]) -> Any:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from texts(item, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, (*place, index))


TABLE: dict[str, Any] = plan(
    step("feed", "go", "feed.read", args=URL),
    step(
        "pages", "step.feed", "web.read", args={"url": "${item.link}"}, for_each="${feed.entries}"
    ),
    step("short", "step.pages", "text.summarize", args={"text": "${pages.text}", "style": "short"}),
    step(
        "paint", "step.short", "image.paint", args={"prompt": "${short.summary}", "size": "small"}
    ),
    step(
        "keep",
        ["step.paint", "step.short"],
        "file.write",
        args={"path": "out.txt", "content": "${short.summary}"},
        guard="len(feed.entries) > 3",
    ),
)
LOOP: dict[str, Any] = plan(
    step("watch", ["go", "step.again"], "page.watch", args=URL),
    step("tell", "step.watch.changed", args={"text": "${watch.text}"}),
    step("again", "step.watch.same", args={}, guard="event.wanted"),
    graph_type="reactive",
)


@settings(unhurried, max_examples=400)
@given(spoilt())
def test_putting_in_every_fix_of_a_damaged_plan_ends_and_loses_no_ground(
    raw: dict[str, Any],
) -> None:
    """Each fix removes its issue; together they come to an end."""
    for _ in range(12):
        found = issues(raw, catalogue=TOOLS)
        assert len(found) < MAX_ISSUES
        mends = [issue for issue in found if issue.fix is not None and issue.severity == "error"]
        if not mends:
            return
        for issue in mends:
            assert key(issue) not in map(key, issues(fixed(raw, issue), catalogue=TOOLS))
        raw = fixed(raw, mends[0])
    raise AssertionError("There is always another fix.")


@pytest.mark.parametrize("good", [DIGEST, TABLE, LOOP])
def test_the_plans_to_be_damaged_are_good(good: dict[str, Any]) -> None:
    assert checked(good, catalogue=TOOLS).ok


def test_what_policy_asks_for_is_put_in() -> None:
    verdicts = {"feed.read": Verdict("ask", "network", "", "It leaves the house.")}
    catalogue = Catalogue(TOOLS.tools, verdicts=verdicts)
    (issue,) = issues(DIGEST, catalogue=catalogue)
    assert (issue.code, issue.path) == ("PLAN_APPROVAL_REQUIRED", "steps/0/approval")
    assert "It leaves the house." in issue.message
    assert issues(fixed(DIGEST, issue), catalogue=catalogue) == ()


@pytest.mark.parametrize(
    "args",
    [
        {"content": "${open.content}"},
        {"path": "${open}", "content": "x"},
        {"path": "${open.pth}", "content": "x"},
    ],
)
def test_no_fix_writes_over_the_file_that_was_read(args: dict[str, Any]) -> None:
    read = {"name": "open", "on": ["go"], "action": "file.read", "args": {"path": "notes.md"}}
    write = {"name": "save", "on": ["step.open"], "action": "file.write", "args": args}
    found = [
        i for i in issues(plan(read, write), catalogue=SHIPPED) if i.path.startswith("steps/1/args")
    ]
    assert [(issue.severity, issue.fix) for issue in found] == [("error", None)]
    assert "${open.path}" not in found[0].suggestion


def test_what_a_person_says_at_the_start_may_still_say_where() -> None:
    given = {"path": {"type": "string"}}
    write = {"name": "save", "on": ["go"], "action": "file.write", "args": {"content": "x"}}
    (issue,) = issues(plan(write, inputs=given), catalogue=SHIPPED)
    assert issue.fix is not None
    assert issue.fix.value == "${inputs.path}"
