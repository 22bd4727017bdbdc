"""Whatever is handed in, validation answers with issues, and soon."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.contracts.plans import PlanDocument
from backend.plans.validation import MAX_ISSUES as MAX_LISTED
from backend.plans.validation.shape import MAX_ISSUES
from tests.plans.documents import raw_documents, unhurried
from tests.plans.toolbox import DIGEST, changed, checked, codes, issues, only, plan, step

ANY_TEXT = st.text(st.characters(codec=None), max_size=20)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=15,
)
KEYS = ["plan_name", "steps", "events", "inputs", "name", "on", "action", "args", "kind", "retry"]
PLANLIKE = st.recursive(
    ANY_JSON | st.sampled_from(["go", "cron", "step.a", "${a.b}", "acyclic"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=25,
)


@unhurried
@given(ANY_JSON | PLANLIKE)
def test_any_json_is_answered_with_issues(raw: Any) -> None:
    result = checked(raw)
    assert result.issues or result.ok
    json.dumps([issue.model_dump() for issue in result.issues], allow_nan=False).encode()


@unhurried
@given(raw_documents())
def test_any_document_of_the_right_shape_is_answered_with_issues(raw: dict[str, Any]) -> None:
    result = checked(raw)
    assert result.ir is not None
    assert all(issue.code.startswith("PLAN_") and issue.message for issue in result.issues)
    assert checked(raw) == result


@unhurried
@given(raw_documents(), st.lists(st.integers(0, 2**16), max_size=3), PLANLIKE)
def test_a_document_with_something_put_anywhere_is_answered(
    raw: dict[str, Any], way: list[int], value: Any
) -> None:
    holder: Any = raw
    for turn in way:
        inner = list(holder.values()) if isinstance(holder, dict) else holder
        deeper = [item for item in inner if isinstance(item, (dict, list)) and item]
        if deeper:
            holder = deeper[turn % len(deeper)]
    if isinstance(holder, dict):
        holder[sorted(holder)[0]] = value
    else:
        holder[0] = value
    checked(raw)


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [40, 5_000, 100_000])
def test_a_deeply_nested_plan_is_too_large(depth: int) -> None:
    assert only(changed(lambda d: d["steps"][0]["args"].update(url=nested(depth)))).code == (
        "PLAN_TOO_LARGE"
    )
    assert only(nested(depth)).code == "PLAN_TOO_LARGE"


def test_a_plan_that_holds_itself_is_too_large() -> None:
    raw = changed(lambda d: None)
    raw["steps"][0]["args"]["url"] = raw
    assert only(raw).code == "PLAN_TOO_LARGE"


def test_ten_megabytes_are_too_large_however_they_are_spread() -> None:
    spreads: list[Any] = [
        "x" * 10_000_000,
        {"x" * 10_000_000: 1},
        ["x"] * 10_000_000,
        [["x"] * 1_000] * 10_000,
        {str(key): None for key in range(1_000_000)},
    ]
    for value in spreads:
        raw = changed(lambda d, value=value: d["steps"][0]["args"].update(url=value))
        assert only(raw).code == "PLAN_TOO_LARGE"


@pytest.mark.parametrize(
    "value", ["\ud800", 2**53, -(2**53), float("nan"), float("-inf"), {1: 2}, {"\udfff": 1}, b"x"]
)
def test_a_value_json_cannot_carry_is_named(value: Any) -> None:
    issue = only(changed(lambda d: d["steps"][2]["args"].update(body=[value])))
    assert issue.code == "PLAN_VALUE_UNREPRESENTABLE"
    assert issue.path.startswith("steps/2/args/body/0")


@pytest.mark.parametrize("raw", [None, 1, "{}", [], [DIGEST], True, 1.5, b"{}", object()])
def test_what_is_no_object_is_no_plan(raw: Any) -> None:
    assert not checked(raw).ok
    assert len(issues(raw)) == 1


def test_very_many_errors_are_cut_short() -> None:
    raw = plan(*({"wrong": index} for index in range(1_000)))
    found = issues(raw)
    assert len(found) == MAX_ISSUES + 1
    assert "more errors" in found[-1].message


def test_a_tangle_of_connections_is_too_large() -> None:
    emits = [f"e{index}" for index in range(20)]
    raw = plan(*(step(f"s{index}", ["go", *emits], emits=emits) for index in range(200)))
    assert only(raw).code == "PLAN_TOO_LARGE"


def test_very_many_references_are_too_large() -> None:
    raw = plan(step("a", args={"x": "${a.b}" * 20_001}))
    assert only(raw).code == "PLAN_TOO_LARGE"


def test_more_steps_than_a_plan_may_have_are_refused() -> None:
    raw = plan(*(step(f"s{index}") for index in range(2_001)))
    assert codes(raw) == [("PLAN_STRUCTURE_INVALID", "steps")]


def test_a_document_already_read_is_checked_as_well() -> None:
    document = PlanDocument.model_validate(DIGEST)
    assert checked(document).ir_hash == checked(DIGEST).ir_hash
    hidden = document.steps[0].model_copy(update={"args": {"url": float("nan")}})
    spoilt = document.model_copy(update={"steps": [hidden, *document.steps[1:]]})
    assert only(spoilt).code == "PLAN_VALUE_UNREPRESENTABLE"


def test_a_slash_in_an_argument_is_kept_apart_in_the_path() -> None:
    raw = changed(lambda d: d["steps"][0]["args"].update({"a/b": 1}))
    assert only(raw).path == "steps/0/args/a~1b"


# --- a thousand steps ---------------------------------------------------------------------------------


def big(kind: str, size: int = 1_000) -> dict[str, Any]:
    names = [f"s{index}" for index in range(size)]
    match kind:
        case "chain":
            steps = [
                step(name, f"step.{names[i - 1]}" if i else "go", args={"x": f"${{{names[0]}.x}}"})
                for i, name in enumerate(names)
            ]
            steps[0]["args"] = {}
        case "fan":
            middle = [step(name, "step.s0") for name in names[1:-1]]
            every = {name: f"${{{name}.x}}" for name in names[1:-1]}
            last = step(names[-1], "step.s0", args=every)
            last["on"] = [f"step.{name}" for name in names[1:200]]
            last["args"] = {name: every[name] for name in names[1:200]}
            steps = [step("s0"), *middle, last]
        case "guards":
            steps = [
                step(name, f"step.{names[i - 1]}" if i else "go", guard=f"{i} >= 0")
                for i, name in enumerate(names)
            ]
        case _:
            steps = [step(name, f"step.{names[i - 1]}") for i, name in enumerate(names)]
            steps[0]["on"] = ["go", f"step.{names[-1]}"]
            steps[0]["guard"] = "event.again"
    return plan(*steps, graph_type="reactive" if kind == "loop" else "acyclic")


@pytest.mark.parametrize("kind", ["chain", "fan", "guards", "loop"])
def test_a_thousand_steps_are_no_problem(kind: str) -> None:
    assert issues(big(kind)) == ()


def test_a_thousand_steps_that_are_all_wrong_are_answered() -> None:
    def spoil(raw: Any) -> None:
        for index, each in enumerate(raw["steps"]):
            each.update(action=f"unknown.tool{index}", on=[f"step.nobody{index}"])
            each["args"] = {"x": f"${{nowhere{index}.x}}"}

    found = issues(changed(spoil, big("chain")))
    assert len(found) == MAX_LISTED + 1
    assert found[-1].message == f"There are {3_000 - MAX_LISTED:,} more issues."
