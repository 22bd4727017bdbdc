"""Documents as items of Cosmos DB and back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from backend.contracts.ports import Blobs, Document
from backend.stores.azure.items import Item
from backend.stores.azure.places import Layout, item_id, partition
from backend.stores.documents import body_of, micros, moment, text_of
from backend.stores.encoding import decode

LARGE_BYTES = 400_000  # an item has at most 2 MB, and escaping may double a body
MAX_WORDS = 300
LONGEST_WORD = 40
GONE_S = 24 * 3600  # longer than any write can be under way


async def as_item(document: Document, layout: Layout, blobs: Blobs) -> Item:
    """Bodies are kept as text: Cosmos DB would round integers beyond 2^53. Raises `Invalid` for a body
    that is not JSON."""
    body = body_of(document)
    item: Item = {
        "id": item_id(document.kind, document.id),
        "pk": partition(layout, document),
        "kind": document.kind,
        "key": document.id,
        "owner": document.owner,
        "parent": document.parent,
        "status": document.status,
        "sort": document.sort,
        "due": None if document.due_at is None else micros(document.due_at),
        "position": document.position,
    }
    # What lies with a parent is a machine's state; nobody searches it by words.
    if layout.by != "parent":
        item["words"] = words_of(text_of(document.body or {}))[:MAX_WORDS]
    if len(body) > LARGE_BYTES:
        item["blob"] = await blobs.put(document.owner, body)
    else:
        item["body"] = body.decode()
    return item


async def as_document(item: Mapping[str, Any], blobs: Blobs) -> Document:
    if "blob" in item:
        body = await blobs.get(item["owner"], item["blob"])
    else:
        body = item["body"].encode()
    return Document(
        item["kind"],
        item["key"],
        item["owner"],
        decode(body),
        item["parent"],
        item["status"],
        item["sort"],
        None if item["due"] is None else moment(item["due"]),
        item["position"],
        item["_etag"],
    )


def tombstone(id: str, partition: str) -> Item:
    """What stays for a while where a document was, or could have been."""
    return {"id": id, "pk": partition, "gone": True, "ttl": GONE_S}


def words_of(text: str) -> list[str]:
    """Without accents and case, each once, as they come."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return list(dict.fromkeys(w for w in re.findall(r"\w+", plain) if len(w) <= LONGEST_WORD))
