"""Locks are renewed in the second half of their time, while something of theirs is in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from backend.bus.azure.handlers import TROUBLE, Background
from backend.bus.azure.inbox import Held
from backend.bus.azure.receivers import SessionTap, WorkTap
from backend.contracts.errors import LightningError


class Renewals:
    def __init__(self, background: Background, clock: Callable[[], datetime]) -> None:
        self._background = background
        self._clock = clock
        self._under_way: set[Held | SessionTap] = set()

    def session(self, tap: SessionTap) -> None:
        """Renew its lock if it is time."""
        if self._is_time(tap, tap.locked_until, tap.lock):
            self._start(tap, tap.renew())

    def message(self, tap: WorkTap, held: Held) -> None:
        if self._is_time(held, held.locked_until(), held.lock):
            self._start(held, _renewed(tap, held))

    def _is_time(self, what: Held | SessionTap, until: datetime | None, lock: timedelta) -> bool:
        late = until is not None and until - self._clock() < lock / 2
        return late and what not in self._under_way

    def _start(self, what: Held | SessionTap, renewal: Coroutine[Any, Any, None]) -> None:
        self._under_way.add(what)
        self._background.start(self._renew(what, renewal))

    async def _renew(self, what: Held | SessionTap, renewal: Coroutine[Any, Any, None]) -> None:
        """A lock that could not be renewed is tried again, until it has run out and is lost."""
        try:
            with contextlib.suppress(*TROUBLE, TimeoutError, LightningError):
                await renewal
        finally:
            self._under_way.discard(what)


async def _renewed(tap: WorkTap, held: Held) -> None:
    message = held.message
    assert message is not None
    await tap.call(lambda receiver: receiver.renew_message_lock(message))
