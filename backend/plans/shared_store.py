"""What the steps of a plan put into the store a run's steps share, as one JSON Schema.

A step sees what it needs under the names natural to it: its `args` are bound to outputs of other
steps before it is called, and where the two names differ the IR lists a mapping. So no tool knows
of the store, and none needs a proxy that renames keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from backend.contracts.plans import Catalogue, Step

_NULL = {"type": "null"}
_ERRORS = {"type": "array", "items": {"type": "object"}}
_NAMED = frozenset({"properties", "$defs", "definitions", "patternProperties"})
_WORDS = frozenset({"title", "description", "examples", "default", "$comment"})
_DEEPEST = 16


def shared_store_schema(steps: Sequence[Step], catalogue: Catalogue) -> dict[str, Any]:
    """Step name → its outputs by natural name, as a JSON Schema with types and without words.

    Each tool is described once, in `$defs`; a step that repeats has a list for each output, null where
    its item failed, and `errors`. A step whose tool is unknown may put anything.
    """
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for step in steps:
        spec = catalogue.tools.get(step.action)
        if spec is None:
            properties[step.name] = {"type": "object"}
            continue
        if step.action not in definitions:
            definitions[step.action] = _typed(spec.outputs, _place(step.action))
        name = step.action
        if step.for_each is not None:
            name = f"{step.action} each"  # no tool's id has a space
            definitions[name] = _columns(spec.outputs, _place(step.action))
        properties[step.name] = {"$ref": _place(name)}
    return {"type": "object", "properties": properties, "$defs": definitions}


def _columns(outputs: Mapping[str, Any], place: str) -> dict[str, Any]:
    columns = {
        name: {"type": "array", "items": {"anyOf": [{"$ref": _inside(place, name)}, _NULL]}}
        for name in outputs.get("properties", {})
    }
    return {"type": "object", "properties": columns | {"errors": _ERRORS}}


def _typed(schema: Any, place: str, depth: int = 0, *, names: bool = False) -> Any:
    """A schema without its words, its references pointing to where it lies now. `names` marks a
    mapping whose keys are fields, not keywords."""
    if depth > _DEEPEST:
        return {}
    if isinstance(schema, Mapping):
        return {
            key: _moved(value, place)
            if key == "$ref" and not names
            else _typed(value, place, depth + 1, names=not names and key in _NAMED)
            for key, value in schema.items()
            if names or key not in _WORDS
        }
    if isinstance(schema, list):
        return [_typed(item, place, depth + 1) for item in schema]
    return schema


def _moved(reference: Any, place: str) -> Any:
    return f"{place}{reference[1:]}" if str(reference).startswith("#") else reference


def _place(name: str) -> str:
    return f"#/$defs/{_token(name)}"


def _inside(place: str, name: str) -> str:
    return f"{place}/properties/{_token(name)}"


def _token(name: str) -> str:
    """A key as a JSON pointer in a URI fragment spells it."""
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~")
