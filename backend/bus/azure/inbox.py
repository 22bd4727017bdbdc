"""The messages this process has: those that wait to be received here, and those it has leased."""

from __future__ import annotations

import asyncio
import bisect
import itertools
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from azure.servicebus import ServiceBusReceivedMessage

from backend.bus.azure.parcels import Via
from backend.bus.settling import lane_of
from backend.contracts.errors import LightningError
from backend.contracts.events import Event
from backend.contracts.ports import Delivery

HOSTED = "host."
"""Begins the token of a delivery that is a host's to complete, such as Azure Functions'; what follows is
the stream that asked for it."""


class Source(Protocol):
    """Where messages come from, and what holds their locks."""

    @property
    def locked_until(self) -> datetime | None:
        """Of all its messages at once; None when each has a lock of its own."""
        ...


@dataclass(slots=True, eq=False)
class Held:
    """A message that is locked for this process. `attempt` counts deliveries, this process's own too;
    `due` is when it may be given out again; `source` None is a host that does the rest itself; `lock` is how
    long it was locked at first; `error` is why Service Bus gave it up."""

    source: Source | None
    message: ServiceBusReceivedMessage | None
    event: Event
    stream: str | None
    via: Via
    attempt: int
    due: datetime | None = None
    token: str = ""
    lock: timedelta = timedelta(minutes=1)
    error: LightningError | None = None

    @property
    def order(self) -> int:
        return (self.message.sequence_number or 0) if self.message is not None else 0

    def locked_until(self) -> datetime | None:
        if self.source is None or self.message is None:
            return None
        return self.source.locked_until or self.message.locked_until_utc


@dataclass(slots=True)
class Inbox:
    """A stream's messages are given out in their order, none while an earlier one is held back."""

    clock: Callable[[], datetime]
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    leased: dict[str, Held] = field(default_factory=dict)
    _waiting: dict[Source, list[Held]] = field(default_factory=dict)
    _boot: str = field(default_factory=lambda: secrets.token_hex(6))
    _tokens: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, held: Held) -> None:
        assert held.source is not None
        held.token = ""
        bisect.insort(self._waiting.setdefault(held.source, []), held, key=lambda h: h.order)
        self.changed.set()

    def take(self, limit: int, *, work: bool) -> list[Delivery]:
        """Lease what may be given out now: decisions before work, and the oldest first."""
        now = self.clock()
        found: list[Held] = []
        for source, waiting in self._sources(work):
            self._drop_expired(waiting, now)
            found += self._ready(waiting, now, limit - len(found))
            if not waiting:
                del self._waiting[source]
        return [self._lease(held) for held in found]

    def held(self, delivery: Delivery) -> Held | None:
        """What is leased by this delivery, if it still is."""
        if delivery.token.startswith(HOSTED):
            via = Via(origin=delivery.token.removeprefix(HOSTED) or None)
            return Held(None, None, delivery.event, delivery.stream, via, delivery.attempt)
        held = self.leased.get(delivery.token)
        if held is None or held.event.id != delivery.event.id:
            return None
        until = held.locked_until()
        return held if until is None or until > self.clock() else None

    def done(self, held: Held) -> None:
        self.leased.pop(held.token, None)

    def give_back(self, held: Held, delay_s: float) -> None:
        self.done(held)
        held.attempt += 1
        held.due = self.clock() + timedelta(seconds=delay_s) if delay_s > 0 else None
        self.put(held)

    def drop(self, held: Held) -> None:
        """Of those that wait."""
        if held.source is not None and held in (waiting := self._waiting.get(held.source, [])):
            waiting.remove(held)

    def forget(self, source: Source) -> list[Held]:
        """Its locks are lost, or are to be given up: all it has here, the oldest first."""
        leased = [held for held in self.leased.values() if held.source is source]
        for held in leased:
            self.done(held)
        return sorted([*self._waiting.pop(source, ()), *leased], key=lambda held: held.order)

    def of(self, source: Source) -> list[Held]:
        leased = [held for held in self.leased.values() if held.source is source]
        return [*self._waiting.get(source, ()), *leased]

    def waiting(self, *, work: bool) -> int:
        return sum(len(waiting) for _, waiting in self._sources(work))

    def next_due(self) -> datetime | None:
        return min((h.due for w in self._waiting.values() for h in w if h.due), default=None)

    def _sources(self, work: bool) -> list[tuple[Source, list[Held]]]:
        streams = [(s, w) for s, w in self._waiting.items() if w and w[0].stream is not None]
        rest = [(s, w) for s, w in self._waiting.items() if w and w[0].stream is None]
        streams.sort(key=lambda of: of[1][0].order)
        return [*streams, *rest] if work else streams

    def _drop_expired(self, waiting: list[Held], now: datetime) -> None:
        """Their locks ran out while they waited: they come again from the queue."""
        waiting[:] = [h for h in waiting if (until := h.locked_until()) is None or until > now]

    def _ready(self, waiting: list[Held], now: datetime, limit: int) -> list[Held]:
        ready: list[Held] = []
        for held in waiting:
            late = held.due is not None and held.due > now
            if len(ready) == limit or (late and held.stream is not None):
                break
            if not late:
                ready.append(held)
        waiting[:] = [held for held in waiting if held not in ready]
        return ready

    def _lease(self, held: Held) -> Delivery:
        held.token = f"{self._boot}.{next(self._tokens)}"
        held.due = None
        self.leased[held.token] = held
        return delivery(held)


def delivery(held: Held) -> Delivery:
    lane = lane_of(held.stream)
    return Delivery(held.event, lane, held.stream, held.token, held.attempt, held.error)
