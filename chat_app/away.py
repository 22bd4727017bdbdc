"""What happened while somebody was away, in a line."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from backend.contracts.views import ThreadUpdate
from chat_app import words

AWAY_S = 60


def what_happened(update: ThreadUpdate, left: datetime, now: datetime, zone: str) -> str:
    """ "" when the person was hardly away, or nothing really happened."""
    ended = [r.status for r in update.runs if r.parent is None and r.ended_at and r.ended_at > left]
    statuses = Counter[str](ended)
    for counts in update.earlier.values():
        statuses.update(counts)
    if (now - left).total_seconds() < AWAY_S or not (statuses or update.messages):
        return ""
    parts = [
        _counted(statuses[status], what)
        for status, what in (
            ("completed", "run done"),
            ("failed", "run failed"),
            ("cancelled", "run stopped"),
        )
    ]
    parts.append(_counted(len(update.messages), "message"))
    happened = words.joined([p for p in parts if p])
    return f"While you were away (since {words.clock(left, zone, now)}): {happened}."


def _counted(number: int, what: str) -> str:
    if not number:
        return ""
    one, _, rest = what.partition(" ")
    return f"{number} {one}{'' if number == 1 else 's'}{' ' + rest if rest else ''}"
