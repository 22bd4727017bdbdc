"""The document and its IR: nothing is lost, and the hash covers all a person approves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from backend.contracts.errors import Invalid
from backend.contracts.plans import IR, PlanDocument
from backend.plans.ir import canonical, compile_document, ir_hash, structure_hash, to_document
from backend.plans.schemas import ir_schema, plan_schema
from tests.plans.documents import documents, unhurried
from tests.plans.toolbox import DIGEST, changed, document, plan, step

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


def test_whole_outputs_are_listed_as_mappings() -> None:
    mappings = compile_document(document(DIGEST)).mappings
    listed = [(m.source, m.output, m.to, m.param) for m in mappings]
    assert listed == [
        ("fetch", "entries", "digest", "text"),
        ("digest", "summary", "send", "body"),
    ]


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


def test_the_structure_leaves_out_literals_and_triggers() -> None:
    def retime(raw: Any) -> None:
        raw["events"][0].update(name="event.evening", schedule="0 18 * * *")
        raw["steps"][0].update(on=["event.evening"])
        raw["steps"][0]["args"]["url"] = "https://example.com/feed"
        raw["inputs"]["to"]["default"] = "x@example.com"

    assert structure_of(changed(retime)) == structure_of(DIGEST)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["steps"][1]["args"].update(text="${fetch.title}"),
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
