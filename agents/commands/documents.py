"""Plan documents in files, as JSON or in pipe syntax."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from backend.contracts.errors import Invalid
from backend.contracts.plans import TIMED_KINDS, Catalogue, PlanDocument

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


def parse_document(text: str, file: Path, catalogue: Catalogue | None = None) -> Any:
    """The plan that `text` of `file` says: pipe syntax where the name or the first character says so,
    else JSON. `catalogue` fills arguments that pipe syntax leaves out.

    Raises `Invalid`: PLAN_FILE_INVALID, COMPILE_PIPE_SYNTAX.
    """
    if file.suffix == ".pipe" or (str(file) == "-" and _is_no_json(text)):
        from backend.plans.pipe import parse_pipe

        return parse_pipe(text, catalogue)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise bad_file(f"{file} is not JSON: {error}.") from error


def read_document(file: Path, catalogue: Catalogue | None = None) -> Any:
    return parse_document(read_text(file), file, catalogue)


def as_document(plan: PlanDocument) -> dict[str, Any]:
    """A plan as it is written down: nothing that goes without saying."""
    return plan.model_dump(mode="json", exclude_defaults=True)


def written(plan: PlanDocument, file: Path) -> bytes:
    """A plan as a file of that name holds it. Raises `Invalid` where its form cannot say it."""
    if file.suffix == ".pipe":
        from backend.plans.pipe import to_pipe

        return to_pipe(plan).encode() + b"\n"
    return indented(as_document(plan)) + b"\n"


def write_file(file: Path, content: bytes) -> None:
    """Raises `Invalid` (PLAN_FILE_INVALID) where nothing can be written."""
    try:
        file.write_bytes(content)
    except OSError as error:
        raise bad_file(f"{file} cannot be written: {error.strerror}.") from error


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


def _is_no_json(text: str) -> bool:
    start = text.lstrip()[:1]
    return bool(start) and start not in '{["' and ("--" in text or ">>" in text)


def _plain_data(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    return value.model_dump(mode="json")
