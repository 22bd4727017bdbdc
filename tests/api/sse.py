"""Reading Server-Sent Events the way a browser does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

LIVE = {"Accept": "text/event-stream"}


@dataclass
class Message:
    event: str
    data: dict[str, Any]
    last_id: str


async def messages(answer: httpx.Response) -> AsyncIterator[Message]:
    event, data, last_id = "message", "", ""
    async for line in answer.aiter_lines():
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line and data:
            yield Message(event, json.loads(data), last_id)
            event, data = "message", ""
        elif field == "event":
            event = value
        elif field == "data":
            data += value
        elif field == "id":
            last_id = value


async def followed(
    client: httpx.AsyncClient, run_id: str, headers: dict[str, str] | None = None
) -> list[Message]:
    """Everything the stream of a run says until it closes."""
    path = f"/api/runs/{run_id}/events"
    async with client.stream("GET", path, headers=LIVE | (headers or {})) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [message async for message in messages(answer)]
