"""Foreign tools from a file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.catalogues import parse_catalogue
from backend.contracts.errors import Invalid
from tests.cli.conftest import Terminal

TOOLS: list[dict[str, Any]] = [
    {
        "id": "search_hotel",
        "description": "Search hotels in a city",
        "inputs": {"city": "string", "stars": "integer?"},
        "outputs": {"hotels": "array"},
    },
    {"id": "book_hotel", "description": "Book a hotel room", "inputs": ["hotel"]},
]


def inputs(tool: dict[str, Any]) -> dict[str, Any]:
    return parse_catalogue([{"id": "t", "description": "a tool", **tool}]).tools["t"].inputs


@pytest.mark.parametrize(
    "given",
    [
        {"inputs": {"to": "string"}},
        {"inputs": {"to": {"type": "str"}}},
        {"parameters": [{"name": "to", "type": "text"}]},
        {"input_schema": {"properties": {"to": {"type": "string"}}, "required": ["to"]}},
        {
            "inputs": {
                "type": "object",
                "properties": {"to": {"type": "string"}},
                "required": ["to"],
            }
        },
    ],
)
def test_inputs_are_understood_in_every_common_form(given: dict[str, Any]) -> None:
    found = inputs(given)
    assert (found["type"], found["properties"], found["required"]) == (
        "object",
        {"to": {"type": "string"}},
        ["to"],
    )


def test_in_short_what_has_a_default_or_a_question_mark_may_be_left_out() -> None:
    given = {"a": "string?", "b": {"default": 1}, "c": {"required": False}, "d": "int"}
    assert inputs({"inputs": given})["required"] == ["d"]


def test_an_unknown_type_takes_anything_and_keeps_its_words() -> None:
    given = [{"name": "day", "type": "fortnight", "desc": "which one"}]
    assert inputs({"inputs": given})["properties"] == {"day": {"description": "which one"}}


@pytest.mark.parametrize("key", ["tools", "nodes"])
def test_the_list_may_lie_in_a_mapping(key: str) -> None:
    found = parse_catalogue({key: [{"id": "a", "desc": "does a"}]})
    assert found.tools["a"].description == "does a"


def test_of_several_tools_of_one_id_the_first_counts() -> None:
    found = parse_catalogue([{"id": "a", "desc": "one"}, {"id": "a", "desc": "two"}])
    assert found.tools["a"].description == "one"


def test_another_catalogue_has_another_hash() -> None:
    hashes = {parse_catalogue(tools).hash for tools in (TOOLS, TOOLS[:1], TOOLS)}
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"id": "two words"}, "1"),
        ({"description": "no id"}, "1"),
        ({"id": "a", "inputs": 3}, "1"),
        ({"id": "a", "inputs": {"type": "object", "properties": {"x": {"type": "nope"}}}}, "1"),
        ("a tool", "1"),
    ],
)
def test_a_bad_tool_is_named_with_its_place(bad: Any, path: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_catalogue([TOOLS[0], bad])
    assert raised.value.code == "PLAN_CATALOGUE_INVALID"
    assert [issue.path for issue in raised.value.issues] == [path]


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", "3", '{"tools": 3}'])
def test_a_file_without_tools_is_refused_with_a_code(terminal: Terminal, content: str) -> None:
    file = terminal.file(content, "tools.json")
    said = terminal.planner("generate", "book a hotel", "--catalogue", file)
    assert (said.code, said.out) == (1, "") and "PLAN_CATALOGUE_INVALID" in said.err


def test_plans_are_made_of_these_tools_and_no_others(terminal: Terminal) -> None:
    file = terminal.file(TOOLS, "tools.json")
    for words in ("search hotels in Paris", "mail the news to ann@example.com"):
        data = terminal.planner("generate", words, "--catalogue", file, "--json").data
        used = {step["action"] for step in (data["plan"] or {"steps": []})["steps"]}
        assert used <= {"search_hotel", "book_hotel"}


def test_a_plan_over_foreign_tools_is_validated_over_them(terminal: Terminal) -> None:
    step = {
        "name": "find",
        "on": ["event.go"],
        "action": "search_hotel",
        "args": {"city": "Paris"},
    }
    plan = {
        "plan_name": "hotels",
        "events": [{"name": "event.go", "kind": "manual"}],
        "steps": [step],
    }
    tools, file = terminal.file(TOOLS, "tools.json"), terminal.file(plan)
    assert terminal.planner("validate", file, "--catalogue", tools).code == 0
    assert terminal.planner("validate", file).code == 1
    listed = json.loads(terminal.planner("list-tools", "--catalogue", tools, "--json").out)
    assert [tool["id"] for tool in listed["tools"]] == ["book_hotel", "search_hotel"]
