"""What the log's items say: a commit, and what must follow from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from backend.bus.codec import (
    decode_commit,
    decode_event,
    encode_commit,
    refers,
    restored_commit,
)
from backend.bus.encoded import Encoded
from backend.contracts.events import Event
from backend.contracts.ports import Blobs, Commit, Document, Output, Settlement
from backend.stores.azure.items import Item
from backend.stores.encoding import encode

LARGEST_BYTES = 1_000_000
"""Of a commit's text in an item: 2 MB are the whole batch's limit, and quotes in text count twice."""
DONE_TTL_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class After:
    """What must follow from a commit, or from work that is done; so that a redelivery can catch up."""

    outputs: tuple[Output, ...]
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """An item to be appended. The same decision, or the same result, makes the same text."""

    id: str
    stream: str
    owner: str
    text: Mapping[str, str]
    fields: Mapping[str, Any]


def key(text: str) -> str:
    """As an item's id: without / \\ ? #, and not too long."""
    safe = quote(text, safe=" :@", errors="surrogatepass")
    if len(safe) <= 200:
        return safe
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def drafted(settlement: Settlement, encoded: Encoded) -> Draft:
    """Of a settlement with one commit."""
    (commit,) = settlement.commits
    events = encoded.events
    outputs = [events[id(event)] for event in commit.outputs]
    body = encode_commit(commit, events[id(commit.cause)], outputs)
    text = {"commit": body.decode(), "after": _after(settlement, commit.outputs, encoded)}
    at = {"position": commit.position}
    return Draft(str(commit.position), commit.stream, commit.cause.user_id, text, at)


def done(settlement: Settlement, work: Event, origin: str | None, encoded: Encoded) -> Draft:
    """Of a settlement of work: what it came to. It is of no use once the message is gone."""
    text = {"after": _after(settlement, (), encoded)}
    return Draft(
        work_id(work.id), work_stream(work.id, origin), work.user_id, text, {"ttl": DONE_TTL_S}
    )


def work_id(event_id: str) -> str:
    return f"work.{key(event_id)}"


def work_stream(event_id: str, origin: str | None) -> str:
    """With the stream that asked for the work, if there is one, to be forgotten with it."""
    return origin if origin is not None else f"~{work_id(event_id)}"


async def item_of(draft: Draft, blobs: Blobs) -> Item:
    item: Item = {"id": draft.id, "stream": draft.stream, **draft.fields}
    if sum(map(len, draft.text.values())) <= LARGEST_BYTES:
        return {**item, **draft.text}
    return {
        **item,
        "owner": draft.owner,
        "blob": await blobs.put(draft.owner, encode(draft.text)),
    }


async def text_of(item: Item, blobs: Blobs) -> Mapping[str, str]:
    """`commit` and `after`, wherever they are. Raises `NotFound` when the blob is gone."""
    if "blob" not in item:
        return item
    text: dict[str, str] = orjson.loads(await blobs.get(item["owner"], item["blob"]))
    return text


def same(one: Item, other: Item) -> bool:
    return all(one.get(name) == other.get(name) for name in ("commit", "after", "blob"))


async def commit_of(item: Item, blobs: Blobs) -> Commit:
    text = await text_of(item, blobs)
    commit = decode_commit(item["stream"], item["position"], text["commit"].encode())
    if refers(commit.cause) or any(map(refers, commit.outputs)):
        return await restored_commit(commit, blobs)
    return commit


async def after_of(item: Item, blobs: Blobs) -> After:
    text = await text_of(item, blobs)
    events: Sequence[Event] = ()
    if "commit" in text:
        events = decode_commit(item["stream"], item["position"], text["commit"].encode()).outputs
    after = orjson.loads(text["after"])
    return After(
        tuple(_output(sent, events) for sent in after["outputs"]),
        tuple(map(_as_document, after["documents"])),
    )


def _after(settlement: Settlement, events: Sequence[Event], encoded: Encoded) -> str:
    places = {id(event): place for place, event in enumerate(events)}
    after = {
        "outputs": [_sent(output, places, encoded) for output in settlement.outputs],
        "documents": [
            _document(document, encoded.bodies[id(document)]) for document in settlement.documents
        ],
    }
    return encode(after).decode()


def _sent(output: Output, places: Mapping[int, int], encoded: Encoded) -> dict[str, Any]:
    event = output.event
    place = places.get(id(event))
    return {
        "event": place if place is not None else encoded.events[id(event)].decode(),
        "lane": output.lane,
        "stream": output.stream,
        "due": output.due,
    }


def _output(sent: dict[str, Any], events: Sequence[Event]) -> Output:
    event, due = sent["event"], sent["due"]
    return Output(
        events[event] if isinstance(event, int) else decode_event(event.encode()),
        sent["lane"],
        sent["stream"],
        due and datetime.fromisoformat(due),
    )


def _document(document: Document, body: bytes) -> dict[str, Any]:
    return {
        "kind": document.kind,
        "id": document.id,
        "owner": document.owner,
        "body": None if document.body is None else body.decode(),
        "parent": document.parent,
        "status": document.status,
        "sort": document.sort,
        "due_at": document.due_at,
        "position": document.position,
        "etag": document.etag,
    }


def _as_document(said: dict[str, Any]) -> Document:
    body, due_at = said["body"], said["due_at"]
    document = Document(**said)
    return replace(
        document,
        body=None if body is None else orjson.loads(body),
        due_at=due_at and datetime.fromisoformat(due_at),
    )
