"""A person's messages, kept before anything is made of them: what is open is gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from agents.state import Message, Said
from backend.contracts.events import new_id
from backend.contracts.ports import Document, Store

TURN = "turn"
Outcome = Literal["done", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A message that has no reply yet."""

    message: Message
    thread_id: str
    document: Document

    @property
    def user_id(self) -> str:
        return self.document.owner


class Turns:
    """Messages with their outcome, as documents of kind "turn" (parent: thread)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(
        self, user_id: str, thread_id: str, text: str, timezone: str, now: datetime
    ) -> OpenTurn:
        """Durable on return."""
        id = new_id()
        message: Message = {"turn": id, "text": text, "timezone": timezone, "now": now.isoformat()}
        document = Document(
            kind=TURN,
            id=id,
            owner=user_id,
            body={"message": message, "said": None},
            parent=thread_id,
            status="open",
            sort=message["now"],
        )
        return OpenTurn(message, thread_id, await self._store.put(document))

    async def end(self, turn: OpenTurn, outcome: Outcome, said: Said | None = None) -> None:
        body = {"message": turn.message, "said": said}
        await self._store.put(replace(turn.document, body=body, status=outcome, etag=None))

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
