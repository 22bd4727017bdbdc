"""Rows of time phrases: the longest one from a place on, as one or several schedules."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from agents.planner.times import words
from agents.planner.times.parts import Parts, Twice, Unclear
from agents.planner.times.phrase import Phrase
from agents.planner.times.rules import PHRASES

MAX_PHRASE = 300
_EXACTLY = r"(?:sharp|exactly|precisely|on\s+the\s+dot)\b"
_GAP = re.compile(rf"(?:[\s,;()]|{_EXACTLY}|(?:please|thanks|thank\s+you)\b)*")
_SHARP = re.compile(rf"\s+{_EXACTLY}")
_AND = re.compile(rf"{words.SEPARATOR}(?:then\s+|also\s+|as\s+well\s+as\s+)?|\s*;\s*")
_DAYS = tuple(phrase for phrase in PHRASES if phrase.day)
_LISTED = frozenset({"weekdays", "monthdays", "nth", "workdays"})


@dataclass(slots=True)
class Run:
    """The schedules a row of phrases says (one, mostly), and where it stands."""

    start: int
    end: int
    wholes: list[Parts] = field(default_factory=lambda: [Parts()])
    strong: bool = False
    unclear: Unclear | None = None

    @property
    def parts(self) -> Parts:
        return self.wholes[-1]

    @property
    def said(self) -> bool:
        return any(parts.said for parts in self.wholes)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A phrase where it was found; `day` is what a bound reaches to, `joined` that an "and" or a
    comma stands before it."""

    phrase: Phrase
    said: re.Match[str]
    end: int
    joined: bool
    day: Parts | None = None

    def take(self, parts: Parts) -> None:
        if self.day is not None:
            parts.put(self.phrase.bound, self.day)
        else:
            self.phrase.take(parts, self.said)


def run(plain: str, start: int) -> Run | None:
    """The longest row of time phrases from `start` on; None when there is none."""
    row = Run(start, start)
    after_clock = False
    while (piece := _longest(plain, row, after_clock)) is not None:
        clocks = row.parts.clocks
        try:
            _add(row, piece)
        except Unclear as unclear:
            row.unclear = unclear
        row.end, row.strong = piece.end, row.strong or piece.phrase.strong
        if row.end - start > MAX_PHRASE:
            row.unclear = Unclear("that is too long for a time")
        if row.unclear is not None:
            return row
        after_clock = row.parts.clocks is not None and row.parts.clocks != clocks
    if after_clock and (sharp := _SHARP.match(plain, row.end)):
        row.end = sharp.end()
    return row if row.end > start else None


def gap_end(plain: str, position: int) -> int:
    """Behind the spaces, commas and fillers from `position` on."""
    gap = _GAP.match(plain, position)
    return gap.end() if gap else position


def _add(row: Run, piece: _Piece) -> None:
    """Add a piece to the last schedule; what it says already is one day more, or a new schedule."""
    parts = row.parts
    tried = replace(parts)
    try:
        piece.take(tried)
    except Twice:
        if not piece.joined:
            raise
    else:
        row.wholes[-1] = tried
        return
    fresh = Parts()
    piece.take(fresh)
    if parts.timed or (parts.date and fresh.given == ["date"]):
        row.wholes.append(fresh)
        return
    kinds = [name for name in fresh.given if name != "recurring"]
    kind = kinds[0] if len(kinds) == 1 else ""
    if kind not in _LISTED or parts.step or kind == "nth":
        raise Unclear("two different times are said")
    days = sorted({*getattr(parts, kind), *getattr(fresh, kind)})
    setattr(parts, kind, tuple(days))
    parts.recurring = parts.recurring or fresh.recurring


def _longest(plain: str, row: Run, after_clock: bool) -> _Piece | None:
    best: _Piece | None = None
    position = row.end
    conjunction = _AND.match(plain, position) if position > row.start else None
    places = {position: False, gap_end(plain, position): False}
    if conjunction is not None:
        places.setdefault(conjunction.end(), True)
    for place, joined in places.items():
        for phrase in PHRASES:
            if joined and not phrase.joins:
                continue
            piece = _piece(plain, place, row, phrase, joined or conjunction is not None)
            if piece is None or piece.end <= position:
                continue
            if phrase.continues and not after_clock:
                continue
            if best is None or piece.end > best.end:
                best = piece
    return best


def _piece(plain: str, place: int, row: Run, phrase: Phrase, joined: bool) -> _Piece | None:
    said = phrase.pattern.match(plain, place)
    if said is None or not phrase.fits(said, row.parts):
        return None
    if not phrase.bound:
        return _Piece(phrase, said, said.end(), joined)
    day = _bounding(plain, gap_end(plain, said.end()))
    return _Piece(phrase, said, day[1], joined, day[0]) if day else None


def _bounding(plain: str, place: int) -> tuple[Parts, int] | None:
    """The day that "starting" or "until" reaches to: one phrase, or a weekday and its date."""
    first = _day_at(plain, place)
    if first is None:
        return None
    parts, end = first
    if parts.given != ["coming"]:
        return first
    dated = _day_at(plain, gap_end(plain, end))
    if dated is None or dated[0].given != ["date"]:
        return first
    return Parts(weekdays=(parts.coming or 0,), date=dated[0].date), dated[1]


def _day_at(plain: str, place: int) -> tuple[Parts, int] | None:
    """The longest phrase that names one day there."""
    found = [(phrase, said) for phrase in _DAYS if (said := phrase.pattern.match(plain, place))]
    if not found:
        return None
    phrase, said = max(found, key=lambda each: each[1].end())
    parts = Parts()
    try:
        phrase.take(parts, said)
    except Unclear:
        return None
    return parts, said.end()
