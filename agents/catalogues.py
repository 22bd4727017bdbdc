"""Foreign tools, read from a file: what a plan may use instead of the registry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
from pydantic import ValidationError

from backend.contracts.errors import Invalid, Issue
from backend.contracts.plans import Catalogue
from backend.contracts.tools import JsonSchema, ToolSpec

MAX_BYTES = 50_000_000
MAX_ISSUES = 10
_FORMS = (
    'A catalogue is [{"id", "description", "inputs"?, "outputs"?}], or {"tools": [..]} of that.'
)
_TYPES: dict[str, JsonSchema] = {
    **{name: {"type": "string"} for name in ("string", "str", "text", "url", "date", "time")},
    **{name: {"type": "integer"} for name in ("integer", "int")},
    **{name: {"type": "number"} for name in ("number", "float", "double")},
    **{name: {"type": "boolean"} for name in ("boolean", "bool")},
    **{name: {"type": "array"} for name in ("array", "list", "tuple", "set")},
    **{name: {"type": "object"} for name in ("object", "dict", "map", "json")},
}
_SCHEMAS = {
    "inputs": ("inputs", "parameters", "input_schema", "inputSchema"),
    "outputs": ("outputs", "output_parameters", "output_schema", "outputSchema"),
}
_TOOL_KEYS = ("purity", "actions", "effects", "examples", "version")


def read_catalogue(file: Path) -> Catalogue:
    """The tools of a JSON file. Raises `Invalid` (PLAN_CATALOGUE_INVALID), with an issue per bad tool."""
    try:
        with file.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
    except OSError as error:
        raise _bad(f"{file} cannot be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise _bad(f"{file} is larger than {MAX_BYTES:,} bytes.")
    try:
        return parse_catalogue(orjson.loads(content))
    except orjson.JSONDecodeError as error:
        raise _bad(f"{file} is not JSON: {error}.") from error


def parse_catalogue(data: Any) -> Catalogue:
    """`[{"id", "description" | "desc", "inputs" | "parameters"?, "outputs"?}]`, or a mapping with that
    list under "tools" or "nodes".

    Inputs and outputs are a JSON Schema of an object, or in short `{"to": "string"}`,
    `{"to": {"type", "description"}}`, `["to"]` or `[{"name", "type", "desc"}]`. In short, all inputs are
    required but those with a default, `"required": false` or a type that ends in "?". Of several tools
    of one id the first counts. Raises `Invalid` (PLAN_CATALOGUE_INVALID).
    """
    if isinstance(data, Mapping):
        data = data.get("tools", data.get("nodes"))
    if not isinstance(data, list) or not data:
        raise _bad("There are no tools in it.")
    tools: dict[str, ToolSpec] = {}
    issues: list[Issue] = []
    for place, given in enumerate(data):
        try:
            tool = _tool(given)
        except ValueError as error:
            issues.append(_issue(str(place), str(error)))
            continue
        tools.setdefault(tool.id, tool)
    if issues:
        count = f"{len(issues):,} of its {len(data):,} tools are not right."
        raise _bad(count, tuple(issues[:MAX_ISSUES]))
    digest = hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return Catalogue(tools, hash=digest)


def _tool(given: Any) -> ToolSpec:
    """Raises `ValueError`, which says what is wrong."""
    if isinstance(given, Mapping) and isinstance(given.get("function"), Mapping):
        given = given["function"]
    if not isinstance(given, Mapping):
        raise ValueError("A tool is a JSON object.")
    id = given.get("id", given.get("name"))
    name = given.get("name", id)
    fields = {
        "id": id,
        "name": name,
        "description": given.get("description", given.get("desc", name)),
        **{key: given[key] for key in _TOOL_KEYS if key in given},
    }
    for field, names in _SCHEMAS.items():
        if (found := next((given[n] for n in names if given.get(n) is not None), None)) is not None:
            fields[field] = _schema(found)
    try:
        return ToolSpec.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from error


def _schema(given: Any) -> JsonSchema:
    if isinstance(given, Mapping) and (
        given.get("type") == "object" or isinstance(given.get("properties"), Mapping)
    ):
        schema = {"type": "object", **given}
    elif isinstance(given, Mapping):
        schema = _object({str(name): value for name, value in given.items()})
    elif isinstance(given, list) and all(isinstance(each, str) for each in given):
        schema = _object({name: {} for name in given})
    elif isinstance(given, list) and all(isinstance(e, Mapping) and "name" in e for e in given):
        schema = _object({str(each["name"]): each for each in given})
    else:
        raise ValueError("Inputs and outputs are a JSON Schema, or names with their types.")
    try:
        jsonschema_rs.validator_for(schema, offline=True)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(f"This is no JSON Schema: {str(error)[:200]}") from error
    return schema


def _object(fields: Mapping[str, Any]) -> JsonSchema:
    required = [name for name, field in fields.items() if _needed(field)]
    properties = {name: _field(field) for name, field in fields.items()}
    return {"type": "object", "properties": properties, "required": required}


def _needed(field: Any) -> bool:
    if isinstance(field, Mapping):
        return field.get("required") is not False and "default" not in field
    return not str(field).endswith("?")


def _field(field: Any) -> JsonSchema:
    """A field in short; one of an unknown type takes anything."""
    if not isinstance(field, Mapping):
        return dict(_TYPES.get(str(field).removesuffix("?").lower(), {}))
    known = {key: field[key] for key in ("enum", "default", "items", "format") if key in field}
    words = field.get("description", field.get("desc"))
    return {
        **_TYPES.get(str(field.get("type", "")).lower(), {}),
        **known,
        **({"description": str(words)} if words else {}),
    }


def _issue(path: str, message: str) -> Issue:
    return Issue(code="PLAN_CATALOGUE_INVALID", message=message, path=path)


def _bad(message: str, issues: tuple[Issue, ...] = ()) -> Invalid:
    return Invalid(message, code="PLAN_CATALOGUE_INVALID", hint=_FORMS, issues=issues)
