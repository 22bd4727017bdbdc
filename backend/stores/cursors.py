"""Opaque cursors: the place in a list of what came last."""

from __future__ import annotations

import base64

import orjson

from backend.contracts.errors import Invalid
from backend.contracts.ports import Document


def cursor(document: Document) -> str:
    place = orjson.dumps([document.sort, document.id])
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def place(cursor: str) -> tuple[str, str]:
    """The sort and id a cursor stands for. Raises `Invalid` for what is no cursor."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        found = None
    match found:
        case [str(sort), str(id)]:
            return sort, id
    raise Invalid("This cursor is not one of ours.", code="EXEC_CURSOR_INVALID")
