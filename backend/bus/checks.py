"""What callers bring, checked the same way by every bus."""

from __future__ import annotations

from collections.abc import Iterable

from backend.contracts.errors import Invalid
from backend.contracts.ports import Output


def position(cursor: str | None) -> int:
    """The position a cursor stands for. Raises `Invalid` when it is not one."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 16):
        raise Invalid("This cursor is not one of ours.", code="EXEC_CURSOR_INVALID")
    return int(cursor)


def check(outputs: Iterable[Output]) -> None:
    """Raises `Invalid` when an output cannot be delivered or its due time has no zone."""
    for output in outputs:
        if output.lane == "stream" and output.stream is None:
            raise Invalid(f"{output.event.type} needs a stream.", code="EXEC_EVENT_INVALID")
        if output.due is not None and output.due.tzinfo is None:
            raise Invalid(f"{output.event.type} is due without a zone.", code="EXEC_EVENT_INVALID")
