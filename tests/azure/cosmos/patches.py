"""Partial updates of an item."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

MAX_OPERATIONS = 10


class Impossible(Exception):
    """A patch that the service does not take."""


def apply(item: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not 0 < len(operations) <= MAX_OPERATIONS:
        raise Impossible(f"A patch has 1 to {MAX_OPERATIONS} operations.")
    changed = copy.deepcopy(dict(item))
    for operation in operations:
        _apply(changed, operation)
    return changed


def _apply(item: dict[str, Any], operation: Mapping[str, Any]) -> None:
    kind, path = operation["op"].lower(), operation["path"]
    if path == "/id" or path.startswith("/_"):
        raise Impossible(f"{path} cannot be patched.")
    *parents, name = path.strip("/").split("/")
    place: Any = item
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place.get(parent)
        if not isinstance(place, (dict, list)):
            raise Impossible(f"There is no {path}.")
    if isinstance(place, list):
        _apply_to_list(place, kind, name, operation)
    elif kind in ("set", "add"):
        place[name] = operation["value"]
    elif name not in place and kind != "incr":
        raise Impossible(f"There is no {path}.")
    elif kind == "replace":
        place[name] = operation["value"]
    elif kind == "remove":
        del place[name]
    elif kind == "incr":
        place[name] = place.get(name, 0) + operation["value"]
    else:
        raise Impossible(f"The operation {kind} is not known here.")


def _apply_to_list(place: list[Any], kind: str, name: str, operation: Mapping[str, Any]) -> None:
    if kind == "add" and name == "-":
        place.append(operation["value"])
    elif kind == "add":
        place.insert(int(name), operation["value"])
    elif kind in ("set", "replace"):
        place[int(name)] = operation["value"]
    elif kind == "remove":
        del place[int(name)]
    else:
        raise Impossible(f"The operation {kind} is not known for lists here.")
