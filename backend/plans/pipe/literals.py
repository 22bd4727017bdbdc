"""Values as pipe text: bare where that reads back, quoted where not."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from backend.plans.pipe.errors import Misread
from backend.plans.pipe.scan import EXACT, MAX_DEPTH, Scanner, closing, literal
from backend.plans.pipe.settings import UNITS

_BARE = re.compile(
    r"(?:[\w./:@%+,=&?~!*-]|\$\{[\w.\[\] -]+(?: \?\? (?:\"[\w .,:-]*\"|[\w.\[\]{}-]+) ?)?\})+"
)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def written(value: Any) -> str:
    """An argument's value. It must be one that `unwritable` has no objection to."""
    if isinstance(value, str):
        return bare(value) or quoted(value)
    return exact(value)


def bare(text: str) -> str:
    """The text itself where it is read back as the same text; else ""."""
    if not _BARE.fullmatch(text) or literal(text) != text or _hidden(text):
        return ""
    try:
        read = Scanner(f"{text} )").value()
    except Misread:
        return ""
    return text if read.value == text else ""


def quoted(text: str) -> str:
    """In double quotes; what cannot be seen is escaped."""
    return _visible(json.dumps(text, ensure_ascii=False))


def exact(value: Any) -> str:
    return _visible(json.dumps(value, ensure_ascii=False))


def condition(text: str) -> str:
    """`?(…)`, or in quotes where its brackets or quotes do not match."""
    inside = f"({text})"
    fits = text and text == text.strip() and closing(inside, 0) == len(inside) - 1
    return f"?{inside}" if fits and not _hidden(text) else f"?{quoted(text)}"


def period(seconds: float) -> str:
    """90s, 5m, 2h, 1d; a number where it is no whole number of seconds."""
    if seconds != int(seconds):
        return exact(seconds)
    unit = max((unit for unit in UNITS if seconds % UNITS[unit] == 0), key=UNITS.__getitem__)
    return f"{int(seconds) // UNITS[unit]}{unit}"


def unwritable(value: Any) -> str:
    """Why this value has no exact text; "" for none."""
    stack = [(value, 0)]
    while stack:
        value, depth = stack.pop()
        match value:
            case dict() | list() if depth >= MAX_DEPTH:
                return f"a value more than {MAX_DEPTH} levels deep"
            case dict():
                if not all(isinstance(key, str) for key in value):
                    return "an object whose keys are no text"
                stack.extend((inner, depth + 1) for pair in value.items() for inner in pair)
            case list():
                stack.extend((inner, depth + 1) for inner in value)
            case str() if any(_surrogates(value)):
                return "half a character"
            case bool() | None | str():
                continue
            case int() if abs(value) > EXACT:
                return "a whole number too large to be exact"
            case int():
                continue
            case float() if math.isfinite(value):
                continue
            case _:
                return "a value that is no JSON"
    return ""


def _surrogates(text: str) -> Iterator[str]:
    return (mark for mark in text if "\ud800" <= mark <= "\udfff")


def _hidden(text: str) -> bool:
    return any(unicodedata.category(mark) in _HIDDEN for mark in text)


def _visible(text: str) -> str:
    if text.isascii() or not _hidden(text):
        return text
    return "".join(
        json.dumps(mark)[1:-1] if unicodedata.category(mark) in _HIDDEN else mark for mark in text
    )
