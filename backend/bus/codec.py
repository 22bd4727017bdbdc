"""Events and commits as JSON, with large values kept apart in Blobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from backend.contracts.errors import NotFound
from backend.contracts.events import SCHEMA_VERSION, Event
from backend.contracts.ports import Blobs, Commit
from backend.contracts.security import Verdict
from backend.stores.encoding import encode

LARGE_BYTES = 32_000
REFERENCE = "$blob"
_MARK = b'"$blob"'


def _event(event: Event) -> dict[str, Any]:
    """Without what is as it mostly is: the log holds a few of these for every step."""
    body: dict[str, Any] = {
        "id": event.id,
        "type": event.type,
        "user": event.user_id,
        "time": event.timestamp,
        "data": event.data,
    }
    if event.source != "lightning":
        body["source"] = event.source
    if event.category != "internal":
        body["category"] = event.category
    if event.metadata:
        body["metadata"] = event.metadata
    if event.correlation_id:
        body["correlation"] = event.correlation_id
    if event.causation_id:
        body["causation"] = event.causation_id
    if event.schema_version != SCHEMA_VERSION:
        body["version"] = event.schema_version
    return body


def _as_event(body: dict[str, Any]) -> Event:
    get = body.get
    return Event(
        body["id"],
        body["type"],
        body["user"],
        datetime.fromisoformat(body["time"]),
        body["data"],
        get("source", "lightning"),
        get("category", "internal"),
        get("metadata", {}),
        get("correlation", ""),
        get("causation", ""),
        get("version", SCHEMA_VERSION),
    )


async def encode_event(event: Event, blobs: Blobs) -> bytes:
    """The event's JSON; top-level values of `data` over `LARGE_BYTES` go to `blobs` first."""
    body = encode_small(event)
    return body if body is not None else encode_event_whole(await _lightened(event, blobs))


def encode_small(event: Event) -> bytes | None:
    """The event's JSON, or None when it has values that belong in `Blobs`."""
    body = encode_event_whole(event)
    # A value that looks like a reference must not be taken for one when it is read again.
    return None if len(body) > LARGE_BYTES or _MARK in body else body


def encode_event_whole(event: Event) -> bytes:
    """The event's JSON, large values and all."""
    return encode(_event(event))


async def _lightened(event: Event, blobs: Blobs) -> Event:
    data = dict(event.data)
    for key, value in data.items():
        body = encode(value)
        if len(body) > LARGE_BYTES or (isinstance(value, Mapping) and REFERENCE in value):
            data[key] = {REFERENCE: await blobs.put(event.user_id, body)}
    return replace(event, data=data)


def decode_event(body: bytes) -> Event:
    return _as_event(orjson.loads(body))


def encode_commit(commit: Commit, cause: bytes, outputs: Sequence[bytes]) -> bytes:
    """From the events' own JSON, which is already there."""
    verdict = b""
    if commit.verdict is not None:
        v = commit.verdict
        verdict = b',"verdict":' + encode([v.decision, v.rule, v.code, v.reason])
    return b'{"cause":%b,"outputs":[%b]%b}' % (cause, b",".join(outputs), verdict)


def decode_commit(stream: str, position: int, body: bytes) -> Commit:
    raw = orjson.loads(body)
    verdict = raw.get("verdict")
    return Commit(
        stream,
        position,
        _as_event(raw["cause"]),
        tuple(map(_as_event, raw["outputs"])),
        Verdict(*verdict) if verdict else None,
    )


def refers(event: Event) -> bool:
    """Whether some of the event's values lie in Blobs."""
    return any(type(value) is dict and REFERENCE in value for value in event.data.values())


async def restored(event: Event, blobs: Blobs) -> Event:
    """The event with its large values back in place. Raises `NotFound` when one is gone, `ValueError`
    when it is damaged."""
    data = dict(event.data)
    for key, value in data.items():
        if isinstance(value, dict) and REFERENCE in value:
            data[key] = orjson.loads(await blobs.get(event.user_id, value[REFERENCE]))
    return replace(event, data=data)


async def restored_commit(commit: Commit, blobs: Blobs) -> Commit:
    """As `restored`; a content that is gone or damaged stays a reference: history can be read."""
    return replace(
        commit,
        cause=await _as_far_as_possible(commit.cause, blobs),
        outputs=tuple([await _as_far_as_possible(event, blobs) for event in commit.outputs]),
    )


async def _as_far_as_possible(event: Event, blobs: Blobs) -> Event:
    if not refers(event):
        return event
    try:
        return await restored(event, blobs)
    except (NotFound, ValueError):
        return event
