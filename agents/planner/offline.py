"""The offline planner: deterministic, without a model. Below its confidence it asks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from agents.planner import bearing, lexicon
from agents.planner.compose.answer import compose
from agents.planner.corrections import corrected
from agents.planner.entities import MAX_TEXT, Text
from agents.planner.frames import framed
from agents.planner.planning import IndexNeeded, Planning
from agents.planner.ready import ready_answer
from agents.planner.retrieve import Index, Retriever
from agents.planner.revise import revise
from agents.planner.saved import saved_match
from agents.planner.spelling import respelled
from agents.planner.tidy import tidied
from backend.contracts.plans import Catalogue
from backend.contracts.ports import PlanAnswer, PlanRequest


class OfflinePlanner:
    """Implements `ports.Planner`."""

    def __init__(self) -> None:
        self._retriever = Retriever()
        self._verbs: tuple[str, frozenset[str]] = ("", frozenset())

    async def warm(self, catalogue: Catalogue) -> None:
        """Load what the first request for an unknown tool would otherwise wait for."""
        await self._retriever.index(catalogue)

    async def plan(self, request: PlanRequest) -> PlanAnswer:
        """Never raises for any text. The index is fetched only for words our lexicon lacks."""
        catalogue = request.catalogue
        began = time.perf_counter()
        verbs = self._known_verbs(catalogue)
        discovered = 0.0
        try:
            answer = await asyncio.to_thread(_answer, request, verbs, None)
        except IndexNeeded:
            started = time.perf_counter()
            index = await self._retriever.index(catalogue)
            discovered = time.perf_counter() - started
            answer = await asyncio.to_thread(_answer, request, verbs, index)
        drafted = time.perf_counter() - began - discovered
        stages = (
            {"name": "discover", "duration_ms": round(discovered * 1000, 1)},
            {"name": "draft", "duration_ms": round(drafted * 1000, 1)},
        )
        return replace(answer, stages=stages)

    def _known_verbs(self, catalogue: Catalogue) -> frozenset[str]:
        key = catalogue.hash or ",".join(sorted(catalogue.tools))
        if self._verbs[0] != key:
            self._verbs = (key, lexicon.verbs(catalogue.tools.values()))
        return self._verbs[1]


def _answer(request: PlanRequest, verbs: frozenset[str], index: Index | None) -> PlanAnswer:
    """Words that nothing is made of are read once more, as the words that they are one slip from."""
    answer = _read(request, verbs, index)
    if answer.kind not in ("plan", "question") or (
        answer.kind == "plan" and not answer.not_covered
    ):
        return answer
    if not lexicon.WORDS.keys() & request.catalogue.tools.keys():
        return answer  # other tools, other words
    doubtful = answer.not_covered if answer.kind == "plan" else (request.text,)
    said, slips = respelled(request.text, doubtful)
    if not slips:
        return answer
    again = _read(replace(request, text=said), verbs, index)
    if again.kind != "plan" or (
        answer.kind == "plan" and len(again.not_covered) >= len(answer.not_covered)
    ):
        return answer
    read = " ".join(f"I read “{word}” as “{right}”." for word, right in slips)
    return replace(again, text=f"{again.text or 'Here is the plan.'} {read}")


def _read(request: PlanRequest, verbs: frozenset[str], index: Index | None) -> PlanAnswer:
    if len(request.text) > MAX_TEXT:
        return PlanAnswer(
            "question", "That is too long for one plan. What should happen, in a sentence or two?"
        )
    if (ready := ready_answer(request)) is not None:
        return ready
    foreign = not lexicon.WORDS.keys() & request.catalogue.tools.keys()
    if foreign and request.previous is None:
        return _composed(request, index)
    reused = saved_match(request) if request.previous is None else None
    said = reused.rest if reused and reused.mode == "reuse" else request.text
    said, outright = bearing.told(
        framed(
            tidied(corrected(said.encode("utf-8", "replace").decode())),
            revises=request.previous is not None,
        )
    )
    planning = Planning(Text.of(said), request, request.catalogue.tools, verbs, index, reused)
    if request.previous is not None and outright != "own":
        revised = revise(planning, request.previous, change=outright == "change")
        if revised is not None:
            return revised
    return _composed(request, index) if foreign else planning.answer()


def _composed(request: PlanRequest, index: Index | None) -> PlanAnswer:
    if index is None:
        raise IndexNeeded
    return compose(request, index)
