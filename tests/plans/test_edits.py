"""Edits made in the card: values, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.contracts.errors import Invalid
from backend.contracts.plans import PlanDocument
from backend.plans.edits import edit
from backend.plans.ir import compile_document, structure_hash
from tests.plans.documents import VALUES, unhurried
from tests.plans.toolbox import DIGEST, EVERYTHING, changed, document

PLAN = document(DIGEST)


def edited(edits: dict[str, Any], plan: PlanDocument = PLAN) -> PlanDocument:
    return edit(plan, edits, EVERYTHING)


def refusal(edits: dict[str, Any], plan: PlanDocument = PLAN) -> Invalid:
    with pytest.raises(Invalid) as caught:
        edited(edits, plan)
    assert caught.value.code == "PLAN_EDIT_REFUSED"
    return caught.value


def test_several_edits_make_one_new_document() -> None:
    new = edited(
        {
            "steps/2/args/subject": "News",
            "events/0/schedule": "0 8 * * *",
            "inputs/to/default": "me@example.com",
            "plan_name": "news",
            "description": "",
        }
    )
    assert new.steps[2].args["subject"] == "News"
    assert new.model_dump()["events"][0]["schedule"] == "0 8 * * *"
    assert new.inputs["to"].default == "me@example.com"
    assert (new.plan_name, new.description) == ("news", "")
    assert document(DIGEST) == PLAN


def test_no_edits_change_nothing() -> None:
    assert edited({}) == PLAN


@pytest.mark.parametrize(
    ("name", "typed", "meant"),
    [
        ("priority", "5", 5),
        ("priority", 5, 5),
        ("priority", "-3", -3),
        ("priority", "five", "five"),
        ("urgent", "true", True),
        ("urgent", "False", False),
        ("tags", "a, b", ["a", "b"]),
        ("tags", "a\nb\n", ["a", "b"]),
        ("tags", '["a", "b, c"]', ["a", "b, c"]),
        ("body", "5", "5"),
        ("body", "", ""),
    ],
)
def test_what_is_typed_becomes_what_the_tool_wants(name: str, typed: Any, meant: Any) -> None:
    plan = document(changed(lambda d: d["steps"][2]["args"].update(body="literal")))
    value = edited({f"steps/2/args/{name}": typed}, plan).steps[2].args[name]
    assert (value, type(value)) == (meant, type(meant))


@pytest.mark.parametrize("nothing", ["", None])
def test_an_optional_field_is_cleared(nothing: Any) -> None:
    plan = document(changed(lambda d: d["steps"][0]["args"].update(limit=5)))
    assert "limit" not in edited({"steps/0/args/limit": nothing}, plan).steps[0].args
    assert edited({"events/0/timezone": nothing}).model_dump()["events"][0]["timezone"] is None


def test_a_place_inside_an_argument_is_edited() -> None:
    plan = document(changed(lambda d: d["steps"][2]["args"].update(tags=["a", "b"])))
    assert edited({"steps/2/args/tags/1": "c"}, plan).steps[2].args["tags"] == ["a", "c"]


def test_the_default_of_an_input_takes_its_type() -> None:
    plan = document(changed(lambda d: d["inputs"].update(count={"type": "integer"})))
    assert edited({"inputs/count/default": "3"}, plan).inputs["count"].default == 3


@pytest.mark.parametrize(
    "path",
    [
        "",
        "schema_version",
        "graph_type",
        "steps",
        "steps/0",
        "steps/0/name",
        "steps/0/action",
        "steps/0/on/0",
        "steps/0/guard",
        "steps/0/approval",
        "steps/0/args",
        "steps/0/args/nothing",
        "steps/0/args/url/deeper",
        "steps/3/args/url",
        "steps/-1/args/url",
        "steps/²/args/url",
        "steps/00000000000000000000/args/url",
        "steps/x/args/url",
        "events/0/name",
        "events/0/kind",
        "events/1/schedule",
        "events/0/schedules/0",
        "inputs/nobody/default",
        "inputs/to/type",
        "nonsense/0",
    ],
)
def test_everything_else_is_refused(path: str) -> None:
    error = refusal({path: "x"})
    assert error.issues[0].path == path
    assert error.issues[0].message


def test_an_argument_that_comes_from_a_step_is_not_typed_over() -> None:
    assert "${fetch.entries}" in refusal({"steps/1/args/text": "mine"}).message


def test_a_text_around_a_reference_can_be_edited() -> None:
    plan = document(
        changed(lambda d: d["steps"][2]["args"].update(subject="Today: ${fetch.title}"))
    )
    new = edited({"steps/2/args/subject": "News: ${fetch.title}"}, plan)
    assert new.steps[2].args["subject"] == "News: ${fetch.title}"


@pytest.mark.parametrize(
    ("edits", "path"),
    [
        ({"plan_name": ""}, "plan_name"),
        ({"plan_name": "x" * 200}, "plan_name"),
        ({"events/0/every_s": 60}, "events/0/every_s"),
        ({"events/0/schedule": 5}, "events/0/schedule"),
        ({"steps/2/args/subject": float("nan")}, "steps/2/args/subject"),
        ({"steps/2/args/subject": "\ud800"}, "steps/2/args/subject"),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_named(edits: dict[str, Any], path: str) -> None:
    assert refusal(edits).issues[0].path == path


@unhurried
@given(
    st.dictionaries(
        st.sampled_from(
            ["steps/2/args/subject", "steps/0/args/limit", "events/0/schedule", "plan_name", "x"]
        ),
        VALUES | st.floats() | st.text(st.characters(codec=None)),
        max_size=3,
    )
)
def test_an_edit_is_made_or_refused_and_never_changes_the_graph(edits: dict[str, Any]) -> None:
    try:
        new = edited(edits)
    except Invalid as error:
        assert error.code == "PLAN_EDIT_REFUSED"
        return
    assert [step.on for step in new.steps] == [step.on for step in PLAN.steps]
    before = changed(lambda d: d["steps"][0].update(args={}) or d["steps"][2].update(args={}))
    after = new.model_dump(mode="json")
    after["steps"][0]["args"] = after["steps"][2]["args"] = {}
    assert structure_hash(compile_document(document(after))) == structure_hash(
        compile_document(document(before))
    )


@pytest.mark.parametrize("value", ["required", True])
def test_a_step_is_made_to_ask_first(value: Any) -> None:
    assert edited({"steps/2/approval": value}).steps[2].approval == "required"


def test_the_asking_goes_only_when_it_is_taken_away_outright() -> None:
    asking = edited({"steps/2/approval": True})
    for value in (None, "", "no", 0, []):
        refusal({"steps/2/approval": value}, asking)
    assert edited({"steps/2/approval": False}, asking) == PLAN
    assert edited({"steps/2/args/subject": "News"}, asking).steps[2].approval == "required"
    refusal({"steps/9/approval": True})
    refusal({"steps/2/approval/x": True})
