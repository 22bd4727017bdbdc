"""Whether a value is what a plan's input declares."""

from __future__ import annotations

from typing import Any

from backend.contracts.plans import Input

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def fits(value: Any, spec: Input) -> bool:
    """By its type and, where there is one, its list of values. True is no number."""
    if isinstance(value, bool) and spec.type != "boolean":
        return False
    return isinstance(value, _TYPES[spec.type]) and (spec.enum is None or value in spec.enum)
