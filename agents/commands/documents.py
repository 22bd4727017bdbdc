"""Plan documents in files: as JSON, in pipe syntax, as Python."""

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
    """The plan that `text` of `file` says, in the form of the file's name; on standard input in the form
    it looks like. `catalogue` fills arguments that pipe syntax leaves out; Python is not run.

    Raises `Invalid`: PLAN_FILE_INVALID, COMPILE_PIPE_*, COMPILE_PYTHON_*.
    """
    suffix = _looks_like(text) if str(file) == "-" else file.suffix
    if suffix == ".pipe":
        from backend.plans.pipe import parse_pipe

        return parse_pipe(text, catalogue)
    if suffix == ".py":
        from backend.plans.export import from_python

        return from_python(text)
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

        return to_pipe(plan).encode()
    if file.suffix == ".py":
        from backend.plans.export import to_python

        return to_python(plan).encode()
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


def _looks_like(text: str) -> str:
    start = text.lstrip()[:1]
    if start not in ("{", "[") and "PlanDocument(" in text:
        return ".py"
    return ".json" if start in ("{", "[", '"', "") else ".pipe"


def _plain_data(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    return value.model_dump(mode="json")
