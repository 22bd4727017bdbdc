"""Settling in one transaction: look at what the tables say, judge each settlement, write."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from backend.bus.encoded import Encoded
from backend.contracts.errors import Conflict
from backend.contracts.events import Lane
from backend.contracts.ports import Delivery, Document, Output, Settled, Settlement
from backend.stores import documents
from backend.stores.database import Connection, Dialect
from backend.stores.documents import Change, Envelope, micros
from backend.stores.encoding import encode

Outcome = Literal["ok", "conflict", "stale"]
Row = tuple[int, str, str | None, int, int | None, int, bytes]

INSERT_MESSAGE = (
    "INSERT INTO messages (seq, event_id, stream, due, epoch, attempt, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)

_BURY = (
    "INSERT INTO dead (event_id, stream, attempt, died, body, error) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (event_id) DO UPDATE SET stream = excluded.stream, attempt = excluded.attempt, "
    "died = excluded.died, body = excluded.body, error = excluded.error"
)


@dataclass(frozen=True, slots=True)
class _Statements:
    """Each takes an array first."""

    leases: str
    taken: str
    decided: str
    heads: str
    waiting: str
    acks: str


@cache
def _statements(dialect: Dialect) -> _Statements:
    texts, numbers = dialect.texts, dialect.numbers
    return _Statements(
        leases=f"SELECT seq, event_id, epoch, attempt FROM messages WHERE seq {numbers}",
        taken=f"SELECT event_id FROM messages WHERE event_id {texts} "
        f"UNION ALL SELECT event_id FROM dead WHERE event_id {texts}",
        decided=f"SELECT stream, cause_id FROM log WHERE cause_id {texts}",
        heads="SELECT value, (SELECT coalesce(max(position), -1) + 1 FROM log "
        f"WHERE stream = value) FROM {dialect.each}",
        waiting="SELECT stream, seq, epoch FROM messages "
        f"WHERE stream {texts} AND (due <= ? OR attempt > 0)",
        acks=f"DELETE FROM messages WHERE seq {numbers}",
    )


def keys_of(settlements: Iterable[Settlement]) -> set[str]:
    """The streams that settling looks at or adds to."""
    keys: set[str] = set()
    for s in settlements:
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
    """What the accepted settlements come to."""

    acks: list[int] = field(default_factory=list)
    log: list[tuple[str, int, str, bytes]] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    dead: list[tuple[str, str | None, int, int, bytes, bytes]] = field(default_factory=list)
    documents: dict[documents.Key, Change] = field(default_factory=dict)


class Desk:
    """Judges settlements one after the other against the tables as they will be after the ones
    before; what they come to is written at the end, all at once."""

    def __init__(self, connection: Connection, epoch: int, now: int, keep: int) -> None:
        self.connection = connection
        self.epoch = epoch
        self.now = now
        self.keep = keep
        self.writes = Writes()
        self.leases: dict[int, tuple[str, int | None, int]] = {}
        self.taken: set[str] = set()
        self.decided: set[tuple[str, str]] = set()
        self.heads: dict[str, int] = {}
        self.waiting: dict[str, dict[int, int | None]] = {}
        self.stored: dict[documents.Key, Envelope] = {}
        self.found: dict[documents.Key, Envelope] = {}
        self.seqs: Iterator[int] = iter(())

    # --- look -------------------------------------------------------------------------------------

    def look(self, settlements: Iterable[Settlement]) -> None:
        seqs: list[int] = []
        streams: set[str] = set()
        causes: list[str] = []
        queued: list[str] = []
        crowded: set[str] = set()
        keys: dict[documents.Key, None] = {}
        for s in settlements:
            for ack in s.acks:
                seqs.append(_seq(ack))
            for letter in s.dead:
                seqs.append(_seq(letter.delivery))
            for commit in s.commits:
                streams.add(commit.stream)
                causes.append(commit.cause.id)
            crowded.update(s.undisturbed)
            for document in s.documents:
                keys[document.kind, document.id] = None
            self._note_outputs(s.outputs, causes, queued, crowded)
        self._look_up(seqs, streams, causes, queued, crowded)
        if keys:
            self.found = documents.look(self.connection, keys)
            self.stored = self.found.copy()

    def look_at_outputs(self, outputs: Iterable[Output]) -> None:
        causes: list[str] = []
        queued: list[str] = []
        crowded: set[str] = set()
        self._note_outputs(outputs, causes, queued, crowded)
        self._look_up([], set(), causes, queued, crowded)

    def _note_outputs(
        self, outputs: Iterable[Output], causes: list[str], queued: list[str], crowded: set[str]
    ) -> None:
        for output in outputs:
            if output.lane == "log":
                continue
            queued.append(output.event.id)
            if output.lane == "stream" and output.stream is not None:
                causes.append(output.event.id)
                if self.keep:
                    crowded.add(output.stream)

    def _look_up(
        self,
        seqs: list[int],
        streams: set[str],
        causes: list[str],
        queued: list[str],
        crowded: set[str],
    ) -> None:
        execute, dialect = self.connection.execute, self.connection.dialect
        sql, array = _statements(dialect), dialect.array
        if seqs:
            for seq, event_id, epoch, attempt in execute(sql.leases, (array(seqs),)):
                self.leases[seq] = (event_id, epoch, attempt)
        if queued:
            ids = array(queued)
            self.taken.update(event_id for (event_id,) in execute(sql.taken, (ids, ids)))
            self.seqs = _new_seqs(self.connection, len(queued))
        if causes:
            self.decided.update(map(tuple, execute(sql.decided, (array(causes),))))
        if streams:
            self.heads = dict(execute(sql.heads, (array(list(streams)),)).fetchall())
        if crowded:
            found = execute(sql.waiting, (array(list(crowded)), self.now))
            for stream, seq, epoch in found:
                self.waiting.setdefault(stream, {})[seq] = epoch

    # --- judge ------------------------------------------------------------------------------------

    def settle(self, settlement: Settlement, encoded: Encoded) -> Settled:
        outcome = self._judge(settlement)
        if outcome != "ok":
            return Settled(outcome)
        self._acknowledge(settlement, encoded)
        for commit in settlement.commits:
            self.heads[commit.stream] = commit.position + 1
            self.decided.add((commit.stream, commit.cause.id))
        self.writes.log += encoded.commits(settlement)
        for document in settlement.documents:
            self._store(document, encoded.bodies[id(document)])
        return Settled("ok", tuple(self.queue(settlement.outputs, encoded.events)))

    def _judge(self, s: Settlement) -> Outcome:
        acked: set[int] = set()
        for delivery in (*s.acks, *(letter.delivery for letter in s.dead)):
            if not self.holds(delivery):
                return "stale"
            acked.add(_seq(delivery))
        heads: dict[str, int] = {}
        causes: set[tuple[str, str]] = set()
        for commit in s.commits:
            stream, cause = commit.stream, (commit.stream, commit.cause.id)
            if commit.position != heads.get(stream, self.heads.get(stream, 0)):
                return "conflict"
            if cause in self.decided or cause in causes:
                return "conflict"
            heads[stream] = commit.position + 1
            causes.add(cause)
        for stream in s.undisturbed:
            waiting = self.waiting.get(stream, {}).items()
            if any(epoch != self.epoch and seq not in acked for seq, epoch in waiting):
                return "conflict"
        try:
            for document in s.documents:
                documents.check(document, self.stored.get((document.kind, document.id)))
        except Conflict:
            return "conflict"
        return "ok"

    def holds(self, delivery: Delivery) -> bool:
        seq = _seq(delivery)
        lease = self.leases.get(seq)
        return (
            lease is not None
            and lease[0] == delivery.event.id
            and lease[1] == self.epoch
            and token(seq, lease[1], lease[2]) == delivery.token
        )

    def _acknowledge(self, s: Settlement, encoded: Encoded) -> None:
        for delivery in (*s.acks, *(letter.delivery for letter in s.dead)):
            seq = _seq(delivery)
            if self.leases.pop(seq, None) is None:
                continue
            self.writes.acks.append(seq)
            self.taken.discard(delivery.event.id)
            if delivery.stream is not None:
                self.waiting.get(delivery.stream, {}).pop(seq, None)
        for letter in s.dead:
            delivery = letter.delivery
            self.taken.add(delivery.event.id)
            self.writes.dead.append(
                (
                    delivery.event.id,
                    delivery.stream,
                    delivery.attempt,
                    self.now,
                    encoded.events[id(delivery.event)],
                    encode(letter.error),
                )
            )

    def _store(self, document: Document, body: bytes) -> None:
        """Unless what is stored follows from a later commit."""
        key = (document.kind, document.id)
        if documents.is_late(document, self.stored.get(key)):
            return
        change = documents.change(document, body, self.found.get(key))
        self.writes.documents[key] = change
        if document.body is None:
            self.stored.pop(key, None)
        else:
            self.stored[key] = Envelope(document.owner, change.etag, document.position)

    def queue(self, outputs: Iterable[Output], events: Mapping[int, bytes]) -> list[Delivery]:
        """Put new outputs in line; those leased to this process at once are returned."""
        kept = []
        for output in outputs:
            event = output.event
            if output.lane == "log" or event.id in self.taken:
                continue
            stream = partition(output)
            if stream is not None and (stream, event.id) in self.decided:
                continue
            self.taken.add(event.id)
            due = 0 if output.due is None else micros(output.due)
            due = 0 if due <= self.now else due
            seq = next(self.seqs)
            keeps = due == 0 and self.keep > 0 and self._is_free(stream)
            epoch = self.epoch if keeps else None
            self.writes.messages.append(
                (seq, event.id, stream, due, epoch, int(keeps), events[id(event)])
            )
            if stream is not None and due == 0:
                self.waiting.setdefault(stream, {})[seq] = epoch
            if keeps:
                self.keep -= 1
                kept.append(Delivery(event, output.lane, stream, token(seq, self.epoch, 1), 1))
        return kept

    def _is_free(self, stream: str | None) -> bool:
        if stream is None:
            return True
        return all(epoch == self.epoch for epoch in self.waiting.get(stream, {}).values())

    # --- write ------------------------------------------------------------------------------------

    def write(self) -> None:
        writes, connection = self.writes, self.connection
        dialect = connection.dialect
        if writes.acks:
            connection.execute(_statements(dialect).acks, (dialect.array(writes.acks),))
        if writes.log:
            connection.executemany(
                "INSERT INTO log (stream, position, cause_id, body) VALUES (?, ?, ?, ?)", writes.log
            )
        if writes.messages:
            connection.executemany(INSERT_MESSAGE, writes.messages)
        if writes.dead:
            connection.executemany(_BURY, writes.dead)
        if writes.documents:
            documents.write(connection, writes.documents.values())


def _new_seqs(connection: Connection, count: int) -> Iterator[int]:
    """Numbers for new messages, higher than any that was given out in these streams before."""
    if connection.dialect.alone:
        (highest,) = connection.execute("SELECT max(seq) FROM messages").fetchone()
        return itertools.count((highest or 0) + 1)
    found = connection.execute(
        "SELECT nextval('messages_seq_seq') FROM generate_series(1, ?::bigint)", (count,)
    )
    return (seq for (seq,) in found)


def _seq(delivery: Delivery) -> int:
    head, _, _ = delivery.token.partition(".")
    return int(head) if head.isdecimal() else -1
