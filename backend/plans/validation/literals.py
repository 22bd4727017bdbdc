"""V3: literal arguments against the tool's JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

from backend.contracts.errors import Fix, Invalid, Issue
from backend.contracts.plans import Step
from backend.contracts.tools import ToolSpec
from backend.plans import pointer
from backend.plans.bindings import references
from backend.plans.validation.conversions import candidates
from backend.plans.validation.effects import formats
from backend.plans.validation.schema import KIND_WORDS, Shape
from backend.plans.validation.subject import Subject

Path = tuple[str | int, ...]
# Errors of these keywords may come from a reference further inside, whose value is not known yet.
_AROUND = frozenset({"anyOf", "oneOf", "not", "enum", "const", "if", "uniqueItems", "contains"})
_ONE = re.compile(r"[^\s@<>,;:]+@[^\s@<>,;:]+")
_TRIES = 8  # what one attempt at a fix costs, in comparisons


def literals(subject: Subject, step: Step, index: int, spec: ToolSpec) -> Iterator[Issue]:
    """One issue per value that the tool would refuse; what references bring is not judged here."""
    try:
        errors = list(validator(spec.inputs).iter_errors(step.args))
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        yield Issue(
            code="PLAN_METADATA_ERROR",
            message=f"The contract of “{step.action}” cannot be used: {error}",
            path=f"steps/{index}/action",
            suggestion="Mend the tool's description and read it in again, or use another tool.",
        )
        return
    open_ = _references(step.args)
    told: set[Path] = set()
    for misfit in errors:
        path = tuple(misfit.instance_path)
        whole = not path and misfit.kind.name in ("required", "additionalProperties")
        if path in told or whole:  # said already, here or of the step
            continue
        if not any(_covers(where, path, misfit.kind.name) for where in open_):
            told.add(path)
            yield _misfit(subject, step, index, spec, path, misfit)


def recipients(step: Step, index: int, spec: ToolSpec) -> Iterator[Issue]:
    """Whoever is written to, is one address: a reference beside one makes none of it."""
    wanted = Shape.of(spec.inputs)
    for param, value in step.args.items():
        declared = param in spec.inputs.get("properties", {})
        if not declared or "email" not in formats(wanted.at(param)):
            continue
        for place, text in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(text, str) and _beside(text):
                path = (param, place) if isinstance(value, list) else (param,)
                yield Issue(
                    code="PLAN_ARGUMENT_INVALID",
                    message=f"“{text[:120]}” is no address: a reference stands beside it.",
                    path=pointer.join("steps", index, "args", *path),
                    suggestion="Give one address, or one reference to an address.",
                )


def _beside(text: str) -> bool:
    """Whether there is more than one reference, or than one address that may have some in it."""
    try:
        found = references(text)
    except Invalid:  # the data flow's validator says so
        return False
    for reference in found:
        text = text.replace(reference.text, "x")
    return bool(found) and text.strip() != "x" and _ONE.fullmatch(text.strip()) is None


def _covers(where: Path, path: Path, keyword: str) -> bool:
    """Whether a reference may be to blame for an error at `path`."""
    inside = path[: len(where)] == where
    return inside or (keyword in _AROUND and where[: len(path)] == path)


def _misfit(
    subject: Subject,
    step: Step,
    index: int,
    spec: ToolSpec,
    path: Path,
    error: jsonschema_rs.ValidationError,
) -> Issue:
    path, keyword, details = _closest(path, error)
    value = pointer.follow(step.args, path)
    options = tuple(str(option) for option in details.get("options", ()))
    fix = None
    if subject.affords(_TRIES):
        fix = _without(step, index, spec, path) if value is None else None
        fix = fix or _converted(step, index, spec, path, candidates(value, keyword, details))
    return Issue(
        code="PLAN_ARGUMENT_INVALID",
        message=f"“{pointer.join(*path) or 'args'}” {_words_for(keyword, details, value)}.",
        path=pointer.join("steps", index, "args", *path),
        suggestion=f"One of: {', '.join(options)}." if options else "",
        available=options,
        fix=fix,
    )


def _converted(
    step: Step, index: int, spec: ToolSpec, path: Path, values: Iterable[Any]
) -> Fix | None:
    """The first of `values` that the tool takes there."""
    for value in values:
        if path and fits(spec, _with(step.args, path, value), path):
            where = pointer.join("steps", index, "args", *path)
            shown = value if isinstance(value, str) else orjson.dumps(value).decode()
            return Fix(path=where, value=value, label=f"Use {shown[:60]}")
    return None


def _without(step: Step, index: int, spec: ToolSpec, path: Path) -> Fix | None:
    """Nothing was given: an argument that need not be given is left out."""
    if not path or not isinstance(path[-1], str):
        return None
    *upper, last = path
    holder = {name: v for name, v in pointer.follow(step.args, upper).items() if name != last}
    args: dict[str, Any] = _with(step.args, upper, holder)
    if not fits(spec, args, path) or not fits(spec, args, tuple(upper)):
        return None
    where = pointer.join("steps", index, "args", *upper)
    return Fix(path=where, value=holder, label=f"Leave out “{str(last)[:60]}”")


def fits(spec: ToolSpec, args: Mapping[str, Any], path: Path) -> bool:
    """Whether the tool takes what stands at `path`, wherever that is part of."""
    for error in validator(spec.inputs).iter_errors(args):
        place = tuple(error.instance_path)
        missing = error.kind.as_dict().get("property") if error.kind.name == "required" else None
        lacking = missing is not None and (*place, missing) == path
        inside = place[: len(path)] == path
        around = bool(place) and path[: len(place)] == place
        if lacking or inside or around:
            return False
    return True


def _with(value: Any, path: Sequence[Any], new: Any) -> Any:
    """A copy of a JSON value with `new` at a path in it."""
    if not path:
        return new
    first, *rest = path
    if isinstance(value, list):
        return [_with(v, rest, new) if i == first else v for i, v in enumerate(value)]
    return {**value, first: _with(value[first], rest, new)}


def _closest(
    path: Path, error: jsonschema_rs.ValidationError
) -> tuple[Path, str, Mapping[str, Any]]:
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


def validator(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """The compiled validator of a tool's schema. Remote references are refused."""
    return _compiled(orjson.dumps(schema))


@lru_cache(maxsize=4096)
def _compiled(schema: bytes) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(orjson.loads(schema), validate_formats=True, offline=True)


def _references(args: Mapping[str, Any]) -> list[Path]:
    try:
        return [reference.where for reference in references(args)]
    except Invalid:  # the data flow's validator says so
        return [()]
