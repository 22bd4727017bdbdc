"""How often somebody may fail to sign in."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime

from backend.contracts.errors import RateLimited


class Attempts:
    """Counts failures in the last `window_s` seconds, per name and address, and per address.

    In memory, so each process counts for itself; of more than `remembered` keys the oldest are
    forgotten.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        limit: int = 5,
        limit_per_address: int = 30,
        window_s: float = 60.0,
        remembered: int = 10_000,
    ) -> None:
        self._now = now
        self._limit = limit
        self._limit_per_address = limit_per_address
        self._window_s = window_s
        self._remembered = remembered
        self._times: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def begin(self, name: str, address: str) -> None:
        """Count an attempt, before its password is looked at. Raises `RateLimited`."""
        now = self._now().timestamp()
        keys = (((name, address), self._limit), (("", address), self._limit_per_address))
        wait_s = max(self._wait_s(key, limit, now) for key, limit in keys)
        if wait_s > 0:
            raise RateLimited(
                "Too many failed sign-ins.",
                retry_after_s=math.ceil(wait_s),
                hint=f"Try again in {math.ceil(wait_s)} s.",
            )
        for key, _ in keys:
            self._times.setdefault(key, deque()).append(now)
            self._times.move_to_end(key)
        while len(self._times) > self._remembered:
            self._times.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """An attempt that was genuine counts for nothing, and clears the name's failures."""
        self._times.pop((name, address), None)
        of_address = self._times.get(("", address))
        if of_address:
            of_address.pop()

    def _wait_s(self, key: tuple[str, str], limit: int, now: float) -> float:
        times = self._times.get(key)
        if times is None:
            return 0.0
        while times and times[0] <= now - self._window_s:
            times.popleft()
        return times[-limit] + self._window_s - now if len(times) >= limit else 0.0
