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


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit with what must follow from it, so that a redelivery can catch up."""

    commit: Commit
    outputs: tuple[Output, ...]
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be appended, as text. Two drafts of one decision are equal."""

    stream: str
    position: int
    cause_id: str
    owner: str
    commit: str
    after: str
    result_of: str | None = None


def key(text: str) -> str:
    """As an item's id: without / \\ ? #, and not too long."""
    safe = quote(text, safe=" :@", errors="surrogatepass")
    if len(safe) <= 200:
        return safe
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def drafted(settlement: Settlement, encoded: Encoded, result_of: str | None) -> Draft:
    """Of a settlement with one commit."""
    (commit,) = settlement.commits
    events = encoded.events
    outputs = [events[id(event)] for event in commit.outputs]
    places = {id(event): place for place, event in enumerate(commit.outputs)}
    after = {
        "outputs": [_sent(output, places, encoded) for output in settlement.outputs],
        "documents": [
            _document(document, encoded.bodies[id(document)]) for document in settlement.documents
        ],
    }
    return Draft(
        commit.stream,
        commit.position,
        commit.cause.id,
        commit.cause.user_id,
        encode_commit(commit, events[id(commit.cause)], outputs).decode(),
        encode(after).decode(),
        result_of,
    )


async def item_of(draft: Draft, blobs: Blobs) -> Item:
    item: Item = {
        "id": str(draft.position),
        "stream": draft.stream,
        "position": draft.position,
    }
    if draft.result_of is not None:
        item["result_of"] = draft.result_of
    text = {"commit": draft.commit, "after": draft.after}
    if len(draft.commit) + len(draft.after) <= LARGEST_BYTES:
        return item | text
    return item | {
        "owner": draft.owner,
        "blob": await blobs.put(draft.owner, encode(text)),
    }


async def text_of(item: Item, blobs: Blobs) -> Mapping[str, str]:
    """`commit` and `after`, wherever they are. Raises `NotFound` when the blob is gone."""
    if "blob" not in item:
        return item
    text: dict[str, str] = orjson.loads(await blobs.get(item["owner"], item["blob"]))
    return text


async def commit_of(item: Item, blobs: Blobs) -> Commit:
    text = await text_of(item, blobs)
    commit = decode_commit(item["stream"], item["position"], text["commit"].encode())
    if refers(commit.cause) or any(map(refers, commit.outputs)):
        return await restored_commit(commit, blobs)
    return commit


async def entry_of(item: Item, blobs: Blobs) -> Entry:
    text = await text_of(item, blobs)
    commit = decode_commit(item["stream"], item["position"], text["commit"].encode())
    after = orjson.loads(text["after"])
    outputs = tuple(_output(sent, commit.outputs) for sent in after["outputs"])
    return Entry(commit, outputs, tuple(map(_as_document, after["documents"])))


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
