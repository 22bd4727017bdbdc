"""Candidate tools for words: what each piece of them says for each tool, by words and by meaning."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.planner.matching import weights
from agents.planner.matching.evidence import read
from agents.planner.matching.profile import Array, Profile
from agents.planner.matching.words import tokens
from backend.contracts.plans import Catalogue
from backend.contracts.tools import ToolSpec

MAX_QUERY = 2_000
MAX_KEPT = 4


@dataclass(frozen=True, slots=True)
class Hit:
    """`score` orders; `confidence` (0 to 1) says whether the tool is meant at all."""

    tool: str
    score: float
    confidence: float


class Index:
    """A catalogue made searchable. Building takes a model load the first time: do it in a thread."""

    def __init__(self, specs: Sequence[ToolSpec]) -> None:
        self.profile = Profile(specs)

    def search(self, words: str, k: int = 8) -> tuple[Hit, ...]:
        """The k nearest tools, best first: of a request with several pieces, those for any of them."""
        words = words[:MAX_QUERY]
        heard = tokens(words)
        if not self.profile.specs or not heard:
            return ()
        reading = read(self.profile, words, weights.FIRST, weights.SECOND)
        scores = reading.scores
        likely = self._likely(words, heard)
        order = np.argsort(-scores, kind="stable")[:k].tolist()
        margin = float(likely[order[0]] - np.delete(likely, order[0]).max(initial=0))
        found = []
        for rank, place in enumerate(order):
            sure = float(likely[place]) + (min(max(margin, 0), 0.3) if rank == 0 else 0)
            score, confidence = round(float(scores[place]), 4), round(min(sure, 1.0), 3)
            found.append(Hit(self.profile.specs[place].id, score, confidence))
        return tuple(found)

    def _likely(self, words: str, heard: list[str]) -> Array:
        """Per tool, how much of the words its own explain, and how near they are in meaning."""
        in_name, in_text = self.profile.in_name, self.profile.in_text
        bag = self.profile.bag(heard)
        share = np.maximum(in_name, 0.7 * in_text) @ bag / len(heard)
        near = np.maximum(self.profile.nearness([words])[:, 0], 0)
        return np.asarray(0.55 * share + 0.45 * near, np.float32)


@dataclass(slots=True)
class Counts:
    """How often an index was there already, and how often one was built."""

    hits: int = 0
    misses: int = 0


class Retriever:
    """Indexes by catalogue; each is built once, off the event loop."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._kept: dict[str, asyncio.Task[Index]] = {}

    async def index(self, catalogue: Catalogue) -> Index:
        key = catalogue.hash or _digest(catalogue)
        task = self._kept.get(key)
        if task is None or (task.done() and task.exception() is not None) or _elsewhere(task):
            self.counts.misses += 1
            while len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            specs = [catalogue.tools[tool] for tool in sorted(catalogue.tools)]
            task = asyncio.create_task(asyncio.to_thread(Index, specs))
            self._kept[key] = task
        else:
            self.counts.hits += 1
        return await asyncio.shield(task)


def _elsewhere(task: asyncio.Task[Index]) -> bool:
    """A task of another event loop that never ended cannot be waited for here."""
    return not task.done() and task.get_loop() is not asyncio.get_running_loop()


def _digest(catalogue: Catalogue) -> str:
    lines = [spec.model_dump_json() for _, spec in sorted(catalogue.tools.items())]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()
