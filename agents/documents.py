"""Plan documents in files, and the inputs a command line gives them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from backend.contracts.errors import Invalid
from backend.contracts.plans import TIMED_KINDS, Input, PlanDocument

MAX_BYTES = 2_000_000
STDIN_INPUT = "stdin"


def read_document(file: Path) -> Any:
    """The JSON in `file` ("-": standard input). Raises `Invalid` (PLAN_FILE_INVALID)."""
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
    except OSError as error:
        raise _bad(f"{file} cannot be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise _bad(f"{file} is larger than {MAX_BYTES:,} bytes.")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _bad(f"{file} is not JSON: {error}.") from error


def write_document(file: Path, content: bytes) -> None:
    """Raises `Invalid` (PLAN_FILE_INVALID) where nothing can be written."""
    try:
        file.write_bytes(content + b"\n")
    except OSError as error:
        raise _bad(f"{file} cannot be written: {error.strerror}.") from error


def run_once(document: PlanDocument) -> tuple[PlanDocument, bool]:
    """The document with its timed triggers made manual, and whether there were any."""
    events = [
        {"name": trigger.name, "kind": "manual"}
        if trigger.kind in TIMED_KINDS
        else trigger.model_dump(mode="json", exclude_none=True)
        for trigger in document.events
    ]
    timed = any(trigger.kind in TIMED_KINDS for trigger in document.events)
    data = document.model_dump(mode="json", exclude_defaults=True)
    return PlanDocument.model_validate(data | {"events": events}), timed


def parse_inputs(declared: Mapping[str, Input], given: Sequence[str]) -> dict[str, Any]:
    """`name=value` pairs as values of the declared types; text as it is, the rest as JSON.

    A declared input `stdin` that is not given is what comes in by a pipe.
    """
    values: dict[str, Any] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise _bad_input(f"{pair!r} is not name=value.")
        spec = declared.get(name)
        values[name] = text if spec is None or spec.type == "string" else _value(name, text)
    if STDIN_INPUT in declared and STDIN_INPUT not in values and not sys.stdin.isatty():
        values[STDIN_INPUT] = sys.stdin.read(MAX_BYTES)
    return values


def _value(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad_input(f"The value of {name} is not JSON: {text!r}.") from error


def _bad(message: str) -> Invalid:
    return Invalid(message, code="PLAN_FILE_INVALID")


def _bad_input(message: str) -> Invalid:
    return Invalid(message, code="PLAN_INPUTS_INVALID", hint="Give inputs as --input name=value.")
