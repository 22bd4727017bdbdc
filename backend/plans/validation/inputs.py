"""V4: what a run is started with: defaults and choices are of the declared type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backend.contracts.errors import Issue
from backend.contracts.plans import Input
from backend.plans.validation.literals import validator
from backend.plans.validation.order import Order
from backend.plans.validation.schema import KIND_WORDS, Shape, kind_of
from backend.plans.validation.subject import Subject


def inputs(subject: Subject, _: Order) -> Iterator[Issue]:
    for name, given in subject.document.inputs.items():
        yield from _default(name, given)


def _default(name: str, given: Input) -> Iterator[Issue]:
    values = [("default", given.default)] if given.default is not None else []
    values += [(f"enum/{index}", value) for index, value in enumerate(given.enum or ())]
    wanted = Shape({"type": given.type})
    for where, value in values:
        if kind_of(value) not in wanted.kinds:
            yield Issue(
                code="PLAN_INPUT_INVALID",
                message=f"Input “{name}” must be {KIND_WORDS[given.type]}.",
                path=f"inputs/{name}/{where}",
            )
    if given.format and given.default is not None and not _is(given.format, given.default):
        yield Issue(
            code="PLAN_INPUT_INVALID",
            message=f"The default of input “{name}” is not of the format “{given.format}”.",
            path=f"inputs/{name}/default",
        )
    if given.enum is not None and given.default is not None and given.default not in given.enum:
        yield Issue(
            code="PLAN_INPUT_INVALID",
            message=f"The default of input “{name}” is not one of its values.",
            path=f"inputs/{name}/default",
            available=tuple(map(str, given.enum)),
        )


def _is(format: str, value: Any) -> bool:
    return validator({"format": format}).is_valid(value)
