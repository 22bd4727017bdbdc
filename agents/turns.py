"""A person's messages, kept before anything is made of them: what is open is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from agents.processes import Processes
from agents.state import Message, Said
from backend.contracts.errors import Conflict
from backend.contracts.events import derived_id
from backend.contracts.ports import Document, Store

TURN = "turn"
LEASE = "turn.lease"
DECIDING = timedelta(seconds=30)
Outcome = Literal["done", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A message that has no reply yet."""

    message: Message
    thread_id: str
    document: Document

    @property
    def id(self) -> str:
        return self.message["turn"]

    @property
    def user_id(self) -> str:
        return self.document.owner

    @property
    def process(self) -> str:
        """The one that has it in hand."""
        return str((self.document.body or {}).get("process", ""))


class Turns:
    """Messages with their outcome, as documents of kind "turn" (parent: thread).

    A thread has one lease, a document of kind "turn.lease" that names the turn it is taken for: it holds
    as long as that turn is open. So a turn costs one write more, and a crash leaves nothing locked: whoever
    takes over the turn has the lease.
    """

    def __init__(self, store: Store, processes: Processes, now: Callable[[], datetime]) -> None:
        self._store = store
        self._processes = processes
        self._now = now

    async def begin(
        self, user_id: str, thread_id: str, text: str, timezone: str, id: str
    ) -> OpenTurn:
        """Durable on return. Raises `Conflict` when a message of this id was taken before."""
        message: Message = {
            "turn": id,
            "text": text,
            "timezone": timezone,
            "now": self._now().isoformat(),
        }
        document = Document(
            kind=TURN,
            id=message["turn"],
            owner=user_id,
            body={"message": message, "said": None, "process": self._processes.name},
            parent=thread_id,
            status="open",
            sort=message["now"],
        )
        return OpenTurn(message, thread_id, await self._store.put(document, create=True))

    async def end(self, turn: OpenTurn, outcome: Outcome, said: Said | None = None) -> None:
        body = {"message": turn.message, "said": said}
        await self._store.put(replace(turn.document, body=body, status=outcome, etag=None))

    async def is_open(self, turn: OpenTurn) -> bool:
        """Whether it is still to be answered, and by this process."""
        found = await self._store.get(TURN, turn.id, turn.user_id)
        return found is not None and found.status == "open" and _process(found) == turn.process

    async def take_over(self, turn: OpenTurn) -> OpenTurn | None:
        """An open turn that nobody works on, as this process's own; None when somebody does."""
        if turn.process == self._processes.name:
            return turn
        if turn.process and await self._processes.alive(turn.process):
            return None
        body = {**(turn.document.body or {}), "process": self._processes.name}
        try:
            return replace(turn, document=await self._store.put(replace(turn.document, body=body)))
        except Conflict:
            return None

    async def lease(self, user_id: str, thread_id: str, turn_id: str = "") -> bool:
        """Whether the thread is this turn's now, in all processes. Without a turn it is for a moment,
        until `release`."""
        id = derived_id(user_id, thread_id)
        found = await self._store.get(LEASE, id, user_id)
        if found is not None and not await self._free(found, turn_id):
            return False
        body = {"turn": turn_id, "process": self._processes.name}
        due = None if turn_id else self._now() + DECIDING
        wanted = Document(LEASE, id, user_id, body, parent=thread_id, due_at=due)
        try:
            await self._store.put(
                replace(wanted, etag=found.etag if found else None), create=found is None
            )
        except Conflict:
            return False
        return True

    async def release(self, user_id: str, thread_id: str) -> None:
        """Give back a lease that was taken without a turn."""
        id = derived_id(user_id, thread_id)
        found = await self._store.get(LEASE, id, user_id)
        if found is not None and found.body == {"turn": "", "process": self._processes.name}:
            await self._store.delete(LEASE, id, user_id)

    async def _free(self, lease: Document, turn_id: str) -> bool:
        holder = (lease.body or {})["turn"]
        if not holder:
            over = lease.due_at is not None and lease.due_at <= self._now()
            return over or not await self._processes.alive(_process(lease))
        if holder == turn_id:
            return True
        found = await self._store.get(TURN, holder, lease.owner)
        return found is None or found.status != "open"

    async def unfinished(
        self, user_id: str | None = None, thread_id: str | None = None
    ) -> Sequence[OpenTurn]:
        """Oldest first; of everybody when no user is named."""
        found: list[OpenTurn] = []
        cursor: str | None = None
        while True:
            page = await self._store.list(
                TURN,
                owner=user_id,
                status="open",
                parent=thread_id,
                cursor=cursor,
                newest_first=False,
            )
            for document in page.items:
                message = (document.body or {})["message"]
                found.append(OpenTurn(message, document.parent or "", document))
            cursor = page.cursor
            if cursor is None:
                return found


def _process(document: Document) -> str:
    return str((document.body or {}).get("process", ""))
