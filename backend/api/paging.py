"""Lists in pages, by cursor."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

Item = TypeVar("Item")

Cursor = Annotated[
    str | None, Query(max_length=4096, description="`cursor` of the page before; none: the first.")
]
Limit = Annotated[int, Query(ge=1, le=200)]


class Paged(BaseModel, Generic[Item]):
    """`cursor` is for the next page; null on the last."""

    items: list[Item]
    cursor: str | None = None
