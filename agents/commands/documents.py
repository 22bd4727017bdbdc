"""Plan documents in files, whatever they are written in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from backend.contracts.errors import Invalid
from backend.contracts.plans import TIMED_KINDS, PlanDocument

MAX_BYTES = 2_000_000


def read_text(file: Path) -> str:
    """What is in `file` ("-": standard input). Raises `Invalid` (PLAN_FILE_INVALID)."""
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
    except OSError as error:
        raise bad_file(f"{file} cannot be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise bad_file(f"{file} is larger than {MAX_BYTES:,} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise bad_file(f"{file} is not text.") from error


def read_json(file: Path) -> Any:
    """The JSON in `file`. Raises `Invalid` (PLAN_FILE_INVALID)."""
    try:
        return orjson.loads(read_text(file))
    except orjson.JSONDecodeError as error:
        raise bad_file(f"{file} is not JSON: {error}.") from error


def read_document(file: Path) -> Any:
    """The plan in `file`, as data. Raises `Invalid` (PLAN_FILE_INVALID)."""
    return read_json(file)


def as_document(plan: PlanDocument) -> dict[str, Any]:
    """A plan as it is written down: nothing that goes without saying."""
    return plan.model_dump(mode="json", exclude_defaults=True)


def write_file(file: Path, content: bytes) -> None:
    """Raises `Invalid` (PLAN_FILE_INVALID) where nothing can be written."""
    try:
        file.write_bytes(content)
    except OSError as error:
        raise bad_file(f"{file} cannot be written: {error.strerror}.") from error


def write_document(file: Path, document: Mapping[str, Any]) -> None:
    write_file(file, indented(document) + b"\n")


def indented(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=_plain_data)


def run_once(document: PlanDocument) -> tuple[PlanDocument, bool]:
    """The document with its timed triggers made manual, and whether there were any."""
    events = [
        {"name": trigger.name, "kind": "manual"}
        if trigger.kind in TIMED_KINDS
        else trigger.model_dump(mode="json", exclude_none=True)
        for trigger in document.events
    ]
    timed = any(trigger.kind in TIMED_KINDS for trigger in document.events)
    return PlanDocument.model_validate(as_document(document) | {"events": events}), timed


def bad_file(message: str) -> Invalid:
    return Invalid(message, code="PLAN_FILE_INVALID")


def _plain_data(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    return value.model_dump(mode="json")
