"""Paths into a plan document: "steps/2/args/to". A slash inside a key is written `~1`, a tilde `~0`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def join(*parts: str | int) -> str:
    return "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def split(path: str) -> tuple[str, ...]:
    if not path:
        return ()
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in path.split("/"))


def follow(value: Any, parts: Iterable[str | int]) -> Any:
    """The value at a path. Raises `LookupError` when there is none."""
    for part in parts:
        if isinstance(value, dict):
            value = value[part]
        elif isinstance(value, list) and str(part).isdecimal():
            value = value[int(part)]
        else:
            raise LookupError(part)
    return value
