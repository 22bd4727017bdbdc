"""Who draws a thread's cards: one process at a time, of those that have it open."""

from __future__ import annotations

from dataclasses import replace

from agents.processes import Processes
from backend.contracts.errors import Conflict
from backend.contracts.ports import Document, Store

PEN = "chat.pen"


class Pens:
    """A lease per thread, as a document that names its process; it holds as long as that one lives."""

    def __init__(self, store: Store, processes: Processes) -> None:
        self._store = store
        self._processes = processes

    async def take(self, owner: str, thread_id: str) -> bool:
        """Whether this process draws the thread now."""
        found = await self._store.get(PEN, thread_id, owner)
        holder = _process(found)
        if holder == self._processes.name:
            return True
        if holder is not None and await self._processes.alive(holder):
            return False
        wanted = Document(PEN, thread_id, owner, {"process": self._processes.name})
        try:
            await self._store.put(
                replace(wanted, etag=found.etag if found else None), create=found is None
            )
        except Conflict:
            return False
        return True

    async def give(self, owner: str, thread_id: str) -> None:
        """Let others have it."""
        if _process(await self._store.get(PEN, thread_id, owner)) == self._processes.name:
            await self._store.delete(PEN, thread_id, owner)


def _process(document: Document | None) -> str | None:
    return str((document.body or {})["process"]) if document is not None else None
