"""The processes that hold conversations on one backend: each gives a sign of life, so that the others take
over what a silent one had in hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from backend.contracts.errors import Unavailable
from backend.contracts.ports import Document, Store
from backend.contracts.security import SYSTEM

PROCESS = "chat.process"


class Processes:
    """This process, `name`, among the others: a document each, past due `lease_s` seconds after its last
    sign of life. A name is one process's at a time; what an earlier one of the name left is its own."""

    def __init__(
        self, store: Store, name: str, now: Callable[[], datetime], lease_s: float
    ) -> None:
        self.name = name
        self.every_s = lease_s / 3
        self._store = store
        self._now = now
        self._lease = timedelta(seconds=lease_s)

    async def beat(self) -> None:
        """Give a sign of life."""
        due = self._now() + self._lease
        await self._store.put(Document(PROCESS, self.name, SYSTEM.user_id, {}, due_at=due))

    async def run(self) -> None:
        """Beat three times a lease, until cancelled."""
        while True:
            with suppress(Unavailable):
                await self.beat()
            await asyncio.sleep(self.every_s)

    async def alive(self, name: str) -> bool:
        """Whether what this process has in hand is still its own."""
        if name == self.name:
            return True
        found = await self._store.get(PROCESS, name, SYSTEM.user_id)
        return found is not None and found.due_at is not None and found.due_at > self._now()

    async def end(self) -> None:
        """Say good-bye: what is left is anybody's at once."""
        with suppress(Unavailable):
            await self._store.delete(PROCESS, self.name, SYSTEM.user_id)
