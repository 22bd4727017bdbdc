"""The broker's time: the machine's, moved forward on request."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable


class Clock:
    """Seconds since 1970. What is due is called in the order of its times."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        return time.time() + self.ahead

    def at(self, due: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._waiting, (due, next(self._count), call))
        if self._waiting[0][0] == due:
            self._set()

    def advance(self, seconds: float) -> None:
        self.ahead += seconds
        self._run()

    def _run(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.now():
            heapq.heappop(self._waiting)[2]()
        self._set()

    def _set(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            wait = max(self._waiting[0][0] - self.now(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(wait, self._run)
