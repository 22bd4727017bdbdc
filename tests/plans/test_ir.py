"""The document and its IR: nothing is lost, and the hash covers all a person approves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backend.contracts.errors import Invalid
from backend.contracts.plans import IR, Catalogue, ManualTrigger, PlanDocument
from backend.contracts.tools import ToolSpec
from backend.plans.ir import canonical, compile_document, ir_hash, structure_hash, to_document
from backend.plans.schemas import ir_schema, plan_schema
from tests.plans.documents import documents, unhurried
from tests.plans.toolbox import DIGEST, EVERYTHING, changed, document, plan, step

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def hash_of(raw: dict[str, Any]) -> str:
    return ir_hash(compile_document(document(raw)))


def structure_of(raw: dict[str, Any]) -> str:
    return structure_hash(compile_document(document(raw)))


@unhurried
@given(documents())
def test_a_document_survives_its_ir(original: PlanDocument) -> None:
    assert to_document(compile_document(original)) == original


@unhurried
@given(documents())
def test_an_ir_survives_its_document_and_its_json(original: PlanDocument) -> None:
    ir = compile_document(original)
    assert compile_document(to_document(ir)) == ir
    stored = IR.model_validate_json(ir.model_dump_json(by_alias=True))
    assert ir_hash(stored) == ir_hash(ir)


def test_names_become_edges() -> None:
    ir = compile_document(
        document(
            plan(
                step("a", emits=["ready"]),
                step("b", ["step.a", "ready"], emits=["ready"]),
                step("c", ["step.a.error", "step.b.changed", "ready"]),
            )
        )
    )
    edges = [(edge.source, edge.to, edge.action, edge.event) for edge in ir.edges]
    assert edges == [
        ("go", "a", None, None),
        ("a", "b", None, None),
        ("a", "b", None, "ready"),
        ("b", "b", None, "ready"),
        ("a", "c", "error", None),
        ("b", "c", "changed", None),
        ("a", "c", None, "ready"),
        ("b", "c", None, "ready"),
    ]


def test_only_what_goes_by_another_name_is_a_mapping() -> None:
    raw = plan(
        step("page", "go", "web.read", args={"url": "https://example.com"}),
        step("sum", "step.page", "text.summarize", args={"text": "${page.text}"}),
        step("mail", "step.sum", "email.send", args={"body": "${sum.summary}", "text": "x"}),
    )
    listed = [(m.source, m.output, m.to, m.param) for m in compile_document(document(raw)).mappings]
    assert listed == [("sum", "summary", "mail", "body")]
    listed = [(m.source, m.param) for m in compile_document(document(DIGEST)).mappings]
    assert listed == [("fetch", "text"), ("digest", "body")]


def test_a_mapping_alone_becomes_an_argument() -> None:
    ir = compile_document(document(DIGEST))
    bare = [node.model_copy(update={"params": {}}) for node in ir.nodes]
    restored = to_document(ir.model_copy(update={"nodes": bare}))
    assert restored.steps[1].args == {"text": "${fetch.entries}"}


def test_two_steps_of_one_name_do_not_compile() -> None:
    with pytest.raises(Invalid) as caught:
        compile_document(document(plan(step("a"), step("a"))))
    assert caught.value.code == "PLAN_NAME_TAKEN"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["steps"][2]["args"].update(to="x@example.com"),
        lambda d: d["steps"][2].update(approval="required"),
        lambda d: d["steps"][0].update(guard="inputs.to != ''"),
        lambda d: d["steps"][0].update(on_error="continue"),
        lambda d: d["steps"][0].update(retry={"max_attempts": 5}),
        lambda d: d["steps"][0].update(timeout_s=5),
        lambda d: d["events"][0].update(schedule="0 8 * * 1-5"),
        lambda d: d["events"][0].update(timezone="Europe/Berlin"),
        lambda d: d["inputs"]["to"].update(default="x@example.com"),
        lambda d: d.update(graph_type="reactive"),
        lambda d: d.update(max_iterations=5),
        lambda d: d["steps"].pop(),
    ],
)
def test_the_hash_covers_all_that_is_approved(change: Any) -> None:
    assert hash_of(changed(change)) != hash_of(DIGEST)


def test_words_do_not_change_the_hash() -> None:
    def reword(raw: Any) -> None:
        raw.update(plan_name="other", description="other", schema_version=1)
        raw["steps"][0]["description"] = "Read it"

    assert hash_of(changed(reword)) == hash_of(DIGEST)


def test_a_value_and_its_text_have_different_hashes() -> None:
    values = [1, True, "1", None, "null", [], {}, ""]
    hashes = {hash_of(plan(step("a", args={"x": value}))) for value in values}
    assert len(hashes) == len(values)


@pytest.mark.parametrize(
    "value", [2**53, -(2**53), float("nan"), float("inf"), "\ud800", {"\ud800"}]
)
def test_what_json_cannot_carry_exactly_has_no_hash(value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        ir_hash(compile_document(document(plan(step("a", args={"x": [value]})))))
    assert caught.value.code == "PLAN_VALUE_UNREPRESENTABLE"


def test_a_bottomless_value_is_refused_by_name() -> None:
    bottomless: list[Any] = []
    bottomless.append(bottomless)
    with pytest.raises(Invalid) as caught:
        canonical(bottomless)
    assert caught.value.code == "PLAN_VALUE_UNREPRESENTABLE"


@unhurried
@given(documents(), st.data())
def test_the_structure_does_not_see_literals_triggers_and_words(
    original: PlanDocument, data: st.DataObject
) -> None:
    renamed = {trigger.name: f"other{i}" for i, trigger in enumerate(original.events)}
    known = renamed.keys() & {name for step in original.steps for name in step.on}
    assume(not known & {step.name for step in original.steps})
    fresh = [
        ManualTrigger(name=renamed[name], kind="manual")
        for name in dict.fromkeys(t.name for t in original.events)
    ]
    steps = [
        each.model_copy(
            update={
                "args": {name: data.draw(relabelled(value)) for name, value in each.args.items()},
                "on": [renamed.get(name, name) for name in each.on],
                "description": "said otherwise",
            }
        )
        for each in original.steps
    ]
    other = original.model_copy(update={"steps": steps, "events": fresh, "plan_name": "other"})
    assert structure_hash(compile_document(other)) == structure_hash(compile_document(original))


def relabelled(value: Any) -> st.SearchStrategy[Any]:
    """The same value with another literal in its place, if it is one."""
    literal = not isinstance(value, str) or "${" not in value
    if literal and not isinstance(value, (dict, list)):
        return st.integers(0, 9) | st.sampled_from(["", "words", "$5", None, True])
    return st.just(value)


@unhurried
@given(documents(), st.data())
def test_the_structure_sees_every_change_of_the_graph(
    original: PlanDocument, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(original.steps) - 1))
    each = original.steps[index]
    update = data.draw(
        st.sampled_from(
            [
                {"action": "another.tool"},
                {"name": "another"},
                {"on": [*each.on, "step.another"]},
                {"guard": "inputs.another"},
                {"join": "any" if each.join == "all" else "all"},
                {"for_each": "${another.list}"},
                {"args": {**each.args, "another": "${a.b}"}},
                {"on_error": "route" if each.on_error != "route" else "continue"},
                {"approval": None if each.approval else "required"},
            ]
        )
    )
    steps = [*original.steps]
    steps[index] = each.model_copy(update=update)
    other = original.model_copy(update={"steps": steps})
    assert structure_hash(compile_document(other)) != structure_hash(compile_document(original))


# --- what the steps share ---------------------------------------------------------------------------


@unhurried
@given(documents())
def test_a_catalogue_adds_types_and_changes_neither_hash_nor_document(
    original: PlanDocument,
) -> None:
    bare, typed = compile_document(original), compile_document(original, EVERYTHING)
    assert (ir_hash(typed), structure_hash(typed)) == (ir_hash(bare), structure_hash(bare))
    assert to_document(typed) == original
    assert compile_document(to_document(typed), EVERYTHING) == typed
    assert typed.model_copy(update={"shared_store_schema": {}}) == bare


def test_a_tool_that_describes_itself_better_changes_no_hash() -> None:
    def reworded(catalogue: Catalogue) -> Catalogue:
        outputs = {"type": "object", "properties": {"entries": {"type": "array"}, "more": {}}}
        feed = catalogue.tools["feed.read"].model_copy(update={"outputs": outputs})
        return Catalogue({**catalogue.tools, "feed.read": feed})

    one = compile_document(document(DIGEST), EVERYTHING)
    two = compile_document(document(DIGEST), reworded(EVERYTHING))
    assert one.shared_store_schema != two.shared_store_schema
    assert ir_hash(one) == ir_hash(two)


def store_of(raw: dict[str, Any], *specs: ToolSpec) -> jsonschema_rs.Validator:
    catalogue = Catalogue({**EVERYTHING.tools, **{spec.id: spec for spec in specs}})
    schema = compile_document(document(raw), catalogue).shared_store_schema
    return jsonschema_rs.validator_for(schema, offline=True)


def test_the_store_has_each_output_under_its_natural_name_and_type() -> None:
    store = store_of(DIGEST)
    good = {"fetch": {"entries": [{"title": "x"}], "count": 1}, "digest": {"summary": "short"}}
    assert store.is_valid(good)
    assert not store.is_valid({"fetch": {"entries": "x"}})
    assert not store.is_valid({"digest": {"summary": 1}})


def test_a_repeated_step_puts_lists_with_a_null_for_each_failed_item() -> None:
    raw = plan(step("each", "go", "web.read", args={}, for_each="${inputs.urls}"))
    store = store_of(raw)
    assert store.is_valid({"each": {"text": ["a", None], "errors": [{"index": 1}]}})
    assert not store.is_valid({"each": {"text": "a"}})


def test_a_tools_own_definitions_stay_its_own() -> None:
    outputs = {
        "type": "object",
        "properties": {"tree": {"$ref": "#/$defs/node"}, "description": {"type": "string"}},
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    }
    odd = ToolSpec(id="a~b/ü%{x}", name="odd", description="odd", outputs=outputs)
    raw = plan(step("a", "go", odd.id), step("b", "step.a", odd.id, for_each="${a.tree}"))
    store = store_of(raw, odd)
    assert store.is_valid({"a": {"tree": {"next": {}}}, "b": {"tree": [{"next": {}}]}})
    assert not store.is_valid({"a": {"tree": {"next": 1}}})
    assert not store.is_valid({"b": {"tree": [{"next": 1}]}})
    assert not store.is_valid({"a": {"description": 1}})


# --- structure ----------------------------------------------------------------------------------------


def test_the_structure_leaves_out_literals_and_triggers() -> None:
    def retime(raw: Any) -> None:
        raw["events"][0].update(name="event.evening", schedule="0 18 * * *")
        raw["steps"][0].update(on=["event.evening"])
        raw["steps"][0]["args"]["url"] = "https://example.com/feed"
        raw["inputs"]["to"]["default"] = "x@example.com"
        raw["steps"][2]["args"]["subject"] = ["another", "subject"]

    assert structure_of(changed(retime)) == structure_of(DIGEST)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["steps"][1]["args"].update(text="${fetch.title}"),
        lambda d: d["steps"][1]["args"].update(text="News: ${fetch.entries}"),
        lambda d: d["steps"][1]["args"].update(style="short"),
        lambda d: d["steps"][0].update(action="web.read"),
        lambda d: d["steps"][2].update(on=["step.fetch"]),
        lambda d: d["steps"][2].update(guard="digest.summary != ''"),
    ],
)
def test_the_structure_keeps_the_graph_and_the_data_flow(change: Any) -> None:
    assert structure_of(changed(change)) != structure_of(DIGEST)


@pytest.mark.parametrize(
    ("name", "schema"), [("plan.schema.json", plan_schema()), ("ir.schema.json", ir_schema())]
)
def test_the_published_schemas_are_those_of_the_models(name: str, schema: dict[str, Any]) -> None:
    assert json.loads((REFERENCE / name).read_text()) == schema
