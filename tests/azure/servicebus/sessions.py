"""The sessions of a queue: who holds which, who waits for one, and what state each carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tests.azure.amqp.frames import AmqpError
from tests.azure.servicebus import errors
from tests.azure.servicebus.clock import Clock
from tests.azure.servicebus.entries import Entry

if TYPE_CHECKING:
    from tests.azure.servicebus.queues import Queue


class Receiver(Protocol):
    """`name`: of its link; `credit`: how many it would take; `deletes`: it settles nothing."""

    @property
    def name(self) -> str: ...

    @property
    def credit(self) -> int: ...

    @property
    def deletes(self) -> bool: ...

    def deliver(self, entry: Entry) -> None: ...

    def granted(self, session: str, until: float) -> None:
        """It waited for any session and holds this one now."""
        ...

    def lost(self, error: AmqpError) -> None:
        """It holds its session no more."""
        ...


@dataclass
class Hold:
    receiver: Receiver
    until: float


class Sessions:
    def __init__(self, queue: Queue, clock: Clock) -> None:
        self.held: dict[str, Hold] = {}
        self.states: dict[str, bytes] = {}
        self._queue = queue
        self._clock = clock
        self.waiting: list[Receiver] = []

    def accept(self, session: str, receiver: Receiver) -> float:
        """Until when it is locked."""
        if session in self.held:
            raise errors.session_taken(session)
        hold = self.held[session] = Hold(receiver, self._end())
        self._clock.at(hold.until, lambda: self._check(session, hold))
        return hold.until

    def wait(self, receiver: Receiver) -> None:
        """For the next session with messages that nobody holds."""
        self.waiting.append(receiver)
        self._serve()

    def renew(self, session: str) -> float:
        hold = self.hold(session)
        hold.until = self._end()
        return hold.until

    def hold(self, session: str | None) -> Hold:
        if session is None or session not in self.held:
            raise errors.session_lost(session or "")
        return self.held[session]

    def leave(self, receiver: Receiver) -> None:
        """It is gone: what it held is free at once, and no delivery has failed."""
        if receiver in self.waiting:
            self.waiting.remove(receiver)
        for session in [each for each, hold in self.held.items() if hold.receiver is receiver]:
            self._free(session, failed=False)

    def offer(self, session: str) -> None:
        hold = self.held.get(session)
        if hold is None:
            self._serve()
            return
        while hold.receiver.credit > 0 and self._queue.first(session):
            hold.receiver.deliver(self._queue.take(session, locked=not hold.receiver.deletes))

    def _serve(self) -> None:
        while self.waiting:
            free = next((each for each in self._queue.ready() if each not in self.held), None)
            if free is None:
                return
            receiver = self.waiting.pop(0)
            receiver.granted(free, self.accept(free, receiver))

    def _check(self, session: str, hold: Hold) -> None:
        if self.held.get(session) is not hold:
            return
        if hold.until > self._clock.now():
            self._clock.at(hold.until, lambda: self._check(session, hold))
            return
        self._free(session, failed=True)
        hold.receiver.lost(errors.session_lost(session))

    def _free(self, session: str, *, failed: bool) -> None:
        del self.held[session]
        self._queue.session_ended(session, failed=failed)
        self._serve()

    def _end(self) -> float:
        return self._clock.now() + self._queue.properties.lock_duration
