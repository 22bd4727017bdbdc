"""How much each piece of a request speaks for each tool, as numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.planner.matching.embedding import embedded
from agents.planner.matching.pieces import Piece, pieces
from agents.planner.matching.profile import Array, Profile
from agents.planner.matching.words import (
    ACT_NAMES,
    ACT_OF,
    MASK,
    STOP,
    kinds_named,
    masked,
    stem,
    tokens,
)

FEATURES = (
    "text_near",  # the piece's meaning beside the tool's name and description
    "name_near",  # beside its name
    "head_near",  # the meaning of the piece's first words beside both
    "bm25",  # the piece's words, as shares of the tool that has most
    "bm25_head",  # the same, early words counting more
    "objects",  # the share of the tool's own things that the whole request names, or nearly
    "other_act",  # the tool does something else than any verb of the piece
    "unasked",  # the tool cancels, deletes or changes, and the piece does not say so
    "request_near",  # the whole request's meaning
    "request_bm25",
    "covered",  # the share of the piece's words that the tool has
    "act_on_objects",  # the piece's own verb, on things the request names
    "no_objects",  # the tool's name is only a verb
)
CONTEXT = (
    "family",  # another piece is for a tool for the same things that does something else with them
    "earlier",  # an earlier piece is for this tool, or one that does the same with the same things
    "later",
)
HEAD_WORDS = 7
# how many tools the weights expect at least, and how near in meaning those are that are not meant
USUAL = 35
STRANGE_NEAR = 0.2
# similarities of single words below this are chance
_FLOOR = 0.3


@dataclass(frozen=True, slots=True)
class Reading:
    """A request's pieces; per piece (P) and tool (N) the features; per piece, the chance of each tool."""

    pieces: tuple[Piece, ...]
    features: Array
    chances: Array

    @property
    def scores(self) -> Array:
        """Per tool, the chance that any piece is for it."""
        return np.asarray(1 - np.prod(1 - self.chances, axis=0), np.float32)

    def piece_of(self, tool: int) -> int:
        """The first piece that is for this tool before all others, else the one that is most."""
        first = np.flatnonzero(self.chances.argmax(1) == tool)
        return int(first[0] if len(first) else self.chances[:, tool].argmax())


def read(profile: Profile, text: str, first: Array, second: Array) -> Reading:
    """`first` weighs `FEATURES`; `second` those and `CONTEXT`, read off the first's chances."""
    found = pieces(text, profile.verbs)
    plain = measured(profile, text, found)
    features = in_context(profile, plain, _chances(plain, first))
    return Reading(found, features, _chances(features, second))


def measured(profile: Profile, text: str, found: Sequence[Piece]) -> Array:
    """Features (P x N x F) of each piece for each tool."""
    plain = masked(text).replace(MASK, " ")
    said = [" ".join([plain[p.start : p.end], *kinds_named(text[p.start : p.end])]) for p in found]
    heads = [
        " ".join(re.findall(r"[A-Za-z]+", plain[p.work : p.end])[:HEAD_WORDS])
        or plain[p.start : p.end]
        for p in found
    ]
    words = [tokens(each) for each in said]
    every = list(dict.fromkeys(word for each in words for word in each))
    meanings = embedded([plain, *said, *heads, *every])
    count = len(found)
    nearness = profile.near(meanings[: 1 + 2 * count])
    name_nearness = profile.name_vectors @ meanings[1 : 1 + count].T
    nearly = _nearly(profile, every, meanings[1 + 2 * count :])
    objects = _share(profile, nearly)
    whole = _bm25(profile, profile.bag(every))
    no_objects = (profile.objects_weight < 1e-6).astype(np.float32)
    features = []
    for place, piece in enumerate(found):
        bag = profile.bag(words[place])
        work = plain[piece.work : piece.end]
        acts = _acts(work)
        asked = _one_hot(acts)
        does = (profile.acts @ asked) > 0
        other = profile.acting & ~does & bool(acts)
        features.append(
            np.stack(
                [
                    nearness[:, 1 + place],
                    name_nearness[:, place],
                    nearness[:, 1 + count + place],
                    _bm25(profile, bag),
                    _bm25(profile, _early(profile, tokens(work) or words[place])),
                    objects,
                    other,
                    profile.alters & ~does,
                    nearness[:, 0],
                    whole,
                    _covered(profile, words[place], bag),
                    (profile.acts @ _one_hot(acts[:1])) * objects,
                    no_objects,
                ],
                axis=1,
            )
        )
    return np.asarray(features, np.float32)


def in_context(profile: Profile, features: Array, chances: Array) -> Array:
    """The features, and what the other pieces say (P x N x F+3)."""
    family = chances @ profile.related
    again = chances @ profile.interchangeable
    added = np.zeros((*chances.shape, len(CONTEXT)), np.float32)
    for place in range(len(chances)):
        others = [other for other in range(len(chances)) if other != place]
        if others:
            added[place, :, 0] = family[others].max(0)
        if place:
            added[place, :, 1] = again[:place].max(0)
        if place + 1 < len(chances):
            added[place, :, 2] = again[place + 1 :].max(0)
    return np.concatenate([features, added], axis=-1)


def _chances(features: Array, weights: Array) -> Array:
    """Per piece and tool. Of two tools one is not meant because it is the likelier: a small catalogue is
    filled up with tools that have nothing to do with the piece."""
    missing = max(0, USUAL - features.shape[1])
    strange = np.zeros((len(features), missing, features.shape[2]), np.float32)
    for name in ("text_near", "name_near", "head_near", "request_near"):
        strange[:, :, FEATURES.index(name)] = STRANGE_NEAR
    whole = softmax(np.concatenate([features, strange], axis=1) @ weights)
    return np.asarray(whole[:, : features.shape[1]], np.float32)


def softmax(scores: Any) -> Array:
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True), np.float32)


def _acts(work: str) -> list[str]:
    """What a piece asks to do, its first verb first."""
    stems = [stem(w) for w in re.findall(r"[a-z]+", work.lower()) if w not in STOP]
    return [ACT_OF[word] for word in stems if word in ACT_OF]


def _one_hot(acts: Sequence[str]) -> Array:
    found = np.zeros(len(ACT_NAMES), np.float32)
    found[[ACT_NAMES.index(act) for act in acts]] = 1
    return found


def _nearly(profile: Profile, words: Sequence[str], vectors: Any) -> Array:
    """Per word of the catalogue, how nearly the request says it (0 to 1)."""
    if not words:
        return np.zeros(len(profile.words), np.float32)
    alike = np.clip((profile.word_vectors @ vectors.T - _FLOOR) / (1 - _FLOOR), 0, 1).max(1)
    return np.asarray(np.maximum(alike, profile.bag(words)), np.float32)


def _share(profile: Profile, bag: Array) -> Array:
    covered = (profile.objects * profile.weights) @ bag
    return np.asarray(covered / np.maximum(profile.objects_weight, 1e-6), np.float32)


def _bm25(profile: Profile, bag: Array) -> Array:
    scores = profile.bm25 @ bag
    return np.asarray(scores / (scores.max(initial=0) + 1e-9), np.float32)


def _early(profile: Profile, words: Sequence[str]) -> Array:
    """A bag in which a word weighs less the later it comes."""
    bag = np.zeros(len(profile.words), np.float32)
    for place, word in enumerate(words):
        column = profile.column.get(word)
        if column is not None:
            bag[column] = max(bag[column], 1 / (1 + place / 2))
    return bag


def _covered(profile: Profile, words: Sequence[str], bag: Array) -> Array:
    total = sum(profile.weight(word) for word in set(words)) or 1.0
    return np.asarray((profile.in_text * profile.weights) @ bag / total, np.float32)
