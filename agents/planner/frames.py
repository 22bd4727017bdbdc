"""Sentences that say known work in other words, read by their frame: a verb of a family, and what stands
around it. "stash it in a.md" is to save it, "shoot it over to <address>" to send it; what is only to be
said, and what is quoted, stays as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agents.planner import sayings
from agents.planner.entities import Text
from agents.planner.frame_forms import DOES, EDITS, FRAMES, REMINDER, REPLIES, TAILED, Frame, Groups
from agents.planner.phrases import BOUNDARY
from agents.planner.pieces import lead_end

_MAIL = re.compile(r"\b(?:e-?mails?|mails?)\b")
# more pieces of work than one plan has
MAX_STARTS = 60


def framed(said: str, *, revises: bool = False) -> str:
    """The request with each piece of work in words that are read; `revises`: beside an open plan."""
    text = Text.of(said)
    more = (*(EDITS if revises else ()), *(REPLIES if _MAIL.search(text.plain) else ()))
    out, done = [], 0
    for start, end, meant in _meant(text, (*more, *FRAMES)):
        out += [text.said[done:start], meant]
        done = end
    said = "".join([*out, text.said[done:]])
    text = Text.of(said)
    for pattern, meant in TAILED:
        if found := pattern.search(text.plain):
            said = (
                said[: found.start()] + meant.format(**_groups(found, text)) + said[found.end() :]
            )
            text = Text.of(said)
    if found := REMINDER.match(text.plain):
        what = said[slice(*found.span("what"))]
        link = "to" if DOES.match(found["what"]) else "about"
        said = f"remind me {link} {what} {said[found.end() :]}"
    return said


def _meant(text: Text, frames: tuple[Frame, ...]) -> Iterator[tuple[int, int, str]]:
    """Where words stand for others, and those, in order and apart."""
    done = 0
    for start in _starts(text):
        if start < done:
            continue
        for frame in frames:
            found = frame.said.match(text.plain, start)
            if found and (meant := frame.meant(_groups(found, text))):
                yield found.start(), found.end(), meant
                done = found.end()
                break


def _starts(text: Text) -> list[int]:
    """Where a piece of work may begin: not in what is only to be said."""
    plain = text.plain
    message = sayings.MESSAGE.search(plain)
    stop = re.compile(r"[;\n]|\.\s|\bthen\b|$").search(plain, message.end()) if message else None
    silent = range(message.start("said"), stop.start()) if message and stop else range(0)
    places = [0, *(found.end() for found in BOUNDARY.finditer(plain))]
    places += [found.end() for found in re.finditer(r":\s+", plain)]
    starts = sorted({lead_end(plain, place) for place in places})
    return [start for start in starts if start not in silent][:MAX_STARTS]


def _groups(found: re.Match[str], text: Text) -> Groups:
    """The groups as they were written."""
    return {
        name: text.said[slice(*found.span(name))] if found[name] is not None else ""
        for name in found.re.groupindex
    }
