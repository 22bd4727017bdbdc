"""Leasing what is ready: alone in the database, or among other processes that do the same."""

from __future__ import annotations

from backend.stores.database import Connection

Row = tuple[int, str | None, int, bytes]
"""seq, stream, attempts before this one, body"""

_READY = """
SELECT seq, stream, attempt, body FROM messages AS m
WHERE epoch IS NULL AND due = 0 AND (stream IS NULL AND ?3 OR stream IS NOT NULL AND NOT (
  EXISTS (SELECT 1 FROM messages AS o WHERE o.stream = m.stream AND o.epoch < ?1)
  OR EXISTS (SELECT 1 FROM messages AS o WHERE o.stream = m.stream AND o.epoch > ?1)
  OR EXISTS (SELECT 1 FROM messages AS o WHERE o.stream = m.stream AND o.epoch IS NULL
             AND o.due > 0 AND o.attempt > 0)))
ORDER BY seq LIMIT ?2
"""
_LEASE = (
    "UPDATE messages SET epoch = ?, attempt = attempt + 1 "
    "WHERE seq IN (SELECT value FROM json_each(?))"
)
_DUE = "UPDATE messages SET due = 0 WHERE epoch IS NULL AND due > 0 AND due <= ?"
_NEXT_DUE = "SELECT min(due) FROM messages WHERE epoch IS NULL AND due > 0"

# Streams are looked at twice: what may be leased is known once their keys are held, and only then.
_FREE = """NOT EXISTS (SELECT 1 FROM messages AS o WHERE o.stream = m.stream AND (
  o.epoch <> ?1 OR o.epoch IS NULL AND o.due > 0 AND o.attempt > 0))"""
_READY_STREAMS = f"""
SELECT DISTINCT stream FROM (
  SELECT seq, stream FROM messages AS m
  WHERE epoch IS NULL AND due = 0 AND stream IS NOT NULL AND {_FREE}
  ORDER BY seq LIMIT ?2) AS ready
"""
_LEASE_AMONG_OTHERS = f"""
WITH work AS (
  SELECT seq FROM messages WHERE epoch IS NULL AND due = 0 AND stream IS NULL AND ?3::bool
  ORDER BY seq LIMIT ?2 FOR UPDATE SKIP LOCKED),
keyed AS (
  SELECT seq FROM messages AS m
  WHERE epoch IS NULL AND due = 0 AND stream = ANY(?4::text[]) AND {_FREE}
  ORDER BY seq LIMIT ?2 FOR UPDATE SKIP LOCKED),
ready AS (SELECT seq FROM work UNION ALL SELECT seq FROM keyed ORDER BY seq LIMIT ?2)
UPDATE messages SET epoch = ?1, attempt = attempt + 1 FROM ready
WHERE messages.seq = ready.seq AND EXISTS (SELECT 1 FROM owners WHERE epoch = ?1)
RETURNING messages.seq, messages.stream, messages.attempt - 1, messages.body
"""
_DUE_AMONG_OTHERS = """
UPDATE messages SET due = 0 WHERE seq IN (
  SELECT seq FROM messages WHERE epoch IS NULL AND due > 0 AND due <= ? FOR UPDATE SKIP LOCKED)
"""
_WORK = (
    "SELECT 1 FROM messages WHERE epoch IS NULL AND due = 0 AND stream IS NULL AND ?::bool LIMIT 1"
)
_AGAIN = 20_000
"""Microseconds after which to look again at what others were holding at this moment."""


def lease(
    connection: Connection, epoch: int, now: int, limit: int, *, work: bool
) -> tuple[list[Row], int | None]:
    """Up to `limit` messages, from now on leased under `epoch`, oldest first; when there are none, the
    time at which to look again. Without `work` only those of streams."""
    if connection.dialect.alone:
        return _lease_alone(connection, epoch, now, limit, work)
    due, streams, lines = _look(connection, epoch, limit, work)
    if due is not None and due <= now:
        connection.execute(_DUE_AMONG_OTHERS, (now,))
        due, streams, lines = _look(connection, epoch, limit, work)
    if not streams and not lines:
        return [], due
    held = connection.try_keys(streams) if streams else []
    rows = connection.execute(_LEASE_AMONG_OTHERS, (epoch, limit, work, held)).fetchall()
    return sorted(map(tuple, rows)), now + _AGAIN


def _lease_alone(
    connection: Connection, epoch: int, now: int, limit: int, work: bool
) -> tuple[list[Row], int | None]:
    connection.execute(_DUE, (now,))
    rows = connection.execute(_READY, (epoch, limit, work)).fetchall()
    if not rows:
        return [], connection.execute(_NEXT_DUE).fetchone()[0]
    seqs = connection.dialect.array([row[0] for row in rows])
    connection.execute(_LEASE, (epoch, seqs))
    return rows, None


def _look(
    connection: Connection, epoch: int, limit: int, work: bool
) -> tuple[int | None, list[str], bool]:
    """When the next message is due, the streams with something for this process, and whether there is
    work without a stream."""
    queries = (_NEXT_DUE, ()), (_READY_STREAMS, (epoch, limit)), (_WORK, (work,))
    ((due,),), streams, lines = connection.ask(queries)
    return due, [stream for (stream,) in streams], len(lines) > 0
