"""Who has an id: an item of its own in a partition of its own, since an id's owner is not in the id.

Two partitions cannot change together, so the order of things keeps every id with one owner. A reservation is
taken before its document is written, and dropped after a tombstone stands where the document was. Whoever
writes a document has read its place before they took the reservation, and writes only if the place is as it
was. Whoever takes a reservation over from another place has seen no document there, and leaves a new
tombstone: what was about to be written there no longer can be. A crash in between leaves a reservation
without a document, which its owner may use and anybody may take over.
"""

from __future__ import annotations

from contextlib import suppress

from backend.contracts.errors import Conflict
from backend.stores.azure.envelope import tombstone
from backend.stores.azure.items import Item, Items
from backend.stores.azure.places import of_reservation


class Reservations:
    """The reservations on the ids of one container's items."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def read(self, id: str) -> Item | None:
        """`place` is the partition its document is, or was to be, in."""
        return await self._items.read(id, of_reservation(id))

    async def take(self, id: str, place: str) -> bool:
        """Reserve an id for a document in `place`, whose state was read before. False when another place
        has a document of that id. Raises `Conflict` when somebody else is about it as well."""
        mine = {"id": id, "pk": of_reservation(id), "place": place}
        with suppress(Conflict):
            await self._items.create(mine)
            return True
        reserved = await self.read(id)
        if reserved is None:
            raise Conflict(f"The reservation on {id} has changed meanwhile.")
        if reserved["place"] != place and not await self._vacate(id, reserved["place"]):
            return False
        # Also when it is ours already: who is dropping it, or taking it over, must see that we came.
        await self._items.replace(mine, reserved["_etag"])
        return True

    async def drop(self, reserved: Item) -> None:
        """Forget a reservation that was read before its document went; unless somebody took it since."""
        with suppress(Conflict):
            await self._items.delete(reserved["id"], reserved["pk"], reserved["_etag"])

    async def _vacate(self, id: str, place: str) -> bool:
        there = await self._items.read(id, place)
        if there is None:
            await self._items.create(tombstone(id, place))
        elif "gone" in there:
            await self._items.replace(tombstone(id, place), there["_etag"])
        else:
            return False
        return True
