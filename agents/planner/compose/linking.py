"""In which order the chosen tools run, and whose result goes into whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.planner.compose.choice import Choice
from agents.planner.matching.evidence import Reading
from agents.planner.matching.pieces import Piece
from agents.planner.matching.profile import Profile
from agents.planner.matching.words import ACT_OF, masked, spoken, stem, tokens

_AFTER = re.compile(r"\b(?:after|once)\b\W*$", re.I)
_BEFORE = re.compile(r"^\W*before\b", re.I)
_POINTS = re.compile(
    r"\b(?:it|them|this|these|those|the results?|the same)\b|\bthat\b(?!\s+\w+s?\b\s+\w)", re.I
)
_ENDS = re.compile(r"[.;!?\n]")
# a value said outright: "a distance of 5 km", "the title x" (a quotation is masked by an x)
_SAID = re.compile(
    r"\W*(?:(?:of|is|as|to|equal to|named|called|between|from)\s+)?(?:the\s+\w+\s+)?[$€£]?(?:\d|x(?=\s|$|\W))"
)
_COUNTED = re.compile(r"(?:^|\W)[$€£]?\d[\d,.]*%?\s*(?:-\s*)?$")


@dataclass(frozen=True, slots=True)
class Link:
    """Steps by place in the order. `output`: what of the source's is taken, where schemas say it."""

    source: int
    target: int
    output: str | None = None


def ordered(profile: Profile, reading: Reading, choice: Choice, text: str) -> tuple[int, ...]:
    """Tools as their pieces follow each other; in a piece, what looks first; suppliers before what
    they supply."""
    rank = {piece: place for place, piece in enumerate(_spoken_order(text, reading.pieces))}
    scores = reading.scores
    found = sorted(
        choice.tools,
        key=lambda tool: (
            rank[choice.piece[tool]],
            not profile.looks[tool],
            -float(scores[tool]),
            tool,
        ),
    )
    for tool in choice.supplied:
        fed = [place for place, other in enumerate(found) if tool in profile.suppliers[other]]
        found.insert(min(fed, default=0), tool)
    return tuple(found)


def linked(
    profile: Profile, reading: Reading, choice: Choice, text: str, order: Sequence[int]
) -> tuple[Link, ...]:
    """Where tools say what they give, the results that go from one into another; else each after
    the one before it, as they were said."""
    if not any(profile.specs[tool].outputs.get("properties") for tool in order):
        return tuple(Link(place, place + 1) for place in range(len(order) - 1))
    plain = masked(text)
    found = []
    for place, tool in enumerate(order):
        piece = reading.pieces[choice.piece[tool]]
        supplied = tool in choice.supplied
        work = "" if supplied else plain[piece.start : piece.end]
        found += _fed(profile, order, place, work)
    return tuple(found)


def _fed(profile: Profile, order: Sequence[int], place: int, work: str) -> list[Link]:
    target = order[place]
    sure = [
        Link(source, place, _supplies(profile, order[source], target))
        for source in range(place)
        if order[source] in profile.suppliers[target]
    ]
    if sure:
        return sure
    own = set(tokens(spoken(profile.specs[target].id)))
    named = []
    for source in range(place):
        output = _named(profile, order[source], work, own)
        if output is not None:
            named.append(Link(source, place, output or None))
    if named:
        return named
    return [Link(place - 1, place)] if place and _POINTS.search(work) else []


def _named(profile: Profile, source: int, work: str, own: set[str]) -> str | None:
    """The output of `source` that is spoken of in the work of another; "" for its things as a whole."""
    spec = profile.specs[source]
    for output in spec.outputs.get("properties") or {}:
        words = [w for w in tokens(spoken(output)) if w not in own]
        if words and all(_spoken_of(word, work) for word in words):
            return str(output)
    things = [w for w in tokens(spoken(spec.id)) if ACT_OF.get(w) is None and w not in own]
    if things and all(_spoken_of(word, work) for word in things):
        return ""
    return None


def _spoken_of(word: str, work: str) -> bool:
    """Whether the word is there as a thing, not as the name of a value that is said with it."""
    for found in re.finditer(r"[A-Za-z]+", work):
        if stem(found.group().lower()) != word:
            continue
        behind, before = (
            work[found.end() : found.end() + 40],
            work[max(found.start() - 12, 0) : found.start()],
        )
        if not _SAID.match(behind) and not _COUNTED.search(before):
            return True
    return False


def _supplies(profile: Profile, source: int, target: int) -> str | None:
    """The output that has the name of an id the target takes."""
    taken = [
        re.sub(r"[_\W]", "", key).lower()
        for key in profile.specs[target].inputs.get("properties", {})
    ]
    for output in profile.specs[source].outputs.get("properties") or {}:
        joined = re.sub(r"[_\W]", "", output).lower()
        if any(key.endswith(joined) for key in taken):
            return str(output)
    return None


def _spoken_order(text: str, found: Sequence[Piece]) -> list[int]:
    """The pieces in the order in which they are to happen: "delete it after sending" sends first, and
    "before leaving, lock" locks first."""
    order = list(range(len(found)))
    for place in range(1, len(found)):
        between = text[found[place - 1].end : found[place].start]
        same = not _ENDS.search(text[found[place - 1].end - 1 : found[place].start])
        last = place + 1 == len(found) or bool(
            _ENDS.search(text[found[place].end - 1 : found[place + 1].start])
        )
        after = same and last and _AFTER.search(between)
        before = (
            same
            and "," in between
            and _BEFORE.match(text[found[place - 1].start : found[place - 1].end])
        )
        if after or before:
            order[place - 1], order[place] = order[place], order[place - 1]
    return order
