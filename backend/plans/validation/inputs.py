"""V4: what a run is started with: defaults and choices are of the declared type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backend.contracts.errors import Fix, Issue
from backend.contracts.plans import Input
from backend.plans import pointer
from backend.plans.validation.conversions import candidates, retyped
from backend.plans.validation.literals import validator
from backend.plans.validation.order import Order
from backend.plans.validation.schema import KIND_WORDS, Shape, kind_of
from backend.plans.validation.subject import Subject


def inputs(subject: Subject, _: Order) -> Iterator[Issue]:
    for name, given in subject.document.inputs.items():
        yield from _types(name, given)
        yield from _default(name, given)


def _types(name: str, given: Input) -> Iterator[Issue]:
    values: list[tuple[tuple[str | int, ...], Any]] = []
    if given.default is not None:
        values.append((("default",), given.default))
    values += [(("enum", index), value) for index, value in enumerate(given.enum or ())]
    for where, value in values:
        if not _of_type(given, value):
            path = pointer.join("inputs", name, *where)
            meant = [v for v in retyped(value, (given.type,)) if _of_type(given, v)]
            if where == ("default",):
                meant = [v for v in meant if _allowed(given, v)]
            yield Issue(
                code="PLAN_INPUT_INVALID",
                message=f"Input “{name}” must be {KIND_WORDS[given.type]}.",
                path=path,
                fix=_fix(path, meant),
            )


def _default(name: str, given: Input) -> Iterator[Issue]:
    if given.default is None or not _of_type(given, given.default):
        return
    path = f"inputs/{name}/default"
    if given.format and not _is(given.format, given.default):
        meant = candidates(given.default, "format", {"format": given.format})
        yield Issue(
            code="PLAN_INPUT_INVALID",
            message=f"The default of input “{name}” is not of the format “{given.format}”.",
            path=path,
            fix=_fix(path, [value for value in meant if _allowed(given, value)]),
        )
    elif given.enum is not None and given.default not in given.enum:
        meant = candidates(given.default, "enum", {"options": given.enum})
        yield Issue(
            code="PLAN_INPUT_INVALID",
            message=f"The default of input “{name}” is not one of its values.",
            path=path,
            available=tuple(map(str, given.enum)),
            fix=_fix(path, [value for value in meant if _allowed(given, value)]),
        )


def _of_type(given: Input, value: Any) -> bool:
    return kind_of(value) in Shape({"type": given.type}).kinds


def _allowed(given: Input, value: Any) -> bool:
    sound = _of_type(given, value) and (not given.format or _is(given.format, value))
    return sound and (given.enum is None or value in given.enum)


def _is(format: str, value: Any) -> bool:
    return validator({"format": format}).is_valid(value)


def _fix(path: str, meant: list[Any]) -> Fix | None:
    return Fix(path=path, value=meant[0], label=f"Use {str(meant[0])[:60]}") if meant else None
