"""JSON Schemas read as types: which kinds of value they allow, and what lies at a path inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
KIND_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}
_DEEPEST = 16


class Absent(LookupError):
    """Nothing of that name is there; `available` is what is."""

    def __init__(self, available: tuple[str, ...]) -> None:
        super().__init__(available)
        self.available = available


@dataclass(frozen=True)
class Shape:
    """A schema inside the document `root` that its `$ref`s point into."""

    schema: Any = field(default_factory=dict)
    root: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Shape:
        return cls(schema, schema)

    def columns(self) -> Shape:
        """What a `for_each` step of this output gives: each field a list, and `errors`."""
        fields = {
            name: {"type": "array", "items": schema}
            for branch in self.branches()
            for name, schema in branch.get("properties", {}).items()
        }
        errors = {"errors": {"type": "array", "items": {"type": "object"}}}
        more: Any = False if fields else {"type": "array"}
        columns = {"type": "object", "properties": fields | errors, "additionalProperties": more}
        return Shape(columns, self.root)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of value this allows. An integer is a number too."""
        found: set[str] = set()
        for branch in self.branches():
            found |= _kinds(branch)
        return frozenset(found | ({"integer"} if "number" in found else set()))

    def at(self, part: str | int) -> Shape:
        """The shape of one element. Raises `Absent`."""
        inner: list[Any] = []
        names: dict[str, None] = {}
        for branch in self.branches():
            kinds = _kinds(branch)
            if "array" in kinds and str(part).removeprefix("-").isdecimal():
                inner.append(_item(branch, int(part)))
            if "object" in kinds and isinstance(part, str):
                names.update(dict.fromkeys(branch.get("properties", {})))
                found = _property(branch, part)
                if found is not None:
                    inner.append(found)
        if not inner:
            raise Absent(tuple(names))
        return Shape(inner[0] if len(inner) == 1 else {"anyOf": inner}, self.root)

    def agrees(self, wanted: Shape) -> bool:
        """Whether a value of this shape may be one of the wanted shape: False only where none can."""
        return not any(True for _ in self.conflicts(wanted))

    def conflicts(self, wanted: Shape, depth: int = 0) -> Iterator[tuple[str | int, ...]]:
        """Where no value of this shape can be of the wanted one: () at the top, (0,) in the elements
        of a list that has some, ("to",) in a field."""
        shared = self.kinds & wanted.kinds
        if not shared:
            yield ()
        elif depth < 4 and shared == {"array"}:
            for place in self.at(0).conflicts(wanted.at(0), depth + 1):
                yield (0, *place)
        elif depth < 4 and shared == {"object"}:
            for name in sorted(wanted.required() | (self.required() & set(wanted.names()))):
                try:
                    mine, other = self.at(name), wanted.at(name)
                except Absent:
                    yield (name,)
                    continue
                for place in mine.conflicts(other, depth + 1):
                    yield (name, *place)

    def names(self) -> tuple[str, ...]:
        """The fields an object of this shape is said to have."""
        branches = self.branches()
        return tuple(dict.fromkeys(n for branch in branches for n in branch.get("properties", {})))

    def required(self) -> frozenset[str]:
        """The fields it has in any case."""
        sets = [frozenset(branch.get("required", ())) for branch in self.branches()]
        return frozenset.intersection(*sets) if sets else frozenset()

    def branches(self) -> Iterator[Mapping[str, Any]]:
        """Each of the schemas one of which holds."""
        stack = [(self.schema, 0)]
        while stack:
            schema, depth = stack.pop()
            if not isinstance(schema, Mapping) or depth > _DEEPEST:
                yield {}
                continue
            reference = schema.get("$ref")
            if isinstance(reference, str):
                stack.append((self._referred(reference), depth + 1))
                continue
            choices = schema.get("anyOf") or schema.get("oneOf")
            if isinstance(choices, list):
                stack.extend((choice, depth + 1) for choice in choices)
            elif isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:
                stack.append((schema["allOf"][0], depth + 1))
            else:
                yield schema

    def _referred(self, reference: str) -> Any:
        value: Any = self.root
        for part in reference.removeprefix("#/").split("/"):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


def _kinds(schema: Mapping[str, Any]) -> frozenset[str]:
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return frozenset({kinds})
    if isinstance(kinds, list):
        return frozenset(kinds)
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(values, list):
        return frozenset(map(kind_of, values))
    return frozenset({"object"}) if "properties" in schema else KINDS


def kind_of(value: Any) -> str:
    for type_, kind in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, type_):
            return kind
    if value is None:
        return "null"
    return "array" if isinstance(value, (list, tuple)) else "object"


def _property(schema: Mapping[str, Any], name: str) -> Any:
    """None when the object surely has no such property."""
    properties = schema.get("properties", {})
    if name in properties:
        return properties[name]
    more = schema.get("additionalProperties", not properties)
    if schema.get("patternProperties"):
        return {}
    if isinstance(more, Mapping):
        return more
    return {} if more else None


def _item(schema: Mapping[str, Any], index: int) -> Any:
    first = schema.get("prefixItems", [])
    return first[index] if 0 <= index < len(first) else schema.get("items", {})
