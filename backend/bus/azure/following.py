"""Live streams: what this process appends is told at once, what others do is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence

from backend.bus.azure.log import PAGE, Log
from backend.bus.checks import position
from backend.bus.followers import Follower, Followers
from backend.contracts.errors import Unavailable
from backend.contracts.ports import Document, History

SOONEST_S = 0.2
LATEST_S = 2.0


class Following:
    """A follower asks for each of its streams' next position: a read of one unit, soon after there was
    news and less often after none. What cannot be read now is asked for again."""

    def __init__(self, log: Log, apply: Callable[[Sequence[Document]], Awaitable[None]]) -> None:
        """`apply` writes documents that may have been written already."""
        self._log = log
        self._apply = apply
        self._followers = Followers()
        self._closed = False

    def changed(self, stream: str) -> None:
        """Tell the followers of `stream` that there is more."""
        self._followers.changed(stream)

    def close(self) -> None:
        """End all followers."""
        self._closed = True
        self._followers.anything_changed()

    async def follow(
        self, streams: Mapping[str, str | None]
    ) -> AsyncGenerator[Mapping[str, History], None]:
        positions = {stream: position(cursor) for stream, cursor in streams.items()}
        follower = self._followers.add(streams)
        pause = SOONEST_S
        try:
            while not self._closed:
                changed = await _next_changed(follower, pause)
                if self._closed:
                    return
                news = await self._news(changed, positions)
                pause = SOONEST_S if news else min(pause * 1.5, LATEST_S)
                positions |= {stream: int(history.cursor) for stream, history in news.items()}
                follower.changed.update(
                    stream for stream, history in news.items() if len(history.commits) == PAGE
                )
                if news:
                    yield news
        finally:
            self._followers.remove(follower)

    async def _news(
        self, changed: frozenset[str] | None, positions: Mapping[str, int]
    ) -> dict[str, History]:
        try:
            if changed is None:
                changed = frozenset(await self._behind(positions))
            read = await asyncio.gather(
                *(self._log.history(stream, str(positions[stream]), PAGE) for stream in changed)
            )
            await asyncio.gather(*map(self._show, changed, read))
        except Unavailable:
            return {}
        return {s: h for s, h in zip(changed, read, strict=True) if h.commits}

    async def _show(self, stream: str, history: History) -> None:
        """Who hears of a commit reads its documents; its writer may not have got that far. All before it
        has."""
        if history.commits:
            await self._apply(await self._log.documents(stream, int(history.cursor) - 1))

    async def _behind(self, positions: Mapping[str, int]) -> Iterable[str]:
        reached = await asyncio.gather(
            *(self._log.reaches(stream, position) for stream, position in positions.items())
        )
        return [stream for stream, more in zip(positions, reached, strict=True) if more]


async def _next_changed(follower: Follower, pause: float) -> frozenset[str] | None:
    """The streams of which this process knows news; None when it is time to ask about all."""
    try:
        async with asyncio.timeout(pause):
            return await follower.next_changed()
    except TimeoutError:
        return None
