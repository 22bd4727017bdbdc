"""What the processes that have a thread open tell each other: that one has come, has drawn, has gone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Literal

from backend.contracts.events import Event, new_id
from backend.contracts.ports import Bus, Commit, Settlement

News = Literal["came", "drew", "left"]


class Drawn:
    """A stream of its own for each thread that is open in several processes. Nobody decides it; each appends,
    and reads the thread anew when another did. It is forgotten with the last page."""

    def __init__(self, bus: Bus, process: str, now: Callable[[], datetime]) -> None:
        self._bus = bus
        self._process = process
        self._now = now
        self._heads: dict[str, int] = {}

    async def tell(self, owner: str, thread_id: str, news: News) -> None:
        stream = _stream(thread_id)
        data = {"thread_id": thread_id, "news": news, "process": self._process}
        event = Event(new_id(), "thread.drawn", owner, self._now(), data)
        while True:
            head = self._heads.get(thread_id, 0)
            (settled,) = await self._bus.settle(
                [Settlement(commits=(Commit(stream, head, event),))]
            )
            if settled.outcome == "ok":
                self._heads[thread_id] = head + 1
                return
            await self._read_on(thread_id)

    async def follow(self, thread_id: str) -> AsyncGenerator[list[tuple[str, News]], None]:
        """What the others tell, as (process, news)."""
        stream = _stream(thread_id)
        async with aclosing(self._bus.follow({stream: None})) as feed:
            async for told in feed:
                commits = told[stream].commits
                self._see(thread_id, commits)
                heard = [(str(c.cause.data["process"]), c.cause.data["news"]) for c in commits]
                if others := [(who, news) for who, news in heard if who != self._process]:
                    yield others

    async def forget(self, thread_id: str) -> None:
        if self._heads.pop(thread_id, 0):
            await self._bus.prune([_stream(thread_id)])

    async def _read_on(self, thread_id: str) -> None:
        self._heads[thread_id] = 0
        page = await self._bus.history(_stream(thread_id))
        while page.commits:
            self._see(thread_id, page.commits)
            page = await self._bus.history(_stream(thread_id), page.cursor)

    def _see(self, thread_id: str, commits: tuple[Commit, ...]) -> None:
        head = self._heads.get(thread_id, 0)
        self._heads[thread_id] = max([head, *(c.position + 1 for c in commits)])


def _stream(thread_id: str) -> str:
    return f"page:{thread_id}"
