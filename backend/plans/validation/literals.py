"""V3: literal arguments against the tool's JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

from backend.contracts.errors import Fix, Invalid, Issue
from backend.contracts.plans import Step
from backend.contracts.tools import ToolSpec
from backend.plans import pointer
from backend.plans.bindings import references
from backend.plans.validation.schema import KIND_WORDS

# Errors of these keywords may come from a reference further inside, whose value is not known yet.
_AROUND = frozenset({"anyOf", "oneOf", "not", "enum", "const", "if", "uniqueItems", "contains"})


def literals(step: Step, index: int, spec: ToolSpec) -> Iterator[Issue]:
    """One issue per value that the tool would refuse; what references bring is not judged here."""
    try:
        errors = list(validator(spec.inputs).iter_errors(step.args))
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        yield Issue(
            code="PLAN_TOOL_BROKEN",
            message=f"The contract of “{step.action}” cannot be used: {error}",
            path=f"steps/{index}/action",
        )
        return
    open_ = _references(step.args)
    told: set[tuple[str | int, ...]] = set()
    for misfit in errors:
        path = tuple(misfit.instance_path)
        whole = not path and misfit.kind.name in ("required", "additionalProperties")
        if path in told or whole:  # said already, here or of the step
            continue
        if not any(_covers(where, path, misfit.kind.name) for where in open_):
            told.add(path)
            yield _misfit(step, index, path, misfit)


def _covers(where: tuple[str | int, ...], path: tuple[str | int, ...], keyword: str) -> bool:
    """Whether a reference may be to blame for an error at `path`."""
    inside = path[: len(where)] == where
    return inside or (keyword in _AROUND and where[: len(path)] == path)


def _misfit(
    step: Step, index: int, path: tuple[str | int, ...], error: jsonschema_rs.ValidationError
) -> Issue:
    path, keyword, details = _closest(path, error)
    value = pointer.follow(step.args, path)
    where = pointer.join("steps", index, "args", *path)
    options = tuple(str(option) for option in details.get("options", ()))
    fixed = converted(value, details.get("types", ()))
    return Issue(
        code="PLAN_ARGUMENT_INVALID",
        message=f"“{pointer.join(*path) or 'args'}” {_words_for(keyword, details, value)}.",
        path=where,
        suggestion=f"One of: {', '.join(options)}." if options else "",
        available=options,
        fix=None if fixed is None else Fix(path=where, value=fixed, label=f"Use {fixed!r}"),
    )


def _closest(
    path: tuple[str | int, ...], error: jsonschema_rs.ValidationError
) -> tuple[tuple[str | int, ...], str, Mapping[str, Any]]:
    """Of several shapes a value may have, what keeps it from the one it is most like: where, which
    keyword, its details."""
    details = error.kind.as_dict()
    branches = details.get("context") if error.kind.name in ("anyOf", "oneOf") else None
    if not branches:
        return path, error.kind.name, details
    kinds: list[str] = []
    for branch in branches:
        wrong = [e for e in branch if e.kind.name == "type" and tuple(e.instance_path) == path]
        if branch and not wrong:
            return _closest(tuple(branch[0].instance_path), branch[0])
        kinds += [kind for each in wrong for kind in each.kind.as_dict()["types"]]
    return path, "type", {"types": list(dict.fromkeys(kinds))}


def _words_for(keyword: str, details: Mapping[str, Any], value: Any) -> str:
    limit = details.get("limit")
    unit = "characters" if isinstance(value, str) else "elements"
    match keyword:
        case "type":
            return f"must be {_either(_A.get(kind, kind) for kind in details['types'])}"
        case "format":
            return f"is not {_A.get(details['format'], 'a valid ' + str(details['format']))}"
        case "enum":
            return f"must be {_either(map(str, details['options']))}"
        case "minimum":
            return f"must be at least {limit}"
        case "maximum":
            return f"must be at most {limit}"
        case "exclusiveMinimum":
            return f"must be more than {limit}"
        case "exclusiveMaximum":
            return f"must be less than {limit}"
        case "minLength" | "minItems" | "minProperties":
            return f"must have at least {limit} {unit}" if value else "must not be empty"
        case "maxLength" | "maxItems" | "maxProperties":
            return f"must have at most {limit} {unit}"
        case "required":
            return f"needs “{details['property']}”"
        case "additionalProperties":
            return f"has no {_either(details['unexpected'])}"
        case _:
            return f"does not fit the tool's contract ({keyword})"


_A = KIND_WORDS | {
    "email": "an e-mail address",
    "uri": "a web address",
    "date-time": "a time like 2026-11-23T09:00:00Z",
    "date": "a date like 2026-11-23",
}


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)


def converted(value: Any, kinds: Iterable[str]) -> Any:
    """What a text most likely meant where a number or a truth was wanted; None when unclear."""
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    for kind, convert in (("integer", int), ("number", float)):
        if kind in kinds and len(text) < 16 and text.lstrip("-").replace(".", "", 1).isdecimal():
            try:
                return convert(text)
            except ValueError:
                return None
    return None


def validator(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """The compiled validator of a tool's schema. Remote references are refused."""
    return _compiled(orjson.dumps(schema))


@lru_cache(maxsize=4096)
def _compiled(schema: bytes) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(orjson.loads(schema), validate_formats=True, offline=True)


def _references(args: Mapping[str, Any]) -> list[tuple[str | int, ...]]:
    try:
        return [reference.where for reference in references(args)]
    except Invalid:  # the data flow's validator says so
        return [()]
