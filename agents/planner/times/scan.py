"""Read a phrase that is all time, or find the time in a request."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from agents.planner.times import words
from agents.planner.times.parts import Parts, Unclear
from agents.planner.times.resolve import resolve
from agents.planner.times.run import MAX_PHRASE, Run, gap_end, run
from agents.planner.times.when import When

MAX_REQUEST = 20_000
MAX_ROWS = 12  # more of them never agree

Span = tuple[int, int]
_START = re.compile(r"(?<![\w/@.'-])(?=[\w@])")
_DETERMINER = re.compile(r"\b(?:the|an?|my|your|our|their|its|his|her|this|that|last|past)\s+$")
# what would change the time if it were left out
_BEFORE = re.compile(
    r"\b(?:before|after|until|till|by|since|around|about|approximately|roughly|starting|beginning"
    r"|no later than|as of|or|every|each|every other|not|never|alternat\w+|odd|even|almost|hardly)"
    r"\s+(?:on\s+|at\s+)?$"
)
_AFTER = re.compile(
    r"\s*,?\s*\b(?:except|excluding|but\s+(?:not|only)\b|other\s+than|until|till|starting|beginning|onwards?|or\s+so|ish"
    rf"|for\s+(?:the\s+)?(?:next\s+)?{words.NUMBER}\s+{words.UNIT}|for\s+(?:a\s+(?:bit|few|while)|ever|now)\b"
    rf"|from\s+(?:tomorrow|today|next|now|{words.MONTH}|{words.DAY}|\d)"
    rf"|(?:and|or)\s+(?:at\s+|on\s+)?{words.DAY}s?\b(?!\w))[^,.;]*"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the words are not one exact time, and what could be said instead."""

    reason: str
    words: str = ""
    choices: tuple[str, ...] = ()


class Found(NamedTuple):
    """`spans` are the places of the time's words in the request, in order."""

    when: When | Refused | None
    spans: tuple[Span, ...]


def parse_when(text: str, now: datetime, timezone: str) -> When | Refused:
    """The time a phrase says, when every word of it is understood. `now` is aware."""
    text = text.strip().rstrip(".!?")
    if len(text) > MAX_PHRASE:
        return Refused("that is too long for a time", text[:80])
    plain = words.normal(text)
    row = run(plain, gap_end(plain, 0))
    if row is None:
        return Refused("that is not a time I know", text)
    if row.unclear is not None:
        return Refused(row.unclear.reason, text, row.unclear.choices)
    rest = text[gap_end(plain, row.end) :].strip()
    if rest:
        return Refused(f"I do not understand “{rest}” in it", text)
    return _resolved(row.wholes, text, now, timezone)


def parse_parts(text: str) -> list[Parts] | Refused | None:
    """The pieces of a phrase that is all time, a list for each schedule; None when some word of it
    is none."""
    plain = words.normal(text.strip().rstrip(".!?"))
    if len(plain) > MAX_PHRASE:
        return None
    row = run(plain, gap_end(plain, 0))
    if row is None or gap_end(plain, row.end) < len(plain):
        return None
    if row.unclear is not None:
        return Refused(row.unclear.reason, text, row.unclear.choices)
    return row.wholes


def find_when(text: str, now: datetime, timezone: str) -> Found:
    """The time in a request, wherever its words stand; None when there is none.

    Mask what is no prose (addresses, quotations) with spaces before the call.
    """
    plain = words.normal(text[:MAX_REQUEST])
    rows = _rows(plain)
    spans = tuple((row.start, row.end) for row in rows)
    said = " … ".join(text[start:end].strip() for start, end in spans)
    if not rows:
        return Found(None, ())
    try:
        wholes = _together(plain, text, rows)
    except Unclear as unclear:
        return Found(Refused(unclear.reason, said, unclear.choices), spans)
    found = _resolved(wholes, said, now, timezone)
    if isinstance(found, When) and found.kind == "at" and _habit_aside(plain, spans):
        found = Refused(
            "is it once, or again and again?", said, (f"every day {said}", f"tomorrow {said}")
        )
    return Found(found, spans)


def _together(plain: str, text: str, rows: list[Run]) -> list[Parts]:
    """What all rows say. Raises Unclear."""
    wholes = [Parts()]
    for row in rows:
        if row.unclear is not None:
            raise row.unclear
        _check_neighbours(plain, text, row)
        if len(wholes) > 1 and len(row.wholes) > 1:
            raise Unclear("several different times are said")
        pairs = [(before, said) for before in wholes for said in row.wholes]
        wholes = [replace(before) for before, _ in pairs]
        for whole, (_, said) in zip(wholes, pairs, strict=True):
            whole.merge(said)
    return wholes


def _resolved(wholes: list[Parts], said: str, now: datetime, timezone: str) -> When | Refused:
    try:
        return resolve(wholes, now, timezone)
    except Unclear as unclear:
        return Refused(unclear.reason, said, unclear.choices)
    except (OverflowError, ValueError):
        return Refused("there is no such time", said)


def _rows(plain: str) -> list[Run]:
    rows: list[Run] = []
    position = 0
    while len(rows) < MAX_ROWS and (start := _START.search(plain, position)) is not None:
        row = run(plain, start.start())
        if row is None or not row.strong or not (row.unclear or row.said):
            long = row is not None and row.end - row.start > MAX_PHRASE
            skipped = row.end if row and (long or not row.unclear) else 0
            position = max(_word_end(plain, start.start()), skipped)
            continue
        position = row.end
        if not _attributive(plain, row):
            rows.append(row)
    return rows


def _word_end(plain: str, position: int) -> int:
    word = re.compile(r"[@\w]+").match(plain, position)
    return word.end() if word else position + 1


def _attributive(plain: str, row: Run) -> bool:
    """ "the daily news": the words belong to a noun."""
    if _DETERMINER.search(plain, max(0, row.start - 12), row.start) is None:
        return False
    return re.compile(r"\s+\w").match(plain, row.end) is not None


def _check_neighbours(plain: str, text: str, row: Run) -> None:
    before = _BEFORE.search(plain, max(0, row.start - 24), row.start)
    if before:
        said = text[before.start() : row.end].strip()
        raise Unclear(f"“{said}” is not one exact time")
    after = _AFTER.match(plain, row.end)
    if after:
        raise Unclear(f"a schedule cannot say “{text[row.end : after.end()].strip(' ,')}”")


def _habit_aside(plain: str, spans: tuple[Span, ...]) -> bool:
    outside = "".join(
        " " if any(start <= i < end for start, end in spans) else char
        for i, char in enumerate(plain[:2000])
    )
    return re.search(r"\b(?:hourly|daily|weekly|monthly|yearly|nightly)\b", outside) is not None
