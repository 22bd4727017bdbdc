"""The inputs of a run, as a command line gives them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from agents.commands.documents import MAX_BYTES
from backend.contracts.errors import Invalid
from backend.contracts.plans import Input

STDIN_INPUT = "stdin"
_NO_OVERRIDE = "Anything else is another plan: change the file, or say it to generate --after FILE."


def parse_inputs(
    declared: Mapping[str, Input], given: Sequence[str], options: Sequence[str] = ()
) -> dict[str, Any]:
    """`name=value` pairs and `--name=value` options as values of the declared types; text as it is, the
    rest as JSON. A declared input `stdin` that is not given is what comes in by a pipe.

    Raises `Invalid`: PLAN_INPUTS_INVALID.
    """
    pairs = [*map(_pair, given), *_named(declared, options)]
    values = {name: _value(declared.get(name), name, text) for name, text in pairs}
    if STDIN_INPUT in declared and STDIN_INPUT not in values and not sys.stdin.isatty():
        values[STDIN_INPUT] = sys.stdin.read(MAX_BYTES)
    return values


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise _bad(f"{text!r} is not name=value.")
    return name, value


def _named(declared: Mapping[str, Input], options: Sequence[str]) -> Iterator[tuple[str, str]]:
    """`--name=value`, `--name value` and, for a yes, `--name`."""
    left = list(options)
    while left:
        option = left.pop(0)
        name, equals, value = option.removeprefix("--").partition("=")
        if not option.startswith("--") or not name:
            raise _bad(f"{option!r} is not --name=value.")
        name = name if name in declared else name.replace("-", "_")
        if name not in declared:
            raise _no_input(name, declared)
        if not equals and declared[name].type == "boolean":
            value = "true"
        elif not equals:
            value = left.pop(0) if left else ""
        yield name, value


def _no_input(name: str, declared: Mapping[str, Input]) -> Invalid:
    there = f"Its inputs are {', '.join(declared)}." if declared else "It has none."
    return Invalid(
        f"--{name[:60]} is no input of this plan.",
        code="PLAN_INPUTS_INVALID",
        hint=f"{there} {_NO_OVERRIDE}",
    )


def _value(spec: Input | None, name: str, text: str) -> Any:
    if spec is None or spec.type == "string":
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad(f"The value of {name} is not JSON: {text!r}.") from error


def _bad(message: str) -> Invalid:
    return Invalid(
        message, code="PLAN_INPUTS_INVALID", hint="Give inputs as --name=value, or -i name=value."
    )
