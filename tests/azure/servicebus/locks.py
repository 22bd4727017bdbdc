"""Who holds a queue's messages: a lock a message, that ends with its time or with its session."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from tests.azure.servicebus import errors
from tests.azure.servicebus.clock import Clock
from tests.azure.servicebus.entries import Entry, Lock


class Locks:
    def __init__(self, clock: Clock, duration: float, lapsed: Callable[[Entry], None]) -> None:
        """`lapsed` is told of an entry whose lock ran out, after it did."""
        self._clock = clock
        self._duration = duration
        self._lapsed = lapsed
        self._entries: dict[uuid.UUID, Entry] = {}

    def take(self, entry: Entry) -> None:
        lock = self._add(entry, self._clock.now() + self._duration, None)
        self._clock.at(lock.until, lambda: self._check(lock))

    def take_in_session(self, entry: Entry, session: str, until: float) -> None:
        self._add(entry, until, session)

    def renew(self, token: uuid.UUID) -> float:
        """Until when."""
        lock = self.entry(token).lock
        if lock is None or lock.session is not None:
            raise errors.invalid("A message of a session is locked by its session.")
        lock.until = self._clock.now() + self._duration
        return lock.until

    def entry(self, token: uuid.UUID) -> Entry:
        if token not in self._entries:
            raise errors.lock_lost()
        return self._entries[token]

    def end(self, token: uuid.UUID) -> Entry:
        entry = self.entry(token)
        del self._entries[token]
        entry.lock = None
        return entry

    def end_session(self, session: str) -> list[Entry]:
        """Of the messages that were held with it, the oldest first."""
        held = [token for token, e in self._entries.items() if e.lock and e.lock.session == session]
        return sorted((self.end(token) for token in held), key=lambda entry: entry.sequence)

    def _add(self, entry: Entry, until: float, session: str | None) -> Lock:
        entry.lock = Lock(uuid.uuid4(), until, session)
        self._entries[entry.lock.token] = entry
        return entry.lock

    def _check(self, lock: Lock) -> None:
        if lock.token not in self._entries:
            return
        if lock.until > self._clock.now():
            self._clock.at(lock.until, lambda: self._check(lock))
        else:
            self._lapsed(self.end(lock.token))
