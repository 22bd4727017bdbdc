"""What a queue of Service Bus does, without the wire."""

from __future__ import annotations

import heapq
import uuid
from dataclasses import replace
from itertools import count

from tests.azure.amqp.message import GROUP_ID, MESSAGE_ID, Message
from tests.azure.servicebus import errors
from tests.azure.servicebus.clock import Clock
from tests.azure.servicebus.entries import Entry, Properties
from tests.azure.servicebus.locks import Locks
from tests.azure.servicebus.sessions import Receiver, Sessions

DEAD_LETTERS = "/$DeadLetterQueue"


class Queue:
    """Raises AmqpError where Azure refuses."""

    def __init__(self, properties: Properties, clock: Clock, *, dead: Queue | None = None) -> None:
        self.properties = properties
        self.dead = dead
        self.entries: dict[int, Entry] = {}
        self.sessions = Sessions(self, clock)
        self.locks = Locks(clock, properties.lock_duration, self._failed)
        self._clock = clock
        self._sequences = count(1)
        self._ready: dict[str | None, list[int]] = {}
        self._receivers: list[Receiver] = []
        self._seen: dict[object, float] = {}

    # --- in ---------------------------------------------------------------------------------------

    def check(self, message: Message) -> None:
        if self.properties.requires_session and message.properties[GROUP_ID] is None:
            raise errors.not_allowed(
                "The SessionId was not set on a message, and it cannot be sent to the entity."
            )

    def send(self, message: Message, due: float | None = None) -> int:
        """Its sequence number. `due` in the past is now; a duplicate is taken and forgotten."""
        self.check(message)
        now, entry = self._clock.now(), Entry(next(self._sequences), message, self._clock.now())
        if self._repeated(message.properties[MESSAGE_ID], now):
            return entry.sequence
        if due is not None and due > now:
            entry.state, entry.due = "scheduled", due
            self.entries[entry.sequence] = entry
            self._clock.at(due, lambda: self._arrive(entry))
        else:
            self.put(entry)
        return entry.sequence

    def cancel(self, sequence: int) -> None:
        entry = self.entries.get(sequence)
        if entry is None or entry.state != "scheduled":
            raise errors.message_not_found(sequence)
        del self.entries[sequence]

    def put(self, entry: Entry) -> None:
        entry.state, entry.enqueued = "active", self._clock.now()
        own = entry.message.ttl_ms
        ttls = [self.properties.default_ttl, None if own is None else own / 1000]
        ttl = min((each for each in ttls if each is not None), default=None)
        # what is dead does not expire
        if ttl is not None and self.dead:
            entry.expires = entry.enqueued + ttl
            self._clock.at(entry.expires, lambda: self._expire(entry))
        self.entries[entry.sequence] = entry
        self._give_back(entry)

    def _repeated(self, message_id: object, now: float) -> bool:
        window = self.properties.duplicate_window
        if window is None or message_id is None:
            return False
        if now - self._seen.get(message_id, now - window) < window:
            return True
        self._seen[message_id] = now
        return False

    def _arrive(self, entry: Entry) -> None:
        if self.entries.pop(entry.sequence, None) is entry:
            # as in Azure: it joins the queue now, under a number of now
            entry.sequence = next(self._sequences)
            self.put(entry)

    def _expire(self, entry: Entry) -> None:
        if self.entries.get(entry.sequence) is not entry or entry.lock:
            return
        if self.properties.dead_letter_expired:
            self.bury(entry, "TTLExpiredException", "The message expired and was dead lettered.")
        else:
            del self.entries[entry.sequence]

    # --- out --------------------------------------------------------------------------------------

    def attach(self, receiver: Receiver) -> None:
        self._receivers.append(receiver)

    def detach(self, receiver: Receiver) -> None:
        """What it had stays locked for its time, as in Azure; what a session held is free."""
        if receiver in self._receivers:
            self._receivers.remove(receiver)
        self.sessions.leave(receiver)

    def offer(self, session: str | None = None) -> None:
        """Hand out what is ready to whoever asked for it."""
        if session is not None:
            self.sessions.offer(session)
            return
        while self.first(None):
            willing = next((each for each in self._receivers if each.credit > 0), None)
            if willing is None:
                return
            # who was served goes to the end of the line, so that receivers share
            self._receivers.remove(willing)
            self._receivers.append(willing)
            willing.deliver(self.take(None, locked=not willing.deletes))

    def first(self, session: str | None) -> Entry | None:
        """The oldest that is ready."""
        line = self._ready.get(session)
        while line:
            entry = self.entries.get(line[0])
            if entry:
                if entry.expires is None or entry.expires > self._clock.now():
                    return entry
                self._expire(entry)
            heapq.heappop(line)
        self._ready.pop(session, None)
        return None

    def ready(self) -> list[str]:
        """The sessions with messages, the one with the oldest first."""
        firsts = [(self.first(each), each) for each in list(self._ready)]
        return [s for _, s in sorted((entry.sequence, s) for entry, s in firsts if entry and s)]

    def take(self, session: str | None, *, locked: bool) -> Entry:
        entry = self.first(session)
        assert entry
        heapq.heappop(self._ready[session])
        self._take(entry, locked=locked)
        return entry

    def take_deferred(self, sequence: int, session: str | None, *, locked: bool) -> Entry:
        entry = self.entries.get(sequence)
        if entry is None or entry.state != "deferred" or entry.lock or self._line(entry) != session:
            raise errors.message_not_found(sequence)
        self._take(entry, locked=locked)
        return entry

    def peek(self, sequence: int, most: int, session: str | None) -> list[Entry]:
        """From that sequence number on, whatever their state; one session's or all."""
        chosen = (self.entries[each] for each in sorted(self.entries) if each >= sequence)
        return [e for e in chosen if session is None or e.session == session][:most]

    def _take(self, entry: Entry, *, locked: bool) -> None:
        session = self._line(entry)
        if not locked:
            del self.entries[entry.sequence]
        elif session is None:
            self.locks.take(entry)
        else:
            self.locks.take_in_session(entry, session, self.sessions.hold(session).until)

    def _line(self, entry: Entry) -> str | None:
        return entry.session if self.properties.requires_session else None

    def _give_back(self, entry: Entry) -> None:
        if entry.state == "active":
            line = self._line(entry)
            heapq.heappush(self._ready.setdefault(line, []), entry.sequence)
            self.offer(line)

    # --- settling: each ends the lock -------------------------------------------------------------

    def complete(self, token: uuid.UUID) -> None:
        entry = self.locks.end(token)
        del self.entries[entry.sequence]

    def abandon(self, token: uuid.UUID) -> None:
        self._failed(self.locks.end(token))

    def release(self, token: uuid.UUID) -> None:
        """Not a failed delivery."""
        self._give_back(self.locks.end(token))

    def defer(self, token: uuid.UUID) -> None:
        self.locks.end(token).state = "deferred"

    def dead_letter(self, token: uuid.UUID, reason: str | None, description: str | None) -> None:
        self.bury(self.locks.end(token), reason, description)

    def bury(self, entry: Entry, reason: str | None, description: str | None) -> None:
        del self.entries[entry.sequence]
        why = {"DeadLetterReason": reason, "DeadLetterErrorDescription": description}
        said = {key: value for key, value in why.items() if value is not None}
        message = replace(entry.message, application={**entry.message.application, **said})
        if self.dead:
            buried = replace(entry, message=message, source=self.properties.name)
            buried.expires = buried.due = None
            self.dead.put(buried)

    def counts(self) -> dict[str, int]:
        """Messages by where they are; `active` are those that may be received."""
        found = {"active": 0, "locked": 0, "deferred": 0, "scheduled": 0}
        for entry in self.entries.values():
            found["locked" if entry.lock else entry.state] += 1
        return {**found, "dead": len(self.dead.entries) if self.dead else 0}

    def session_ended(self, session: str, *, failed: bool) -> None:
        for entry in self.locks.end_session(session):
            (self._failed if failed else self._give_back)(entry)

    def _failed(self, entry: Entry) -> None:
        entry.deliveries += 1
        most = self.properties.max_delivery_count
        if self.dead and entry.deliveries >= most:
            text = f"Message could not be consumed after {most} delivery attempts."
            self.bury(entry, "MaxDeliveryCountExceeded", text)
        else:
            self._give_back(entry)
