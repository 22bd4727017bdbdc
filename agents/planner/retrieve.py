"""Candidate tools for words: BM25 and static embeddings over what tools say of themselves."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agents.planner import lexicon
from agents.planner.schema import stem
from backend.contracts.plans import Catalogue
from backend.contracts.tools import ToolSpec

# weights of the two rankings, and of a tool's names against its prose
LEXICAL, SEMANTIC = 0.5, 0.5
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
        import bm25s

        self._ids = [spec.id for spec in specs]
        self._words = [_tokens(_names(spec)) for spec in specs]
        self._all = [_tokens(_document(spec)) for spec in specs]
        self._bm25 = bm25s.BM25() if specs else None
        if self._bm25 is not None:
            corpus = [
                [*words, *words, *more] or ["-"]
                for words, more in zip(self._words, self._all, strict=True)
            ]
            self._bm25.index(corpus, show_progress=False)
        self._vectors = [_embedded([_document(s), s.name, *s.examples]) for s in specs]

    def search(self, words: str, k: int = 8) -> tuple[Hit, ...]:
        """The k nearest tools, best first."""
        words = words[:MAX_QUERY]
        tokens = _tokens(words)
        if not self._ids or not tokens:
            return ()
        lexical = self._lexical(tokens)
        query = _embedded([words])[0]
        near = [float((vectors @ query).max()) for vectors in self._vectors]
        top = max(lexical) or 1.0
        hits = []
        for i, tool in enumerate(self._ids):
            score = LEXICAL * lexical[i] / top + SEMANTIC * max(near[i], 0)
            hits.append((score, -i, tool, near[i]))
        hits.sort(reverse=True)
        second = hits[1][0] if len(hits) > 1 else 0.0
        found = []
        for rank, (score, position, tool, nearness) in enumerate(hits[:k]):
            share = self._share(tokens, -position)
            margin = score - second if rank == 0 else 0.0
            confidence = min(1.0, 0.55 * share + 0.45 * max(nearness, 0) + min(margin, 0.3))
            found.append(Hit(tool, round(score, 4), round(confidence, 3)))
        return tuple(found)

    def _lexical(self, tokens: list[str]) -> list[float]:
        assert self._bm25 is not None
        known = [t for t in tokens if t in self._bm25.vocab_dict]
        if not known:
            return [0.0] * len(self._ids)
        return [float(s) for s in self._bm25.get_scores(known)]

    def _share(self, tokens: list[str], position: int) -> float:
        """How much of the query the tool's own words explain."""
        own = set(self._all[position])
        names = set(self._words[position])
        return sum(1.0 if t in names else 0.7 if t in own else 0.0 for t in tokens) / len(tokens)


class Retriever:
    """Indexes by catalogue; each is built once, off the event loop."""

    def __init__(self) -> None:
        self._kept: dict[str, asyncio.Task[Index]] = {}

    async def index(self, catalogue: Catalogue) -> Index:
        key = catalogue.hash or _digest(catalogue)
        task = self._kept.get(key)
        if task is None or (task.done() and task.exception() is not None) or _elsewhere(task):
            while len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            specs = [catalogue.tools[tool] for tool in sorted(catalogue.tools)]
            task = asyncio.create_task(asyncio.to_thread(Index, specs))
            self._kept[key] = task
        return await asyncio.shield(task)


def _elsewhere(task: asyncio.Task[Index]) -> bool:
    """A task of another event loop that never ended cannot be waited for here."""
    return not task.done() and task.get_loop() is not asyncio.get_running_loop()


def _digest(catalogue: Catalogue) -> str:
    lines = [spec.model_dump_json() for _, spec in sorted(catalogue.tools.items())]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def _names(spec: ToolSpec) -> str:
    return " ".join((spec.id, spec.name, *spec.capabilities, *spec.examples))


def _document(spec: ToolSpec) -> str:
    return f"{_names(spec)} {spec.description}"


def _tokens(text: str) -> list[str]:
    words = re.findall(r"[a-z]+|\d+", text.lower())
    return [stem(w) for w in words if w not in lexicon.FILLER and len(w) > 1]


@cache
def _model() -> Any:
    """The embedding model that comes inside the package; nothing is ever downloaded."""
    import wordllama
    from wordllama import WordLlama

    # the loader looks for its tokenizer in the wrong folder of the package, but also in its "cache"
    folder = Path(wordllama.__file__).parent
    return WordLlama.load(cache_dir=folder, disable_download=True)


def _embedded(texts: list[str]) -> Any:
    return _model().embed([text or "-" for text in texts], norm=True)
