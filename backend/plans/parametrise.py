"""A plan made into a template: values written into its steps become inputs, with those as defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.contracts.errors import Invalid
from backend.contracts.plans import Catalogue, Input, PlanDocument, Step
from backend.plans import pointer
from backend.plans.bindings import references
from backend.plans.validation.schema import Shape, kind_of

# What is another one each time: who gets it, where it comes from, where it goes.
_FORMATS = frozenset({"email", "uri", "url", "uri-reference"})
_NAMES = frozenset(
    {"to", "cc", "bcc", "recipient", "recipients", "email", "url", "uri", "link", "feed", "path"}
    | {"file", "filename", "folder", "query", "topic"}
)
_TYPES = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "array",
    "object": "object",
}
_PLAIN = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class _Literal:
    path: tuple[str, ...]
    step: Step
    value: Any
    schema: Shape

    @property
    def name(self) -> str:
        return next(part for part in reversed(self.path) if not part.isdecimal())


def parametrise(
    document: PlanDocument, catalogue: Catalogue, paths: Sequence[str] | None = None
) -> PlanDocument:
    """The document with an input for each literal argument at `paths` ("steps/0/args/url"), or (None)
    for each that names a recipient, an address or a file. The same value is one input wherever it
    stands. Raises `Invalid` (PLAN_EDIT_REFUSED) for a path where no literal is."""
    found = list(_literals(document, catalogue))
    if paths is None:
        chosen = [literal for literal in found if _is_personal(literal)]
    else:
        by_path = {pointer.join(*literal.path): literal for literal in found}
        if wrong := [path for path in paths if path not in by_path]:
            raise Invalid(f"No value is written at {wrong[0][:200]}.", code="PLAN_EDIT_REFUSED")
        chosen = [by_path[path] for path in dict.fromkeys(paths)]
    if not chosen:
        return document
    raw = document.model_dump(mode="json", exclude_defaults=True)
    inputs: dict[str, Input] = dict(document.inputs)
    named: dict[tuple[str, str], str] = {}
    for literal in chosen:
        key = (literal.name, repr(literal.value))
        if key not in named:
            named[key] = _free(literal, inputs)
            inputs[named[key]] = _input(literal)
        _put(raw, literal.path, f"${{inputs.{named[key]}}}")
    raw["inputs"] = {
        name: given.model_dump(exclude_defaults=True) for name, given in inputs.items()
    }
    return PlanDocument.model_validate(raw)


def _literals(document: PlanDocument, catalogue: Catalogue) -> Iterator[_Literal]:
    """Every argument, and every field of one that is an object, with no reference in it."""
    for index, step in enumerate(document.steps):
        spec = catalogue.tools.get(step.action)
        shape = Shape.of(spec.inputs) if spec else Shape()
        for name, value in step.args.items():
            where = ("steps", str(index), "args", name)
            yield from _inside(where, step, value, _at(shape, name))


def _inside(where: tuple[str, ...], step: Step, value: Any, shape: Shape) -> Iterator[_Literal]:
    if value is not None and not _refers(value):
        yield _Literal(where, step, value, shape)
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _inside((*where, name), step, inner, _at(shape, name))


def _at(shape: Shape, name: str) -> Shape:
    try:
        return shape.at(name)
    except LookupError:
        return Shape()


def _refers(value: Any) -> bool:
    try:
        # an escaped "$${" would be read again as an input's default: it stays where it is
        return bool(references(value)) or "$${" in str(value)
    except Invalid:
        return True


def _is_personal(literal: _Literal) -> bool:
    if literal.value in ("", [], {}) or len(literal.path) > 4:
        return False
    return literal.name.lower() in _NAMES or _format(literal.schema) in _FORMATS


def _format(shape: Shape) -> str | None:
    schema = shape.schema if isinstance(shape.schema, Mapping) else {}
    branches = [schema, *(b for b in schema.get("anyOf", ()) if isinstance(b, Mapping))]
    items = [b["items"] for b in branches if isinstance(b.get("items"), Mapping)]
    return next((str(b["format"]) for b in (*branches, *items) if "format" in b), None)


def _input(literal: _Literal) -> Input:
    schema = literal.schema.schema if isinstance(literal.schema.schema, Mapping) else {}
    kind = kind_of(literal.value)
    if kind == "integer" and "number" in literal.schema.kinds and schema.get("type") == "number":
        kind = "number"
    listed = schema.get("enum")
    format = _format(literal.schema) if kind == "string" else None
    return Input(
        type=_TYPES.get(kind, "string"),
        format=format[:40] if format else None,
        description=str(schema.get("description", ""))[:500],
        default=literal.value,
        enum=listed[:100] if isinstance(listed, list) and literal.value in listed else None,
    )


def _free(literal: _Literal, taken: Mapping[str, Any]) -> str:
    base = _PLAIN.sub("_", literal.name).strip("-")[:40]
    base = base if re.match(r"[A-Za-z_]", base) else f"value_{base}"
    candidates = [base, f"{literal.step.name[:20]}_{base}"]
    numbered = (f"{base}_{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (*candidates, *numbered) if name not in taken)


def _put(raw: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    holder: Any = raw
    for part in path[:-1]:
        holder = holder[int(part)] if isinstance(holder, list) else holder[part]
    holder[path[-1]] = value
