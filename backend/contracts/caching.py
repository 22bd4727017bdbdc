"""What was found out once and need not be found out again: bounded, and counted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """The `limit` values used last. `hits` and `misses` count the questions put to it."""

    def __init__(self, limit: int) -> None:
        self.hits = 0
        self.misses = 0
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, holds: Callable[[V], bool] | None = None) -> V | None:
        """The value, unless there is none or it no longer `holds`."""
        value = self._values.get(key)
        if value is None or not (holds is None or holds(value)):
            self.misses += 1
            return None
        self.hits += 1
        self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)

    def drop(self) -> None:
        """Forget all values; what was counted stays."""
        self._values.clear()

    def counted(self) -> dict[str, int]:
        return {"hits": self.hits, "misses": self.misses}
