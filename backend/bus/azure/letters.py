"""Dead letters: a partition of the log's container, by the id of the event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backend.bus.azure.entries import key
from backend.bus.codec import decode_event, refers, restored
from backend.bus.settling import lane_of
from backend.contracts.errors import Conflict, NotFound
from backend.contracts.events import Event
from backend.contracts.ports import Blobs, DeadLetter, Delivery
from backend.stores.azure.items import Item, Items
from backend.stores.documents import micros
from backend.stores.encoding import decode, encode

DEAD = "~dead"


class Letters:
    def __init__(self, items: Items, blobs: Blobs) -> None:
        self._items = items
        self._blobs = blobs

    async def bury(self, letter: DeadLetter, event_json: bytes, now: datetime) -> None:
        delivery = letter.delivery
        await self._items.upsert(
            {
                "id": key(delivery.event.id),
                "stream": DEAD,
                "position": micros(now),
                "of": delivery.stream,
                "attempt": delivery.attempt,
                "event": event_json.decode(),
                "error": encode(letter.error).decode(),
            }
        )

    async def list(self, limit: int) -> Sequence[DeadLetter]:
        """The latest first. A large value that is gone or damaged stays a reference."""
        found = self._items.query(
            f"SELECT TOP {max(1, limit)} * FROM c ORDER BY c.position DESC", {}, DEAD, page=limit
        )
        return [
            DeadLetter(
                Delivery(
                    await self._whole(decode_event(item["event"].encode())),
                    lane_of(item["of"]),
                    item["of"],
                    "",
                    item["attempt"],
                ),
                decode(item["error"].encode()),
            )
            async for item in found
        ]

    async def read(self, event_id: str) -> Item | None:
        return await self._items.read(key(event_id), DEAD)

    async def unbury(self, letter: Item) -> bool:
        """False when somebody else did."""
        try:
            return await self._items.delete(letter["id"], DEAD, letter["_etag"])
        except Conflict:
            return False

    async def _whole(self, event: Event) -> Event:
        if not refers(event):
            return event
        try:
            return await restored(event, self._blobs)
        except (NotFound, ValueError):
            return event
