"""What the in-memory bus holds, and the faults it is asked to show."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from backend.bus.codec import decode_event, encode_event_whole
from backend.bus.settling import partition
from backend.contracts.errors import Conflict
from backend.contracts.events import Event, Lane
from backend.contracts.ports import Commit, DeadLetter, Delivery, Document, Output, Settlement
from backend.stores.memory import MemoryStore


@dataclass(frozen=True, slots=True)
class Faults:
    """How often, from 0 to 1, what goes wrong. The same seed shows the same faults.

    `duplicate`: an acknowledged message is delivered again. `reorder`: a later message goes first,
    never within a stream. `lost_lease`: a delivery's lease is lost at once, and the message
    delivered again. `crash`: the settling process is cut off and hears `stale`: with `atomic`
    before or after everything, without it also between append, send and complete.
    """

    duplicate: float = 0.0
    reorder: float = 0.0
    lost_lease: float = 0.0
    crash: float = 0.0
    atomic: bool = True


@dataclass(slots=True)
class Message:
    event: Event
    lane: Lane
    stream: str | None
    due: datetime | None
    seq: int
    epoch: int | None = None
    attempt: int = 0
    lease: int = 0

    def delivery(self) -> Delivery:
        return Delivery(self.event, self.lane, self.stream, str(self.lease), self.attempt)


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit with what must follow from it, so that a redelivery can catch up."""

    commit: Commit
    outputs: tuple[Output, ...]
    documents: tuple[Document, ...]


@dataclass(slots=True)
class Broker:
    """Log, queue, claims and dead letters of all the processes that share it."""

    store: MemoryStore
    faults: Faults
    random: random.Random
    clock: Callable[[], datetime]
    messages: dict[str, Message] = field(default_factory=dict)
    log: dict[str, list[Entry]] = field(default_factory=dict)
    claims: dict[str, str | None] = field(default_factory=dict)
    dead: dict[str, DeadLetter] = field(default_factory=dict)
    counter: int = 0

    # --- queue ------------------------------------------------------------------------------------

    def queue(self, output: Output) -> Message | None:
        """Put an output in line; None when it is there, decided or dead already."""
        event = decode_event(encode_event_whole(output.event))
        stream = partition(output)
        if output.lane == "log" or event.id in self.messages or event.id in self.dead:
            return None
        if stream is not None and self.decided(stream, event.id):
            return None
        message = Message(event, output.lane, stream, output.due, self.count())
        self.messages[event.id] = message
        return message

    def count(self) -> int:
        self.counter += 1
        return self.counter

    def lease(self, message: Message, epoch: int) -> Delivery:
        message.epoch, message.attempt, message.lease = epoch, message.attempt + 1, self.count()
        message.due = None
        delivery = message.delivery()
        if self.happens(self.faults.lost_lease):
            message.epoch = None
        return delivery

    def ready(self, epoch: int) -> list[Message]:
        """Messages that `epoch` may lease now, in the order it should."""
        now = self.clock()
        held = {
            m.stream
            for m in self.messages.values()
            if m.epoch not in (None, epoch) or (m.epoch is None and m.attempt and not _due(m, now))
        }
        found = [
            m
            for m in sorted(self.messages.values(), key=lambda m: m.seq)
            if m.epoch is None and _due(m, now) and (m.stream is None or m.stream not in held)
        ]
        return list(self._mixed(found))

    def _mixed(self, found: list[Message]) -> Iterator[Message]:
        while found:
            pick = 0
            if self.happens(self.faults.reorder):
                pick = self.random.randrange(len(found))
                stream = found[pick].stream
                if stream is not None:
                    pick = next(i for i, m in enumerate(found) if m.stream == stream)
            yield found.pop(pick)

    def next_due(self) -> datetime | None:
        waiting = [m.due for m in self.messages.values() if m.epoch is None and m.due is not None]
        return min(waiting, default=None)

    def holds(self, delivery: Delivery, epoch: int) -> Message | None:
        message = self.messages.get(delivery.event.id)
        held = (
            message is not None and message.epoch == epoch and str(message.lease) == delivery.token
        )
        return message if held else None

    def in_the_way(self, stream: str, mine: Iterable[str] = ()) -> list[Message]:
        now, own = self.clock(), set(mine)
        return [
            m
            for m in self.messages.values()
            if m.stream == stream and (_due(m, now) or m.attempt) and m.event.id not in own
        ]

    def complete(self, delivery: Delivery) -> None:
        message = self.messages.pop(delivery.event.id, None)
        if message is not None and self.happens(self.faults.duplicate):
            self.messages[message.event.id] = replace(message, epoch=None, seq=self.count())

    def free(self, epoch: int) -> None:
        for message in self.messages.values():
            if message.epoch == epoch:
                message.epoch = None

    # --- log --------------------------------------------------------------------------------------

    def decided(self, stream: str, event_id: str) -> bool:
        return any(e.commit.cause.id == event_id for e in self.log.get(stream, ()))

    def catch_up(self, delivery: Delivery) -> bool:
        """A cause that is in its stream already is not decided again. If it made the last commit,
        what follows from it may never have been sent: send it again; then complete."""
        if delivery.stream is None or not self.decided(delivery.stream, delivery.event.id):
            return False
        last = self.log[delivery.stream][-1]
        if last.commit.cause.id == delivery.event.id:
            for document in last.documents:
                self.store.write(document)
            for output in last.outputs:
                self.queue(output)
        self.messages.pop(delivery.event.id, None)
        return True

    # --- settle -----------------------------------------------------------------------------------

    def judge(self, s: Settlement, epoch: int) -> Literal["ok", "conflict", "stale"]:
        acks = [*s.acks, *(letter.delivery for letter in s.dead)]
        if any(self.holds(delivery, epoch) is None for delivery in acks):
            return "stale"
        heads: dict[str, int] = {}
        causes: set[tuple[str, str]] = set()
        for commit in s.commits:
            cause = (commit.stream, commit.cause.id)
            head = heads.get(commit.stream, len(self.log.get(commit.stream, ())))
            if commit.position != head or cause in causes or self.decided(*cause):
                return "conflict"
            heads[commit.stream] = head + 1
            causes.add(cause)
        own = [delivery.event.id for delivery in acks]
        for stream in s.undisturbed:
            if any(message.epoch != epoch for message in self.in_the_way(stream, own)):
                return "conflict"
        try:
            for document in s.documents:
                self.store.check(document)
        except Conflict:
            return "conflict"
        return "ok"

    def append(self, s: Settlement) -> None:
        for commit in s.commits:
            entry = Entry(_as_stored(commit), s.outputs, s.documents)
            self.log.setdefault(commit.stream, []).append(entry)

    def bury(self, letter: DeadLetter) -> None:
        self.dead[letter.delivery.event.id] = letter
        self.messages.pop(letter.delivery.event.id, None)

    def happens(self, chance: float) -> bool:
        return chance > 0 and self.random.random() < chance

    def forget(self, stream: str) -> None:
        self.log.pop(stream, None)
        tables: Sequence[dict[str, Any]] = (self.messages, self.dead, self.claims)
        for table in tables:
            for key in [key for key, value in table.items() if _stream_of(value) == stream]:
                del table[key]


def _stream_of(value: Message | DeadLetter | str | None) -> str | None:
    if isinstance(value, DeadLetter):
        return value.delivery.stream
    return value.stream if isinstance(value, Message) else value


def _due(message: Message, now: datetime) -> bool:
    return message.due is None or message.due <= now


def _as_stored(commit: Commit) -> Commit:
    return replace(
        commit,
        cause=decode_event(encode_event_whole(commit.cause)),
        outputs=tuple(decode_event(encode_event_whole(event)) for event in commit.outputs),
    )
