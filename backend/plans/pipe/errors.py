"""Pipe text that cannot be read: where, and why."""

from __future__ import annotations

from collections.abc import Iterable

from backend.contracts.errors import Invalid, Issue

_SHOWN = 60


class Misread(Invalid):
    """Pipe text that cannot be read. `line` and `column` count from 1; `excerpt` is the line with a
    caret below the place, for a reader of fixed-width text."""

    code = "COMPILE_PIPE_SYNTAX"

    def __init__(
        self, text: str, at: int, message: str, *, hint: str = "", expected: Iterable[str] = ()
    ) -> None:
        start = text.rfind("\n", 0, at) + 1
        self.line = text.count("\n", 0, at) + 1
        self.column = at - start + 1
        self.expected = tuple(expected)
        self.excerpt = _excerpt(text, start, at)
        said = f"Line {self.line}, column {self.column}: {message}"
        issue = Issue(code=self.code, message=said, suggestion=hint, available=self.expected)
        super().__init__(said, hint=hint, issues=(issue,))


def _excerpt(text: str, start: int, at: int) -> str:
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    first, last = max(start, at - _SHOWN), min(end, at + _SHOWN)
    left, right = "…" * (first > start), "…" * (last < end)
    line = "".join(mark if mark.isprintable() else " " for mark in text[first:last])
    return f"{left}{line}{right}\n{' ' * (len(left) + at - first)}^"
