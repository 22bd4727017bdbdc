"""What stands in square brackets behind a step: how it joins, retries, ends and what it announces."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from backend.plans.pipe.scan import Scanner, Value
from backend.plans.validation.subject import did_you_mean, nearest

UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PERIOD = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([smhdw])")
_NAME = re.compile(r"([A-Za-z_]+)\s*=\s*")


def settings(on: Scanner) -> dict[str, Any]:
    """The fields of a step that `[retry=3, join=any]` gives; the cursor is behind the first bracket."""
    found: dict[str, Any] = {}
    while True:
        on.blanks()
        if on.takes("]"):
            return found
        at = on.at
        name = on.match(_NAME)
        if name is None:
            on.expected("a setting", hint=f"These are known: {', '.join(sorted(_FIELDS))}.")
        if name[1] not in _FIELDS:
            near = tuple(nearest(name[1], _FIELDS)) or tuple(sorted(_FIELDS))
            on.fail(
                f"there is no setting “{name[1]}”.", at=at, hint=did_you_mean(near), expected=near
            )
        field, read = _FIELDS[name[1]]
        if field in found:
            on.fail(f"“{name[1]}” is given twice.", at=at)
        found[field] = read(on, on.value(",]"))
        on.blanks()
        if not on.takes(",") and not on.sees("]"):
            on.expected("“,” or “]”")


def seconds(on: Scanner, value: Value) -> int | float:
    """A number of seconds, or a time like 90s, 5m, 2h, 1d."""
    if isinstance(value.value, int | float) and not isinstance(value.value, bool):
        return value.value
    found = _PERIOD.fullmatch(value.text)
    if found is None:
        on.fail("this is no length of time.", at=value.at, hint="Write 90s, 5m, 2h or 1d.")
    length = float(found[1]) * UNITS[found[2]]
    return int(length) if length.is_integer() else length


def period(on: Scanner, value: Value) -> int:
    """A whole number of seconds."""
    length = seconds(on, value)
    if length != int(length):
        on.fail("this is no whole number of seconds.", at=value.at)
    return int(length)


def whole(on: Scanner, value: Value) -> int:
    if not isinstance(value.value, int) or isinstance(value.value, bool):
        on.fail("this is no whole number.", at=value.at)
    return value.value


def _text(on: Scanner, value: Value) -> str:
    return value.text


def _texts(on: Scanner, value: Value) -> list[Any]:
    return value.value if isinstance(value.value, list) else [value.text]


def _retry(on: Scanner, value: Value) -> dict[str, Any]:
    if isinstance(value.value, dict):
        return value.value
    return {"max_attempts": whole(on, value)}


_FIELDS: Final[dict[str, tuple[str, Callable[[Scanner, Value], Any]]]] = {
    "join": ("join", _text),
    "retry": ("retry", _retry),
    "timeout": ("timeout_s", seconds),
    "on_error": ("on_error", _text),
    "emits": ("emits", _texts),
    "max_parallel": ("max_parallel", whole),
    "description": ("description", _text),
}
