"""Data flow: `${step.output}` references inside arguments, found and filled in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NoReturn

from backend.contracts.errors import Invalid, Issue

MAX_TEXT = 10_000_000
MAX_DEPTH = 100

_ROOT = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_-]*)")
_SEGMENT = re.compile(r"\.([A-Za-z0-9_-]+)|\[(-?[0-9]{1,9})\]")
_CLOSE = re.compile(r"\s*\}")
_DEFAULT = re.compile(r"\s*\?\?\s*")
_MARK = re.compile(r"\$\$\{|\$\{")


@dataclass(frozen=True, slots=True)
class Reference:
    """`text` is as written, with its braces. `where` is its place inside the value it was found in."""

    root: str
    path: tuple[str | int, ...] = ()
    has_default: bool = False
    default: Any = None
    text: str = ""
    where: tuple[str | int, ...] = ()


class Binding:
    """A JSON value whose references are parsed, ready to be filled in many times."""

    __slots__ = ("_parts", "references")

    def __init__(self, value: Any) -> None:
        found: list[Reference] = []
        self._parts = _parse(value, (), found)
        self.references = tuple(found)

    def resolve(self, scope: Mapping[str, Any]) -> Any:
        """The value filled in from `scope`. Parts without references, and whole values that are
        referred to, are shared, never copied. Raises `Invalid` (EXEC_REFERENCE_MISSING,
        EXEC_VALUE_TOO_LARGE)."""
        return _resolve(self._parts, scope)


def references(value: Any) -> tuple[Reference, ...]:
    """All references in a JSON value. Raises `Invalid` (PLAN_REFERENCE_INVALID)."""
    return Binding(value).references


def resolve(value: Any, scope: Mapping[str, Any]) -> Any:
    """`Binding(value).resolve(scope)`. Raises `Invalid` as both do."""
    return Binding(value).resolve(scope)


# --- parsing ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class _Text:
    parts: tuple[str | Reference, ...]


@dataclass(frozen=True, slots=True)
class _Object:
    fields: tuple[tuple[str, _Parts], ...]


@dataclass(frozen=True, slots=True)
class _List:
    items: tuple[_Parts, ...]


_Parts = _Literal | Reference | _Text | _Object | _List


def _parse(value: Any, where: tuple[str | int, ...], found: list[Reference]) -> _Parts:
    if len(where) > MAX_DEPTH:
        raise Invalid("A value is nested too deeply.", code="PLAN_REFERENCE_INVALID")
    match value:
        case str() if "${" in value:
            return _parse_text(value, where, found)
        case Mapping():
            fields = tuple((k, _parse(v, (*where, k), found)) for k, v in value.items())
            same = all(_is_literal(parts, value[k]) for k, parts in fields)
            return _Literal(value) if same else _Object(fields)
        case list() | tuple():
            items = tuple(_parse(v, (*where, i), found) for i, v in enumerate(value))
            same = all(map(_is_literal, items, value))
            return _Literal(value) if same else _List(items)
    return _Literal(value)


def _is_literal(parts: _Parts, value: Any) -> bool:
    return isinstance(parts, _Literal) and parts.value is value


def _parse_text(text: str, where: tuple[str | int, ...], found: list[Reference]) -> _Parts:
    parts: list[str | Reference] = []
    at = 0
    while mark := _MARK.search(text, at):
        parts.append(text[at : mark.start()])
        if mark[0] == "$${":
            parts.append("${")
            at = mark.end()
            continue
        reference, at = _parse_reference(text, mark.start(), where)
        found.append(reference)
        parts.append(reference)
    parts.append(text[at:])
    kept = tuple(part for part in parts if part != "")
    if len(kept) == 1 and isinstance(kept[0], Reference):
        return kept[0]
    if all(isinstance(part, str) for part in kept):
        return _Literal("".join(map(str, kept)))
    return _Text(kept)


def _parse_reference(text: str, start: int, where: tuple[str | int, ...]) -> tuple[Reference, int]:
    root = _ROOT.match(text, start + 2)
    if root is None:
        _malformed(text, start)
    at = root.end()
    path: list[str | int] = []
    while segment := _SEGMENT.match(text, at):
        path.append(segment[1] if segment[1] is not None else int(segment[2]))
        at = segment.end()
    has_default, default = False, None
    if mark := _DEFAULT.match(text, at):
        has_default = True
        try:
            default, at = _JSON.raw_decode(text, mark.end())
        except (ValueError, RecursionError):
            _malformed(text, start)
    close = _CLOSE.match(text, at)
    if close is None:
        _malformed(text, start)
    whole = text[start : close.end()]
    return Reference(root[1], tuple(path), has_default, default, whole, where), close.end()


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


_JSON: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def _malformed(text: str, start: int) -> NoReturn:
    raise Invalid(
        f"`{text[start : start + 60]}` is not a reference.",
        code="PLAN_REFERENCE_INVALID",
        hint='Write ${step.output}, ${inputs.name} or, with a default, ${step.output ?? ""}; '
        "write $${ for a plain ${.",
    )


# --- filling in -------------------------------------------------------------------------------------


def _resolve(parts: _Parts, scope: Mapping[str, Any]) -> Any:
    match parts:
        case _Literal(value):
            return value
        case Reference():
            return _look_up(parts, scope)
        case _Object(fields):
            return {name: _resolve(value, scope) for name, value in fields}
        case _List(items):
            return [_resolve(value, scope) for value in items]
        case _Text(pieces):
            return _fill(pieces, scope)


def _fill(pieces: tuple[str | Reference, ...], scope: Mapping[str, Any]) -> str:
    length = 0
    texts: list[str] = []
    for piece in pieces:
        text = piece if isinstance(piece, str) else _as_text(_look_up(piece, scope))
        length += len(text)
        if length > MAX_TEXT:
            raise Invalid(
                f"A text grows beyond {MAX_TEXT} characters.", code="EXEC_VALUE_TOO_LARGE"
            )
        texts.append(text)
    return "".join(texts)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _look_up(reference: Reference, scope: Mapping[str, Any]) -> Any:
    value: Any = scope
    for segment in (reference.root, *reference.path):
        try:
            value = _step_into(value, segment)
        except (KeyError, IndexError):
            if reference.has_default:
                return reference.default
            raise _missing(reference, segment, value, at_root=value is scope) from None
    return reference.default if value is None and reference.has_default else value


def _step_into(value: Any, segment: str | int) -> Any:
    if isinstance(value, Mapping) and isinstance(segment, str):
        return value[segment]
    if isinstance(value, list | tuple):
        if isinstance(segment, int):
            return value[segment]
        if segment.isdecimal() and len(segment) < 10:
            return value[int(segment)]
    raise KeyError(segment)


def _missing(reference: Reference, segment: str | int, value: Any, *, at_root: bool) -> Invalid:
    available = tuple(_available(value))
    if at_root:
        reason = f"`{segment}` is not there"
    elif isinstance(value, list | tuple):
        reason = f"a list of {len(value)} has no `{segment}`"
    else:
        reason = f"there is no `{segment}`"
    names = f"Available: {', '.join(available)}. " if available else ""
    message = f"{reference.text[:200]}: {reason[:200]}."
    return Invalid(
        message,
        code="EXEC_REFERENCE_MISSING",
        hint=f'{names}A default can be given: ${{… ?? ""}}.',
        issues=(Issue(code="EXEC_REFERENCE_MISSING", message=message, available=available),),
    )


def _available(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (str(name)[:64] for name in islice(value, 20))
