"""JSON that takes whatever tools and people bring."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from backend.contracts.errors import Invalid


def encode(value: Any) -> bytes:
    """JSON. Integers beyond 64 bits become floats, broken surrogates question marks, keys text; anything
    else that is not JSON raises `Invalid`."""
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError:
        return orjson.dumps(_mended(value, 0))


def decode(body: bytes) -> Any:
    return orjson.loads(body)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _mended(value: Any, depth: int) -> Any:
    if depth > 200:
        raise Invalid("A value is nested too deeply.", code="EXEC_VALUE_NOT_JSON")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if value is None or isinstance(value, (bool, datetime)):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else _as_float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_mended(str(key), 0): _mended(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_mended(item, depth + 1) for item in value]
    raise Invalid(f"A {type(value).__name__} is not JSON.", code="EXEC_VALUE_NOT_JSON")


def _as_float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None
