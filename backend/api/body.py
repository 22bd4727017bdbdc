"""Request bodies: strict JSON of bounded size and depth."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

MAX_BYTES = 2_000_000
_MAX_DEPTH = 64


class StrictRequest(Request):
    """Refuses what is too large while it comes, and what the JSON of the standard library lets
    through: NaN, lone surrogates, towers."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            declared = self.headers.get("content-length", "")
            if declared.isdecimal() and int(declared) > MAX_BYTES:
                raise _too_large()
            chunks: list[bytes] = []
            size = 0
            async for chunk in self.stream():
                size += len(chunk)
                if size > MAX_BYTES:
                    raise _too_large()
                chunks.append(chunk)
            self._body = b"".join(chunks)
        return self._body

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            value = orjson.loads(await self.body())
            if _deeper_than(value, _MAX_DEPTH):
                raise json.JSONDecodeError(f"nested deeper than {_MAX_DEPTH} levels", "", 0)
            self._json = value
        return self._json


class StrictRoute(APIRoute):
    """A route whose body is read by `StrictRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return handle


def _too_large() -> HTTPException:
    # Not our own `TooLarge`: FastAPI lets no other exception out of reading a body.
    return HTTPException(413, f"A request has at most {MAX_BYTES:,} bytes.")


def _deeper_than(value: Any, limit: int) -> bool:
    layer = [value]
    for _ in range(limit):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return False
    return True
