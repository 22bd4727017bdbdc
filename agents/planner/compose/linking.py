"""In which order the chosen tools run, and whose result goes into whom."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agents.planner.compose.choice import Choice
from agents.planner.matching.evidence import Reading
from agents.planner.matching.pieces import Piece
from agents.planner.matching.profile import Profile
from agents.planner.matching.words import ACT_OF, MASK, masked, spoken, stem, tokens

_AFTER = re.compile(r"\b(?:after|once)\b\W*$", re.I)
_BEFORE = re.compile(r"^\W*before\b", re.I)
_POINTS = re.compile(
    r"\b(?:it|its|them|they|their|those|these|this|the results?|the same)\b|"
    r"\b(?:much|of|from|with|to|on|for|by|send|convert|translate)\s+that\b",
    re.I,
)
# inputs for contents: what another step made, unless it is quoted
CONTENT = frozenset({"text", "message", "content", "body", "data", "sentence", "value", "input"})
MAX_ROLES = 3
_ENDS = re.compile(r"[.;!?\n]")
# a value said outright, or quoted: "a distance of 5 km", "the title …"
_SAID = re.compile(
    r"\W*(?:(?:of|is|as|to|equal to|named|called|between|from)\s+)?(?:the\s+\w+\s+)?[$€£]?[\d\ue000]"
)
_COUNTED = re.compile(r"(?:^|\W)[$€£]?\d[\d,.]*%?\s*(?:-\s*)?$")


@dataclass(frozen=True, slots=True)
class Link:
    """Steps by place in the order. `outputs`: what of the source's is taken, where schemas say it; `role`:
    what begins the names of the inputs it goes into ("origin")."""

    source: int
    target: int
    outputs: tuple[str, ...] = ()
    role: str = ""


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
        first = min(fed, default=0)
        times = len(_roles(profile, tool, found[first])) if fed else 1
        found[first:first] = [tool] * times
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
        work = "" if supplied else plain[piece.work : piece.end]
        found += _fed(profile, order, place, work)
    return tuple(found)


def _fed(profile: Profile, order: Sequence[int], place: int, work: str) -> list[Link]:
    target = order[place]
    sources = [source for source in range(place) if order[source] in profile.suppliers[target]]
    if sources:
        return [
            Link(source, place, _supplies(profile, order[source], target), role)
            for source, role in _cast(profile, order, sources, target)
        ]
    own = set(tokens(spoken(profile.specs[target].id)))
    taken = {_joined(key) for key in profile.specs[target].inputs.get("properties") or {}}
    named = []
    for source in range(place):
        outputs = _named(profile, order[source], work, own, taken)
        if outputs is not None:
            named.append(Link(source, place, outputs))
    if named:
        return named
    points = _POINTS.search(work) or (taken & CONTENT and work and MASK not in work)
    return [Link(place - 1, place)] if place and points else []


def _named(
    profile: Profile, source: int, work: str, own: set[str], taken: set[str]
) -> tuple[str, ...] | None:
    """The outputs of `source` that are spoken of in the work of another; none for its things as a whole."""
    spec = profile.specs[source]
    name = tokens(spoken(spec.id))
    found = []
    for output in spec.outputs.get("properties") or {}:
        words = tokens(spoken(output))
        # words of the target's own name speak of an input only where the output has that very name
        telling = words if _joined(output) in taken else [w for w in words if w not in own]
        if telling and all(_spoken_of(word, work) for word in telling):
            found.append(str(output))
    if found:
        return tuple(found)
    things = [w for w in name if ACT_OF.get(w) is None and w not in own]
    if things and all(_spoken_of(word, work) for word in things):
        return ()
    done = {stem(w) for w in re.findall(r"\b[a-z]+ed\b", work.lower())}
    return () if done & {w for w in name if w in ACT_OF} - own else None


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


def _supplies(profile: Profile, source: int, target: int) -> tuple[str, ...]:
    """The outputs that have the name of an id the target takes."""
    taken = [_joined(key) for key in profile.specs[target].inputs.get("properties") or {}]
    outputs = profile.specs[source].outputs.get("properties") or {}
    return tuple(o for o in outputs if any(key.endswith(_joined(o)) for key in taken))


def _roles(profile: Profile, source: int, target: int) -> list[str]:
    """What the target takes a thing of the source's as: an origin's id and a destination's are two."""
    spec = profile.specs[target]
    outputs = [_joined(output) for output in _supplies(profile, source, target)]
    required = [_joined(key) for key in spec.inputs.get("required") or () if isinstance(key, str)]
    found = [key[: -len(o)] for key in required for o in outputs if key.endswith(o)]
    return list(dict.fromkeys(found))[:MAX_ROLES] or [""]


def _cast(
    profile: Profile, order: Sequence[int], sources: Sequence[int], target: int
) -> list[tuple[int, str]]:
    """Each source with its role: the same tool twice plays one after the other."""
    played: Counter[int] = Counter()
    found = []
    for source in sources:
        tool = order[source]
        roles = _roles(profile, tool, target)
        alone = sum(order[other] == tool for other in sources) < len(roles)
        found.append((source, "" if alone else roles[played[tool] % len(roles)]))
        played[tool] += 1
    return found


def _joined(name: str) -> str:
    return re.sub(r"[_\W]", "", name).lower()


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
