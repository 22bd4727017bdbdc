"""What a model is asked to fill in: names and what they mean, written as briefly as people would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from backend.contracts.tools import JsonSchema

TYPES: dict[str, JsonSchema] = {
    "string": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "list": {"type": ["array", "null"], "items": {"type": "string"}},
}
# Found where the asker named no fields: pairs, since a strict schema allows no free names.
PAIRS: JsonSchema = {
    "type": "object",
    "properties": {
        "found": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
            },
        }
    },
}

Fields = Annotated[dict[str, Annotated[str, Field(max_length=500)]], Field(max_length=50)]


def answer_schema(fields: Mapping[str, str]) -> JsonSchema:
    """A JSON Schema of `{"total": "number: what is to be paid", "payee": "who gets it"}`. Each field
    may come back as null: not there."""
    return {"type": "object", "properties": {name: _field(said) for name, said in fields.items()}}


def _field(said: str) -> JsonSchema:
    kind, _, words = said.partition(":")
    if kind.strip() in TYPES:
        return {**TYPES[kind.strip()], "description": words.strip()}
    return {**TYPES["string"], "description": said}


def from_pairs(data: Any) -> dict[str, Any]:
    """The answer to `PAIRS` as one object; a name that comes twice gets a list."""
    made: dict[str, Any] = {}
    for pair in data["found"]:
        name, value = pair["name"], pair["value"]
        if name not in made:
            made[name] = value
        elif isinstance(made[name], list):
            made[name].append(value)
        else:
            made[name] = [made[name], value]
    return made
