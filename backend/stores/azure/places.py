"""Where a document lies in Cosmos DB: its container, its partition, its item's id."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from backend.contracts.ports import Document
from backend.stores.azure.containers import DOCUMENTS

SAFE = frozenset(string.ascii_letters + string.digits + "-_.")
LONGEST = 255  # Cosmos DB takes 1,023 bytes as an id and 2,048 as a partition key


@dataclass(frozen=True, slots=True)
class Layout:
    """The container of a kind, and what its documents are partitioned by."""

    container: str = DOCUMENTS
    by: Literal["owner", "parent", "id"] = "owner"


def layouts(
    users: str = "users", schedules: str = "schedules", repos: str = "repos"
) -> Mapping[str, Layout]:
    """The kinds that do not lie with their owner's other documents. Names as in `containers`."""
    return {
        "user": Layout(users, "id"),
        "login-link": Layout(users, "id"),
        "schedule": Layout(schedules, "id"),
        "file": Layout(repos),
        "checkpoint": Layout(by="parent"),
        "checkpoint.write": Layout(by="parent"),
    }


def escaped(text: str) -> str:
    """Text that any id or partition key can be; different for different texts."""
    if len(text) <= LONGEST:
        code = "".join(c if c in SAFE else _bytes(c).hex("~").join(("~", "")) for c in text)
        if len(code) <= LONGEST:
            return code
    return "~~" + hashlib.sha256(_bytes(text)).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def item_id(kind: str, id: str) -> str:
    return f"{escaped(kind)}~.{escaped(id)}"


def partition(layout: Layout, document: Document) -> str:
    """The partition a document belongs in."""
    if layout.by == "owner":
        return of_owner(document.owner)
    if layout.by == "parent":
        return of_parent(document.parent or "")
    return item_id(document.kind, document.id)


def of_owner(owner: str) -> str:
    return f"owner:{escaped(owner)}"


def of_parent(parent: str) -> str:
    return f"parent:{escaped(parent)}"


def of_reservation(id: str) -> str:
    """The partition of the reservation on an item's id."""
    return f"reserved:{id}"
