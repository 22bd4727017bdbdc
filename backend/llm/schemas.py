"""JSON Schemas for answers: closed and bounded before they are asked for, checked when they come."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jiter
import jsonschema_rs

MAX_STRING = 2_000  # llama.cpp refuses grammars with longer repetitions
MAX_ITEMS = 50


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` as strict servers want it: objects closed, every property required, every string and
    array bounded (small models run unbounded ones to the length limit)."""
    closed: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            closed[key] = {name: bounded(part) for name, part in value.items()}
        elif key == "anyOf":
            closed[key] = [bounded(part) for part in value]
        elif key == "items":
            closed[key] = bounded(value)
        elif key != "default":
            closed[key] = value
    types = schema.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    if "object" in types:
        closed.setdefault("properties", {})
        closed["required"] = list(closed["properties"])
        closed["additionalProperties"] = False
    if "array" in types:
        closed.setdefault("maxItems", MAX_ITEMS)
    if "string" in types and "enum" not in schema and "const" not in schema:
        closed.setdefault("maxLength", MAX_STRING)
    return closed


def parse(text: str) -> Any:
    """The JSON in `text`, also inside a code fence or between words. None when there is none."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        return json.loads(text[start : end + 1])
    except (json.JSONDecodeError, RecursionError):
        return None


def parse_partial(text: str) -> dict[str, Any] | None:
    """What there is so far of a JSON object that is still being written. None when that is none."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        value = jiter.from_json(text[start:].encode(), partial_mode="trailing-strings")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def corrected(
    messages: Sequence[Mapping[str, str]], text: str, wrong: str
) -> list[Mapping[str, str]]:
    """The messages that ask once more, `text` being the answer that is `wrong`."""
    asked = (
        f"That is not what was asked for: {wrong}. "
        "Answer again with the corrected JSON object and nothing else."
    )
    return [
        *messages,
        {"role": "assistant", "content": text or "{}"},
        {"role": "user", "content": asked},
    ]


def problem(data: Any, schema: Mapping[str, Any]) -> str | None:
    if data is None:
        return "it is not a JSON object"
    error = next(jsonschema_rs.iter_errors(dict(schema), data), None)
    if error is None:
        return None
    where = "/".join(map(str, error.instance_path))
    return f"{error.message[:300]} at {where or 'the top'}"
