"""What the tables say about settlements, asked for all at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from backend.contracts.ports import Delivery, Output, Settlement
from backend.stores import documents
from backend.stores.database import Connection, Dialect, Query
from backend.stores.documents import Envelope


@dataclass(slots=True)
class Wanted:
    """What has to be known. `keep`: whether outputs may stay with this process at once."""

    keep: bool
    seqs: list[int] = field(default_factory=list)
    streams: set[str] = field(default_factory=set)
    causes: list[str] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    crowded: set[str] = field(default_factory=set)
    documents: dict[documents.Key, None] = field(default_factory=dict)

    def settlements(self, settlements: Iterable[Settlement]) -> None:
        for s in settlements:
            for delivery in (*s.acks, *(letter.delivery for letter in s.dead)):
                self.seqs.append(seq_of(delivery))
                if delivery.stream is not None:
                    self.crowded.add(delivery.stream)
            for commit in s.commits:
                self.streams.add(commit.stream)
                self.causes.append(commit.cause.id)
            self.crowded.update(s.undisturbed)
            for document in s.documents:
                self.documents[document.kind, document.id] = None
            self.outputs(s.outputs)

    def outputs(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if output.lane == "log":
                continue
            self.queued.append(output.event.id)
            if output.lane == "stream" and output.stream is not None:
                self.causes.append(output.event.id)
                if self.keep:
                    self.crowded.add(output.stream)


@dataclass(slots=True)
class Seen:
    """`leases` by seq, `taken` are events in line or dead, `decided` streams and the causes of their
    commits, `heads` next positions, `waiting` what is in a stream's line, `seqs` new numbers."""

    leases: dict[int, tuple[str, int | None, int]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    decided: set[tuple[str, str]] = field(default_factory=set)
    heads: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, dict[int, int | None]] = field(default_factory=dict)
    stored: dict[documents.Key, Envelope] = field(default_factory=dict)
    seqs: Iterator[int] = field(default_factory=lambda: iter(()))

    def _hear_leases(self, rows: Iterable[Any]) -> None:
        for seq, event_id, epoch, attempt in rows:
            self.leases[seq] = (event_id, epoch, attempt)

    def _hear_taken(self, rows: Iterable[Any]) -> None:
        self.taken.update(event_id for (event_id,) in rows)

    def _hear_highest(self, rows: Iterable[Any]) -> None:
        ((highest,),) = rows
        self.seqs = itertools.count((highest or 0) + 1)

    def _hear_numbers(self, rows: Iterable[Any]) -> None:
        self.seqs = (seq for (seq,) in rows)

    def _hear_decided(self, rows: Iterable[Any]) -> None:
        self.decided.update(map(tuple, rows))

    def _hear_heads(self, rows: Iterable[Any]) -> None:
        self.heads.update(map(tuple, rows))

    def _hear_waiting(self, rows: Iterable[Any]) -> None:
        for stream, seq, epoch in rows:
            self.waiting.setdefault(stream, {})[seq] = epoch

    def _hear_documents(self, rows: Iterable[Any]) -> None:
        self.stored.update(documents.envelopes(rows))


def look(connection: Connection, wanted: Wanted, now: int) -> Seen:
    """In one transaction, under the keys of all streams that are looked at."""
    seen = Seen()
    asked: list[tuple[Query, Callable[[Iterable[Any]], None]]] = []
    dialect = connection.dialect
    sql, array = _statements(dialect), dialect.array
    if wanted.seqs:
        asked.append(((sql.leases, (array(wanted.seqs),)), seen._hear_leases))
    if wanted.queued:
        ids = array(wanted.queued)
        asked.append(((sql.taken, (ids, ids)), seen._hear_taken))
        if dialect.alone:
            asked.append(((_HIGHEST, ()), seen._hear_highest))
        else:
            asked.append(((_NUMBERS, (len(wanted.queued),)), seen._hear_numbers))
    if wanted.causes:
        asked.append(((sql.decided, (array(wanted.causes),)), seen._hear_decided))
    if wanted.streams:
        asked.append(((sql.heads, (array(list(wanted.streams)),)), seen._hear_heads))
    if wanted.crowded:
        asked.append(((sql.waiting, (array(list(wanted.crowded)), now)), seen._hear_waiting))
    if wanted.documents:
        for query in documents.queries(dialect, wanted.documents):
            asked.append((query, seen._hear_documents))
    answers = connection.ask([query for query, _ in asked])
    for (_, hear), rows in zip(asked, answers, strict=True):
        hear(rows)
    return seen


def seq_of(delivery: Delivery) -> int:
    head, _, _ = delivery.token.partition(".")
    return int(head) if head.isdecimal() else -1


# New numbers are higher than any that was given out in these streams before.
_HIGHEST = "SELECT max(seq) FROM messages"
_NUMBERS = "SELECT nextval('messages_seq_seq') FROM generate_series(1, ?::bigint)"


@dataclass(frozen=True, slots=True)
class _Statements:
    """Each takes an array first."""

    leases: str
    taken: str
    decided: str
    heads: str
    waiting: str


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
    )
