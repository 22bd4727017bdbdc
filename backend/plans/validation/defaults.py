"""A default for what may be missing: empty, and of a kind that is taken where it goes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from backend.plans.bindings import Reference
from backend.plans.validation.literals import validator
from backend.plans.validation.schema import KINDS, Shape

_EMPTY: Mapping[str, Any] = {
    "string": "",
    "array": [],
    "object": {},
    "integer": 0,
    "number": 0,
    "boolean": False,
}


def default_for(made: Shape, wanted: Shape | None) -> Any:
    """What to say instead of a value of the shape `made` that goes where `wanted` is needed (None: into
    a text). None when nothing empty fits."""
    if wanted is None:
        return ""
    return next((value for value in _empty(made, wanted) if _fits(value, wanted)), None)


def with_default(reference: Reference, default: Any) -> str:
    return f"{reference.text[:-1].rstrip()} ?? {json.dumps(default)}}}"


def empty_of(kinds: frozenset[str]) -> Any:
    """The empty value of a kind that is known; None when it is not."""
    if kinds == KINDS:
        return None
    return next((value for kind, value in _EMPTY.items() if kind in kinds), None)


def _empty(made: Shape, wanted: Shape) -> Iterator[Any]:
    for branch in wanted.branches():
        if branch.get("default") is not None:
            yield branch["default"]
    kinds = made.kinds & wanted.kinds
    yield from (value for kind, value in _EMPTY.items() if kind in kinds)


def _fits(value: Any, wanted: Shape) -> bool:
    try:
        return any(validator(branch).is_valid(value) for branch in wanted.branches())
    except (ValueError, jsonschema_rs.ReferencingError):
        return False
