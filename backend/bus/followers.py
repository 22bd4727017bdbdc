"""Who follows which stream inside this process, and what of it changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class Follower:
    """`changed` holds the streams with news since the last look; empty at the start: look at all."""

    def __init__(self, streams: Iterable[str]) -> None:
        self.streams = frozenset(streams)
        self.changed: set[str] = set(self.streams)
        self.news = asyncio.Event()

    def tell(self, streams: Iterable[str]) -> None:
        self.changed.update(streams)
        self.news.set()

    async def next_changed(self) -> frozenset[str]:
        """The streams that changed; waits for one."""
        while not self.changed:
            self.news.clear()
            await self.news.wait()
        changed, self.changed = frozenset(self.changed), set()
        return changed


class Followers:
    def __init__(self) -> None:
        self._all: set[Follower] = set()
        self._by_stream: dict[str, set[Follower]] = {}

    def add(self, streams: Iterable[str]) -> Follower:
        follower = Follower(streams)
        self._all.add(follower)
        for stream in follower.streams:
            self._by_stream.setdefault(stream, set()).add(follower)
        return follower

    def remove(self, follower: Follower) -> None:
        self._all.discard(follower)
        for stream in follower.streams:
            followers = self._by_stream[stream]
            followers.discard(follower)
            if not followers:
                del self._by_stream[stream]

    def changed(self, stream: str) -> None:
        for follower in self._by_stream.get(stream, ()):
            follower.tell((stream,))

    def anything_changed(self) -> None:
        """Another process committed something: everybody looks at everything."""
        for follower in self._all:
            follower.tell(follower.streams)
