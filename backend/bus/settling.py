"""Settling in one transaction: look at what the tables say, judge each settlement, write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from backend.bus.encoded import Encoded
from backend.bus.looking import Seen, Wanted, look, seq_of
from backend.contracts.errors import Conflict
from backend.contracts.events import Lane
from backend.contracts.ports import Delivery, Document, Output, Settled, Settlement
from backend.stores import documents
from backend.stores.database import Connection, Insert, Write
from backend.stores.documents import Change, micros
from backend.stores.encoding import encode

Outcome = Literal["ok", "conflict", "stale"]

READY = "ready"
"""Told to other processes when there may be something for them to lease. No stream is named so."""

_LOG = Insert("log (stream, position, cause_id, body)", ("text", "bigint", "text", "bytea"))
_MESSAGES = Insert(
    "messages (seq, event_id, stream, due, epoch, attempt, body)",
    ("bigint", "text", "text", "bigint", "bigint", "bigint", "bytea"),
)
_DEAD = Insert(
    "dead (event_id, stream, attempt, died, body, error)",
    ("text", "text", "bigint", "bigint", "bytea", "bytea"),
    "ON CONFLICT (event_id) DO UPDATE SET stream = excluded.stream, attempt = excluded.attempt, "
    "died = excluded.died, body = excluded.body, error = excluded.error",
)


def keys_of(settlements: Iterable[Settlement]) -> set[str]:
    """The streams that settling looks at, adds to or takes from."""
    keys: set[str] = set()
    for s in settlements:
        deliveries = (*s.acks, *(letter.delivery for letter in s.dead))
        keys.update(delivery.stream for delivery in deliveries if delivery.stream is not None)
        keys.update(commit.stream for commit in s.commits)
        keys.update(s.undisturbed)
        keys |= streams_of(s.outputs)
    return keys


def streams_of(outputs: Iterable[Output]) -> set[str]:
    return {o.stream for o in outputs if o.lane == "stream" and o.stream is not None}


def token(seq: int, epoch: int, attempt: int) -> str:
    return f"{seq}.{epoch}.{attempt}"


def lane_of(stream: str | None) -> Lane:
    return "work" if stream is None else "stream"


def partition(output: Output) -> str | None:
    """The stream whose order the delivery keeps; work has none."""
    return output.stream if output.lane == "stream" else None


@dataclass(slots=True)
class Writes:
    """What the accepted settlements come to. `again`: something is acknowledged and put in line anew."""

    acks: list[int] = field(default_factory=list)
    log: list[tuple[str, int, str, bytes]] = field(default_factory=list)
    messages: list[tuple[int, str, str | None, int, int | None, int, bytes]] = field(
        default_factory=list
    )
    dead: dict[str, tuple[str, str | None, int, int, bytes, bytes]] = field(default_factory=dict)
    documents: dict[documents.Key, Change] = field(default_factory=dict)
    again: bool = False

    def write(self, connection: Connection) -> None:
        writes: list[Write] = []
        if self.acks:
            dialect = connection.dialect
            acks = f"DELETE FROM messages WHERE seq {dialect.numbers}"
            writes.append((acks, (dialect.array(self.acks),)))
        if self.again:
            # Which of two writes goes first is left open, and no two messages may be of one event.
            connection.write(writes)
            writes = []
        if self.log:
            writes.append((_LOG, self.log))
        if self.messages:
            writes.append((_MESSAGES, self.messages))
        if self.dead:
            writes.append((_DEAD, list(self.dead.values())))
        if self.documents:
            documents.write(connection, self.documents.values(), writes)
        else:
            connection.write(writes)


class Desk:
    """Judges settlements one after the other against the tables as they will be after the ones
    before; what they come to is written at the end, all at once."""

    def __init__(self, connection: Connection, epoch: int, now: int, keep: int) -> None:
        self.connection = connection
        self.epoch = epoch
        self.now = now
        self.keep = keep
        self.writes = Writes()
        self.seen = Seen()
        self.found: dict[documents.Key, documents.Envelope] = {}
        self.acked: set[str] = set()
        self.left: set[str] = set()

    def look(self, settlements: Iterable[Settlement]) -> None:
        wanted = Wanted(self.keep > 0)
        wanted.settlements(settlements)
        self._look(wanted)

    def look_at_outputs(self, outputs: Iterable[Output]) -> None:
        wanted = Wanted(self.keep > 0)
        wanted.outputs(outputs)
        self._look(wanted)

    def _look(self, wanted: Wanted) -> None:
        self.seen = look(self.connection, wanted, self.now)
        self.found = self.seen.stored.copy()

    # --- judge ------------------------------------------------------------------------------------

    def settle(self, settlement: Settlement, encoded: Encoded) -> Settled:
        outcome = self._judge(settlement)
        if outcome != "ok":
            return Settled(outcome)
        self._acknowledge(settlement, encoded)
        for commit in settlement.commits:
            self.seen.heads[commit.stream] = commit.position + 1
            self.seen.decided.add((commit.stream, commit.cause.id))
        self.writes.log += encoded.commits(settlement)
        for document in settlement.documents:
            self._store(document, encoded.bodies[id(document)])
        return Settled("ok", tuple(self.queue(settlement.outputs, encoded.events)))

    def _judge(self, s: Settlement) -> Outcome:
        acked: set[int] = set()
        for delivery in (*s.acks, *(letter.delivery for letter in s.dead)):
            if not self.holds(delivery):
                return "stale"
            acked.add(seq_of(delivery))
        heads: dict[str, int] = {}
        causes: set[tuple[str, str]] = set()
        for commit in s.commits:
            stream, cause = commit.stream, (commit.stream, commit.cause.id)
            if commit.position != heads.get(stream, self.seen.heads.get(stream, 0)):
                return "conflict"
            if cause in self.seen.decided or cause in causes:
                return "conflict"
            heads[stream] = commit.position + 1
            causes.add(cause)
        for stream in s.undisturbed:
            waiting = self.seen.waiting.get(stream, {}).items()
            if any(epoch != self.epoch and seq not in acked for seq, epoch in waiting):
                return "conflict"
        try:
            for document in s.documents:
                documents.check(document, self.seen.stored.get((document.kind, document.id)))
        except Conflict:
            return "conflict"
        return "ok"

    def holds(self, delivery: Delivery) -> bool:
        seq = seq_of(delivery)
        lease = self.seen.leases.get(seq)
        return (
            lease is not None
            and lease[0] == delivery.event.id
            and lease[1] == self.epoch
            and token(seq, lease[1], lease[2]) == delivery.token
        )

    def _acknowledge(self, s: Settlement, encoded: Encoded) -> None:
        for delivery in (*s.acks, *(letter.delivery for letter in s.dead)):
            seq = seq_of(delivery)
            if self.seen.leases.pop(seq, None) is None:
                continue
            self.writes.acks.append(seq)
            self.seen.taken.discard(delivery.event.id)
            self.acked.add(delivery.event.id)
            if delivery.stream is not None:
                self.seen.waiting.get(delivery.stream, {}).pop(seq, None)
                self.left.add(delivery.stream)
        for letter in s.dead:
            delivery = letter.delivery
            self.seen.taken.add(delivery.event.id)
            self.writes.dead[delivery.event.id] = (
                delivery.event.id,
                delivery.stream,
                delivery.attempt,
                self.now,
                encoded.events[id(delivery.event)],
                encode(letter.error),
            )

    def _store(self, document: Document, body: bytes) -> None:
        """Unless what is stored follows from a later commit."""
        key = (document.kind, document.id)
        if documents.is_late(document, self.seen.stored.get(key)):
            return
        change = documents.change(document, body, self.found.get(key))
        self.writes.documents[key] = change
        if document.body is None:
            self.seen.stored.pop(key, None)
        else:
            self.seen.stored[key] = documents.Envelope(
                document.owner, change.etag, document.position
            )

    def queue(self, outputs: Iterable[Output], events: Mapping[int, bytes]) -> list[Delivery]:
        """Put new outputs in line; those leased to this process at once are returned."""
        kept = []
        for output in outputs:
            event = output.event
            if output.lane == "log" or event.id in self.seen.taken:
                continue
            stream = partition(output)
            if stream is not None and (stream, event.id) in self.seen.decided:
                continue
            self.seen.taken.add(event.id)
            self.writes.again |= event.id in self.acked
            due = 0 if output.due is None else micros(output.due)
            due = 0 if due <= self.now else due
            seq = next(self.seen.seqs)
            keeps = due == 0 and self.keep > 0 and self._is_free(stream)
            epoch = self.epoch if keeps else None
            self.writes.messages.append(
                (seq, event.id, stream, due, epoch, int(keeps), events[id(event)])
            )
            if stream is not None and due == 0:
                self.seen.waiting.setdefault(stream, {})[seq] = epoch
            if keeps:
                self.keep -= 1
                kept.append(Delivery(event, output.lane, stream, token(seq, self.epoch, 1), 1))
        return kept

    def _is_free(self, stream: str | None) -> bool:
        if stream is None:
            return True
        return all(epoch == self.epoch for epoch in self.seen.waiting.get(stream, {}).values())

    # --- write ------------------------------------------------------------------------------------

    def write(self) -> bool:
        """Whether there is something now, or at a time that nobody knows of, for whoever has a hand free."""
        self.writes.write(self.connection)
        ready = self._leaves_some()
        topics = {stream for stream, *_ in self.writes.log}
        self.connection.tell(topics | {READY} if ready else topics)
        return ready

    def _leaves_some(self) -> bool:
        if any(epoch is None for _, _, _, _, epoch, _, _ in self.writes.messages):
            return True
        lines = (self.seen.waiting.get(stream, {}) for stream in self.left)
        return any(epoch is None for line in lines for epoch in line.values())
