"""A catalogue as numbers: what each tool's words weigh, what it does, to what, and who supplies it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.planner.matching.acts import ALTERING, WANTS_LOOK
from agents.planner.matching.embedding import embedded
from agents.planner.matching.suppliers import searches, suppliers
from agents.planner.matching.words import ACT_NAMES, ACT_OF, STOP, main_act, spoken, stem, tokens
from backend.contracts.tools import ToolSpec

Array = np.ndarray[Any, np.dtype[np.float32]]

# a description's later words count for nothing: the longest must not win
MAX_DESCRIPTION = 400
_K1, _B = 1.2, 0.75
_NAME_COUNTS = 2


class Profile:
    """Arrays with one row per tool (N), one column per word of the catalogue (V)."""

    def __init__(self, specs: Sequence[ToolSpec]) -> None:
        self.specs = tuple(specs)
        names = [spoken(spec.id) for spec in specs]
        texts = [_described(spec) for spec in specs]
        own = [tokens(name) for name in names]
        told = [tokens(text) for text in texts]
        self.words = list(
            dict.fromkeys(w for a, b in zip(own, told, strict=True) for w in (*a, *b))
        )
        self.column = {word: place for place, word in enumerate(self.words)}
        self.verbs = frozenset(_first(name) for name in names) | {_first(text) for text in texts}
        shape = (len(specs), len(self.words))
        counts = np.zeros(shape, np.float32)
        self.in_name = np.zeros(shape, np.float32)
        self.acts = np.zeros((len(specs), len(ACT_NAMES)), np.float32)
        for row, (name, text) in enumerate(zip(names, texts, strict=True)):
            for word in own[row]:
                counts[row, self.column[word]] += _NAME_COUNTS
                self.in_name[row, self.column[word]] = 1
            for word in told[row]:
                counts[row, self.column[word]] += 1
            act = main_act(name) or main_act(" ".join(text.split()[:12]))
            if act:
                self.acts[row, ACT_NAMES.index(act)] = 1
        self.in_text = (counts > 0).astype(np.float32)
        self.weights, self.bm25 = _weighed(counts, self.in_text)
        self.objects = self._objects(own)
        self.objects_weight = self.objects @ self.weights
        self.acting = self.acts.any(1)
        self.looks = self._does(("look",))
        self.wants_look = self._does(WANTS_LOOK)
        self.alters = self._does(ALTERING)
        self.alike = _overlap(self.objects * np.sqrt(self.weights), self.objects_weight)
        self.same_act = (self.acts @ self.acts.T) > 0
        self.related = self.alike * ~self.same_act
        self.interchangeable = self.alike * self.same_act
        np.fill_diagonal(self.interchangeable, 1)
        self.name_vectors = embedded(names)
        self.vectors = embedded([f"{n}. {t}" for n, t in zip(names, texts, strict=True)])
        examples = [(row, text) for row, spec in enumerate(specs) for text in spec.examples]
        self._example_rows = np.array([row for row, _ in examples], np.intp)
        self._example_vectors = embedded([text for _, text in examples])
        self.word_vectors = embedded(self.words)
        self.suppliers = suppliers(specs)
        self.searches = np.array([searches(spec) for spec in specs], bool)

    def weight(self, word: str) -> float:
        """How much a word says: its inverse document frequency; most for a word no tool has."""
        place = self.column.get(word)
        if place is None:
            return float(np.log(1 + (len(self.specs) + 0.5) / 0.5))
        return float(self.weights[place])

    def nearness(self, texts: Sequence[str]) -> Array:
        """Per tool and text, how near they are in meaning (-1 to 1), by its description or an example."""
        return self.near(embedded(texts))

    def near(self, vectors: Any) -> Array:
        found = self.vectors @ vectors.T
        if len(self._example_rows):
            np.maximum.at(found, self._example_rows, self._example_vectors @ vectors.T)
        return np.asarray(found, np.float32)

    def bag(self, words: Sequence[str]) -> Array:
        found = np.zeros(len(self.words), np.float32)
        found[[self.column[w] for w in words if w in self.column]] = 1
        return found

    def does(self, tool: int, act: str) -> bool:
        return bool(self.acts[tool, ACT_NAMES.index(act)])

    def _does(self, acts: Sequence[str]) -> Any:
        return self.acts[:, [ACT_NAMES.index(act) for act in acts]].any(1)

    def _objects(self, own: list[list[str]]) -> Array:
        """The words of names without those for what the tool does."""
        found = self.in_name.copy()
        for row, words in enumerate(own):
            for word in words:
                act = ACT_OF.get(word)
                if act and self.acts[row, ACT_NAMES.index(act)]:
                    found[row, self.column[word]] = 0
        return found


def _described(spec: ToolSpec) -> str:
    also = [spec.name] if spec.name != spec.id else []
    said = " ".join([spec.description[:MAX_DESCRIPTION], *also, *spec.capabilities, *spec.examples])
    return said[: 2 * MAX_DESCRIPTION]


def _first(text: str) -> str:
    word = text.lower().split(" ", 1)[0]
    return stem(word) if word.isalpha() and len(word) > 2 and word not in STOP else ""


def _weighed(counts: Array, present: Array) -> tuple[Array, Array]:
    """Inverse document frequencies (V), and BM25's share of each word in each tool (N x V)."""
    tools = len(counts)
    frequency = present.sum(0)
    idf = np.log(1 + (tools - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
    length = counts.sum(1, keepdims=True)
    usual = max(float(length.mean()), 1.0) if tools else 1.0
    saturated = counts * (_K1 + 1) / (counts + _K1 * (1 - _B + _B * length / usual))
    return idf, (saturated * idf).astype(np.float32)


def _overlap(rows: Array, totals: Array) -> Array:
    """Of each two tools, the weight of the words they share over that of all their words."""
    shared = rows @ rows.T
    union = totals[:, None] + totals[None, :] - shared
    return np.where(union > 1e-6, shared / np.maximum(union, 1e-6), 0).astype(np.float32)
