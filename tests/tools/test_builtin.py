from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest

from backend.contracts.tools import ToolSpec
from backend.settings import Settings
from backend.tools.builtin import builtin

SPECS = {tool.spec.id: tool.spec for tool in builtin()}


@pytest.fixture(params=list(SPECS))
def spec(request: pytest.FixtureRequest) -> ToolSpec:
    return SPECS[request.param]


def nodes(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [node for each in schema for node in nodes(each)]
    if isinstance(schema, dict):
        return [schema, *(node for each in schema.values() for node in nodes(each))]
    return []


def test_the_tools_of_the_product_are_there() -> None:
    assert set(SPECS) >= set(
        """http.request web.read feed.read text.summarize text.extract llm.complete json.query
        file.read file.write file.list email.send notify.user human.ask wait.until""".split()  # noqa: SIM905
    )
    assert len(SPECS) == len(builtin())


def test_every_argument_is_described(spec: ToolSpec) -> None:
    assert all(part["description"] for part in spec.inputs["properties"].values())
    assert spec.inputs["additionalProperties"] is False


def test_schemas_are_whole_and_valid(spec: ToolSpec) -> None:
    for schema in (spec.inputs, spec.outputs):
        assert schema["type"] == "object"
        assert not any("$ref" in node for node in nodes(schema))
        jsonschema_rs.meta.validate(schema)


def test_the_output_s_fields_are_declared(spec: ToolSpec) -> None:
    assert spec.outputs["properties"]
    assert set(spec.produces) <= set(spec.outputs["properties"])


def test_what_has_an_effect_says_which_and_what_has_none_says_none(spec: ToolSpec) -> None:
    assert bool(spec.effects) == (spec.purity != "pure")


def test_effects_count_in_the_singular_and_name_only_arguments(spec: ToolSpec) -> None:
    for effect in spec.effects:
        assert set(re.findall(r"\{(\w+)\}", effect)) <= set(spec.inputs["properties"])
        assert re.match(r"[a-z]+( to| in)? (1 |the |my )?", effect)
        assert "1 " in effect


def test_required_settings_exist(spec: ToolSpec) -> None:
    assert {name.lower() for name in spec.requires} <= set(Settings.model_fields)


def test_there_are_words_a_person_would_use(spec: ToolSpec) -> None:
    assert len(spec.examples) >= 2
    assert all(3 <= len(example) <= 80 for example in spec.examples)


def test_defaults_fit_their_own_schema(spec: ToolSpec) -> None:
    for part in spec.inputs["properties"].values():
        if "default" in part:
            jsonschema_rs.validate(part, part["default"])
