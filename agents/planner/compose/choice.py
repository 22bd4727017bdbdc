"""Which tools a request needs: candidates, their chances, the set that is most likely right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.planner.matching.evidence import FEATURES, Reading
from agents.planner.matching.profile import Array, Profile
from agents.planner.matching.words import ACT_OF, masked, stem, tokens

CANDIDATES = 14
MAX_TOOLS = 8
MAX_SUPPLIERS = 3
# two tools for the same thing, done the same way: one of them is meant
SAME = 0.6
CANDIDATE = (
    "score",
    "behind",  # the best tool of its piece
    "best",
    "family",
    "looks_first",  # it looks for what another books or buys
    "looks_again",  # or changes
    "looks_best",
    "sure",
    "single",
    "pieces",
    "several",
)
CONFIDENCE = (
    "expected",
    "all",
    "weakest",
    "next",
    "instead",
    "unused",
    "tools",
    "supplied",
    "undone",
    "near",  # of the chosen tools to their pieces, in meaning and in words, on the whole
    "covered",
)
_GIVEN_ID = re.compile(
    r"\b(?:id|ids|number|no|code|identifier)s?\b\W{0,3}(?:is|are|being|of|was|:|#|'s)?\s*['\"]?[A-Z]*[-_]?\d",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """`tools` by their place in the catalogue, likeliest first, then `supplied`: those that only bring
    what these need. `instead`: per tool, one that may be meant in its place. `piece`: per tool, the
    place of the piece it is for. `undone`: pieces of work that none of them does. `measures` are
    for the confidence (0 to 1)."""

    tools: tuple[int, ...]
    supplied: tuple[int, ...]
    chances: dict[int, float]
    instead: dict[int, int]
    piece: dict[int, int]
    nearest: tuple[int, ...]
    undone: tuple[int, ...]
    measures: Array
    confidence: float


@dataclass(frozen=True, slots=True)
class Candidates:
    tools: tuple[int, ...]
    pieces: tuple[int, ...]
    features: Array


def candidates(profile: Profile, reading: Reading) -> Candidates:
    """The likeliest tools, and those that look first for what they act on."""
    scores = reading.scores
    best = reading.chances.argmax(1)
    strength: dict[int, float] = {}
    for place, tool in enumerate(best.tolist()):
        strength[tool] = max(strength.get(tool, 0.0), float(reading.chances[place, tool]))
    first, again = _looks(profile, strength)
    found = set(np.argsort(-scores, kind="stable")[:CANDIDATES].tolist())
    found |= {int(looks.argmax()) for looks in (first, again) if looks.max(initial=0) > 0}
    tools = sorted(found, key=lambda tool: (-scores[tool], tool))
    pieces, rows = [], []
    for tool in tools:
        piece = reading.piece_of(tool)
        pieces.append(piece)
        chance, top = reading.chances[piece, tool], reading.chances[piece].max()
        family = max(
            (profile.alike[o, tool] * s for o, s in strength.items() if o != tool), default=0
        )
        rows.append(
            [
                logit(float(scores[tool])),
                np.log(chance + 1e-6) - np.log(top + 1e-6),
                chance >= top,
                family,
                first[tool] ** 0.5,
                again[tool] ** 0.5,
                first[tool] > 0 and first[tool] == first.max(),
                scores[tools[0]],
                len(best) == 1,
                len(best),
                int((best == tool).sum()) > 1,
            ]
        )
    return Candidates(tuple(tools), tuple(pieces), np.asarray(rows, np.float32))


def chosen(
    profile: Profile, reading: Reading, text: str, weights: Array, calibration: Array
) -> Choice:
    """The set with the highest expected F1 among the candidates, with what it needs supplied."""
    found = candidates(profile, reading)
    chances = sigmoid(found.features @ weights[:-1] + weights[-1])
    kept, instead = _apart(profile, reading, text, found, chances)
    ordered = chances[kept]
    total = float(ordered.sum())
    expected = [
        2 * float(ordered[:n].sum()) / (n + total) for n in range(1, min(MAX_TOOLS, len(kept)) + 1)
    ]
    count = int(np.argmax(expected)) + 1
    rows = kept[:count]
    tools = [found.tools[row] for row in rows]
    supplied = _supplied(profile, text, tools, reading.scores)
    used = {found.pieces[row] for row in rows}
    undone = _undone(profile, reading, text, tools, used)
    measures = np.asarray(
        [
            expected[count - 1],
            float(np.log(np.clip(ordered[:count], 0.01, 0.99)).sum()),
            logit(float(np.clip(ordered[:count].min(), 0.01, 0.99))),
            logit(float(np.clip(ordered[count] if len(kept) > count else 0, 0.01, 0.99))),
            max((float(chances[instead[row]]) for row in rows if row in instead), default=0.0),
            sum(place not in used for place in range(len(reading.pieces))) / len(reading.pieces),
            count,
            len(supplied),
            len(undone),
            *_grounds(reading, tools),
        ],
        np.float32,
    )
    return Choice(
        tuple(tools),
        tuple(supplied),
        {tool: float(chance) for tool, chance in zip(found.tools, chances, strict=True)},
        {found.tools[a]: found.tools[b] for a, b in instead.items()},
        {tool: reading.piece_of(tool) for tool in (*tools, *supplied)},
        tuple(found.tools[row] for row in np.argsort(-chances, kind="stable")),
        undone,
        measures,
        float(sigmoid(measures @ calibration[:-1] + calibration[-1])),
    )


def _grounds(reading: Reading, tools: list[int]) -> tuple[float, float]:
    """How near the chosen tools are to their pieces, whatever the other tools are: nothing here may be
    meant at all."""
    pieces = [reading.piece_of(tool) for tool in tools]
    near, covered = (
        float(reading.features[pieces, tools, FEATURES.index(name)].mean())
        for name in ("text_near", "covered")
    )
    return near, covered


def _undone(
    profile: Profile, reading: Reading, text: str, tools: list[int], used: set[int]
) -> tuple[int, ...]:
    """Pieces that begin with a verb which none of the chosen tools does for them."""
    found = []
    for place, piece in enumerate(reading.pieces):
        work = text[piece.work : piece.end]
        first = re.match(r"[A-Za-z]+", work)
        act = ACT_OF.get(stem(first.group().lower())) if first else None
        best = int(reading.chances[place].argmax())
        done = act is None or (best in tools and profile.does(best, act))
        if place not in used and not done and len(tokens(work)) > 1:
            found.append(place)
    return tuple(found)


def _looks(profile: Profile, strength: dict[int, float]) -> tuple[Array, Array]:
    """Per tool that looks things up, how much it is for what a likely tool books, and changes."""
    first = np.zeros(len(profile.specs), np.float32)
    again = np.zeros(len(profile.specs), np.float32)
    for tool, likely in strength.items():
        near = profile.looks * profile.alike[tool] * likely
        if profile.wants_look[tool]:
            first = np.maximum(first, near)
        if profile.wants_look[tool] or profile.alters[tool]:
            again = np.maximum(again, near)
    return first, again


def _apart(
    profile: Profile, reading: Reading, text: str, found: Candidates, chances: Array
) -> tuple[list[int], dict[int, int]]:
    """Rows, likeliest first, without those that do the same as a likelier one for the same piece, and
    to the same things or to nothing more that the piece names."""
    kept: list[int] = []
    instead: dict[int, int] = {}
    heard = [
        _heard(profile, reading, text, *pair)
        for pair in zip(found.tools, found.pieces, strict=True)
    ]
    for row in np.argsort(-chances, kind="stable").tolist():
        tool = found.tools[row]
        twin = next(
            (
                other
                for other in kept
                if found.pieces[other] == found.pieces[row]
                and profile.same_act[tool, found.tools[other]]
                and (profile.alike[tool, found.tools[other]] >= SAME or heard[row] <= heard[other])
            ),
            None,
        )
        if twin is None:
            kept.append(row)
        else:
            instead.setdefault(twin, row)
    return kept, instead


def _heard(profile: Profile, reading: Reading, text: str, tool: int, piece: int) -> frozenset[str]:
    """The words of a piece that a tool has."""
    span = reading.pieces[piece]
    said = tokens(masked(text)[span.start : span.end])
    own = profile.in_text[tool]
    return frozenset(w for w in said if w in profile.column and own[profile.column[w]])


def _supplied(profile: Profile, text: str, tools: list[int], scores: Array) -> list[int]:
    """What must be looked up first, for a thing known by its name and taken by its id."""
    given = _GIVEN_ID.search(masked(text)) is not None
    added: list[int] = []
    while len(added) < MAX_SUPPLIERS:
        wanted = next(
            (
                makers
                for tool in (*tools, *added)
                if (makers := profile.suppliers[tool])
                and not any(maker in makers for maker in (*tools, *added))
                and (not given or _by_schema(profile, tool))
            ),
            None,
        )
        if wanted is None:
            return added
        best = max(wanted.values())
        added.append(
            max(
                (maker for maker, share in wanted.items() if share == best),
                key=lambda maker: (_plainness(profile, maker, scores), -maker),
            )
        )
    return added


def _by_schema(profile: Profile, tool: int) -> bool:
    return bool(profile.specs[tool].inputs.get("properties"))


def _plainness(profile: Profile, tool: int, scores: Array) -> float:
    """Likelier where the request speaks of it, and the plainer a search it is."""
    return (
        3 * float(scores[tool])
        + 0.3 * bool(profile.searches[tool])
        - 0.05 * float(profile.objects[tool].sum())
    )


def logit(chance: float) -> float:
    kept = min(max(chance, 1e-6), 1 - 1e-6)
    return float(np.log(kept / (1 - kept)))


def sigmoid(value: Any) -> Any:
    return 1 / (1 + np.exp(-value))
