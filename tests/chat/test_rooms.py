"""What is written into a thread at the same time, by processes that do not see each other."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

from backend.contracts.ports import Document, Store
from chat_app.rooms import Room
from chat_app.threads import Threads
from tests.chat.test_follow import ALICE
from tests.systems import Clock, working


class Held:
    """A store whose empty messages wait before they are written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reached, self.released = asyncio.Event(), asyncio.Event()

    async def put(self, document: Document, **options: Any) -> Document:
        if document.kind == "chat.step" and not (document.body or {})["output"]:
            self.reached.set()
            await self.released.wait()
        return await self._store.put(document, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def test_a_card_drawn_from_the_log_leaves_the_words_said_above_it_meanwhile(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with working(tmp_path, now=clock) as system:
        store = system.lightning.store
        held = Held(store)
        thread_id, message = str(uuid.uuid4()), str(uuid.uuid4())
        threads = Threads(store, clock)
        await threads.open("alice", thread_id)
        draws = Room(ALICE, thread_id, Threads(held, clock), clock)  # type: ignore[arg-type]
        answers = Room(ALICE, thread_id, threads, clock)
        drawing = asyncio.create_task(draws.post("", id=message))
        await held.reached.wait()
        await answers.answer("Here is the plan.", message)
        held.released.set()
        assert await drawing == message
        (kept,) = await threads.steps("alice", thread_id)
        assert (kept.body or {})["output"] == "Here is the plan."
