"""Read a phrase that is all time, or find the time in a request."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

from agents.planner.times import words
from agents.planner.times.parts import Parts, Unclear
from agents.planner.times.phrases import PHRASES, Phrase
from agents.planner.times.resolve import resolve
from agents.planner.times.when import When

MAX_PHRASE = 300
MAX_REQUEST = 20_000

Span = tuple[int, int]
_GAP = re.compile(r"(?:[\s,()]|(?:sharp|exactly|precisely)\b)*")
_START = re.compile(r"(?<![\w/@.'-])(?=[\w@])")
_DETERMINER = re.compile(r"\b(?:the|an?|my|your|our|their|its|his|her|this|that|last|past)\s+$")
# what would change the time if it were left out
_BEFORE = re.compile(
    r"\b(?:before|after|until|till|by|since|around|about|approximately|roughly|starting|beginning"
    r"|no later than|as of|or)\s+(?:on\s+|at\s+)?$"
)
_AFTER = re.compile(
    r"\s*,?\s*\b(?:except|excluding|but\s+(?:not|only)\b|other\s+than|until|till|starting|beginning|onwards?|or\s+so|ish"
    rf"|for\s+(?:the\s+)?(?:next\s+)?{words.NUMBER}\s+{words.UNIT}"
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


@dataclass(slots=True)
class _Run:
    parts: Parts
    start: int
    end: int
    strong: bool = False
    unclear: Unclear | None = None


def parse_when(text: str, now: datetime, timezone: str) -> When | Refused:
    """The time a phrase says, when every word of it is understood. `now` is aware."""
    text = text.strip().rstrip(".!?")
    if len(text) > MAX_PHRASE:
        return Refused("that is too long for a time", text[:80])
    plain = words.normal(text)
    run = _run(plain, _gap_end(plain, 0))
    if run is None:
        return Refused("that is not a time I know", text)
    if run.unclear is not None:
        return Refused(run.unclear.reason, text, run.unclear.choices)
    rest = text[_gap_end(plain, run.end) :].strip()
    if rest:
        return Refused(f"I do not understand “{rest}” in it", text)
    return _resolved(run.parts, text, now, timezone)


def parse_parts(text: str) -> Parts | Refused | None:
    """The pieces of a phrase that is all time; None when some word of it is none."""
    plain = words.normal(text.strip().rstrip(".!?"))
    if len(plain) > MAX_PHRASE:
        return None
    run = _run(plain, _gap_end(plain, 0))
    if run is None or _gap_end(plain, run.end) < len(plain):
        return None
    if run.unclear is not None:
        return Refused(run.unclear.reason, text, run.unclear.choices)
    return run.parts


def find_when(text: str, now: datetime, timezone: str) -> Found:
    """The time in a request, wherever its words stand; None when there is none.

    Mask what is no prose (addresses, quotations) with spaces before the call.
    """
    plain = words.normal(text[:MAX_REQUEST])
    runs = _runs(plain)
    spans = tuple((run.start, run.end) for run in runs)
    said = " … ".join(text[start:end].strip() for start, end in spans)
    if not runs:
        return Found(None, ())
    whole = Parts()
    try:
        for run in runs:
            if run.unclear is not None:
                raise run.unclear
            _check_neighbours(plain, text, run)
            _merge(whole, run.parts)
    except Unclear as unclear:
        return Found(Refused(unclear.reason, said, unclear.choices), spans)
    found = _resolved(whole, said, now, timezone)
    if isinstance(found, When) and found.kind == "at" and _habit_aside(plain, spans):
        found = Refused(
            "is it once, or again and again?", said, (f"every day {said}", f"tomorrow {said}")
        )
    return Found(found, spans)


def _resolved(parts: Parts, said: str, now: datetime, timezone: str) -> When | Refused:
    try:
        if not parts.said and parts.days_ahead is None:
            raise Unclear("that is not a whole time")
        if not parts.said:
            raise Unclear("it is not said at what time today")
        return resolve(parts, now, timezone)
    except Unclear as unclear:
        return Refused(unclear.reason, said, unclear.choices)
    except (OverflowError, ValueError):
        return Refused("there is no such time", said)


def _runs(plain: str) -> list[_Run]:
    runs: list[_Run] = []
    position = 0
    while (start := _START.search(plain, position)) is not None:
        run = _run(plain, start.start())
        if run is None or not run.strong or not (run.unclear or run.parts.said):
            skipped = run.end if run and not run.unclear else 0
            position = max(_word_end(plain, start.start()), skipped)
            continue
        position = run.end
        if not _attributive(plain, run):
            runs.append(run)
    return runs


def _run(plain: str, start: int) -> _Run | None:
    """The longest row of time phrases from `start` on."""
    run = _Run(Parts(), start, start)
    while (best := _longest(plain, run.end)) is not None:
        phrase, said = best
        try:
            phrase.take(run.parts, said)
        except Unclear as unclear:
            run.unclear = unclear
        run.end, run.strong = said.end(), run.strong or phrase.strong
        if run.unclear is not None:
            return run
    return run if run.end > start else None


def _longest(plain: str, position: int) -> tuple[Phrase, re.Match[str]] | None:
    best: tuple[Phrase, re.Match[str]] | None = None
    for place in (position, _gap_end(plain, position)):
        for phrase in PHRASES:
            said = phrase.pattern.match(plain, place)
            if said is None or said.end() <= position or not phrase.fits(said):
                continue
            if best is None or said.end() > best[1].end():
                best = (phrase, said)
    return best


def _gap_end(plain: str, position: int) -> int:
    gap = _GAP.match(plain, position)
    return gap.end() if gap else position


def _word_end(plain: str, position: int) -> int:
    word = re.compile(r"[@\w]+").match(plain, position)
    return word.end() if word else position + 1


def _attributive(plain: str, run: _Run) -> bool:
    """ "the daily news": the words belong to a noun."""
    if _DETERMINER.search(plain, max(0, run.start - 12), run.start) is None:
        return False
    return re.compile(r"\s+\w").match(plain, run.end) is not None


def _check_neighbours(plain: str, text: str, run: _Run) -> None:
    before = _BEFORE.search(plain, max(0, run.start - 24), run.start)
    if before:
        said = text[before.start() : run.end].strip()
        raise Unclear(f"“{said}” is not one exact time")
    after = _AFTER.match(plain, run.end)
    if after:
        raise Unclear(f"a schedule cannot say “{text[run.end : after.end()].strip(' ,')}”")


def _merge(whole: Parts, parts: Parts) -> None:
    for field in fields(Parts):
        value = getattr(parts, field.name)
        if value is not None and value is not False:  # Monday is 0
            whole.put(field.name, value)


def _habit_aside(plain: str, spans: tuple[Span, ...]) -> bool:
    outside = "".join(
        " " if any(start <= i < end for start, end in spans) else char
        for i, char in enumerate(plain[:2000])
    )
    return re.search(r"\b(?:hourly|daily|weekly|monthly|yearly|nightly)\b", outside) is not None
