"""Events as bodies of messages, with what the log does not say of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from backend.bus.codec import decode_event, refers, restored
from backend.bus.settling import partition
from backend.contracts.events import Event
from backend.contracts.ports import Blobs, Output
from backend.stores.encoding import encode

LARGEST_BYTES = 190_000
"""Of a body: a message of Service Bus holds 256 kB, headers and all, in its standard tier."""
LONGEST_NAME = 128
"""Characters of a message's id and of a session's."""
FARTHEST = timedelta(days=3650)
"""What is due later is looked at again then: time in Service Bus ends before ours."""


@dataclass(frozen=True, slots=True)
class Via:
    """How a message came to be. `stream` where it is too long to be a session's id; `origin` is the
    stream whose commit sent this work; `attempts` were made of it under other message ids; `due` when it
    was sent to be looked at earlier."""

    stream: str | None = None
    origin: str | None = None
    attempts: int = 0
    due: str | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message to be sent. `id` is known to duplicate detection; `session` None: to the work queue."""

    id: str
    session: str | None
    body: bytes
    due: datetime | None = None


def name(text: str) -> str:
    """Itself, or its digest when Service Bus would not take it."""
    if len(text) <= LONGEST_NAME:
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def packed(
    output: Output,
    event_json: bytes,
    blobs: Blobs,
    now: datetime,
    via: Via | None = None,
    id: str = "",
) -> Parcel:
    """`id` makes it another message than the one of the same event that was sent before."""
    stream, via, due = partition(output), via or Via(), output.due
    if stream is not None and name(stream) != stream:
        via = replace(via, stream=stream)
    if due is not None and due - now > FARTHEST:
        via = replace(via, due=due.isoformat())
        due = now + FARTHEST
    said = {key: value for key, value in _fields(via).items() if value}
    body = _with(event_json, said)
    if len(body) > LARGEST_BYTES:
        owner = output.event.user_id
        body = encode({"owner": owner, "whole": await blobs.put(owner, event_json), "via": said})
    session = None if stream is None else name(stream)
    return Parcel(name(id or output.event.id), session, body, due)


async def unpacked(body: bytes, blobs: Blobs) -> tuple[Event, Via]:
    """Raises `NotFound` when a large value is gone, `ValueError` when what is there is damaged."""
    raw = orjson.loads(body)
    via = Via(**raw.get("via", {}))
    if "whole" in raw:
        body = await blobs.get(raw["owner"], raw["whole"])
    try:
        event = decode_event(body)
    except (KeyError, TypeError) as error:
        raise ValueError(f"This is not an event: {error!r}") from error
    return (await restored(event, blobs) if refers(event) else event), via


def _with(event_json: bytes, said: dict[str, Any]) -> bytes:
    return event_json[:-1] + b',"via":' + encode(said) + b"}" if said else event_json


def _fields(via: Via) -> dict[str, Any]:
    return {
        "stream": via.stream,
        "origin": via.origin,
        "attempts": via.attempts,
        "due": via.due,
    }
