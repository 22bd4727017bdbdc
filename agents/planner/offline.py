"""The offline planner: deterministic, without a model. Below its confidence it asks."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from agents.planner import talk, titles
from agents.planner.choose import Choice
from agents.planner.clauses import clauses, lead_end
from agents.planner.draft import Draft, Drafting
from agents.planner.entities import Text
from agents.planner.questions import gap_question, time_question, unknown_question, unsure_question
from agents.planner.retrieve import Index, Retriever
from agents.planner.times import Found, When, find_when
from backend.contracts.plans import Catalogue
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.contracts.tools import ToolSpec

CONFIDENT = 0.7
START = {"cron": "event.schedule", "interval": "event.schedule", "at": "event.due"}
_WAIT = re.compile(r"\b(?:wait|pause|sleep|hold on)\b[^,.;]*")
_VERBS = re.compile(r"[a-z][a-z-]+")
_MORE_VERBS = frozenset(
    """read fetch get check load watch follow pull grab take open visit scrape download retrieve look go scan monitor
    collect see gather summarise summarize sum digest condense shorten boil extract find pick translate rewrite
    rephrase classify write draft compose generate explain rank save store put keep export record archive append
    add log email e-mail mail send forward deliver notify alert ping inform message remind tell show give let ask
    wait pause sleep call post query request list print display make create compare count sort filter search
    analyse analyze convert merge crawl try run repeat delete remove update upload share tweet publish turn choose
    decide drop report combine rate proofread paraphrase prepare recap do use order book buy play move copy""".split()  # noqa: SIM905
)


class OfflinePlanner:
    """Implements `ports.Planner`. `catalogue` gives the tools as of now."""

    def __init__(self, catalogue: Callable[[], Catalogue]) -> None:
        self._catalogue = catalogue
        self._retriever = Retriever()
        self._verbs: tuple[str, frozenset[str]] = ("", frozenset())

    async def plan(self, request: PlanRequest) -> PlanAnswer:
        catalogue = self._catalogue()
        began = time.perf_counter()
        index = await self._retriever.index(catalogue)
        found = time.perf_counter()
        answer = await asyncio.to_thread(self._answer, request, catalogue, index)
        stages = (
            {"name": "discover", "duration_ms": round((found - began) * 1000, 1)},
            {"name": "draft", "duration_ms": round((time.perf_counter() - found) * 1000, 1)},
        )
        return _staged(answer, stages)

    def _answer(self, request: PlanRequest, catalogue: Catalogue, index: Index) -> PlanAnswer:
        said = request.text.encode("utf-8", "replace").decode()
        return Planning(
            Text.of(said), request, catalogue.tools, index, self._known_verbs(catalogue)
        ).answer()

    def _known_verbs(self, catalogue: Catalogue) -> frozenset[str]:
        key = catalogue.hash or ",".join(sorted(catalogue.tools))
        if self._verbs[0] != key:
            words: set[str] = set(_MORE_VERBS)
            for spec in catalogue.tools.values():
                for line in (
                    spec.name,
                    *spec.examples,
                    spec.description,
                    spec.id.rsplit(".", 1)[-1],
                ):
                    words |= set(_VERBS.findall(line.lower())[:1])
            self._verbs = (
                key,
                frozenset(words - {"the", "a", "an", "my", "what", "any", "when", "one"}),
            )
        return self._verbs[1]


class Planning:
    """One request."""

    def __init__(
        self,
        text: Text,
        request: PlanRequest,
        tools: Mapping[str, ToolSpec],
        index: Index,
        verbs: frozenset[str],
    ) -> None:
        self._text = text
        self._request = request
        self._tools = tools
        self._index = index
        self._verbs = verbs

    def answer(self) -> PlanAnswer:
        plain = self._text.plain
        if answer := talk.small_talk(plain, self._tools):
            return answer
        found, text = self.time()
        pieces, text = clauses(text, self._verbs)
        if not pieces:
            return PlanAnswer("question", "What should be done at that time?", confidence=0.3)
        first = plain[lead_end(plain, 0) :]
        if not any(e.kind in ("url", "email") for e in text.entities):
            if answer := talk.refusal(first if len(first) > 3 else plain, self._tools):
                return answer
        event = START[found.when.kind] if isinstance(found.when, When) else "event.start"
        draft = Drafting(text, self._tools, event, self._find).draft(pieces)
        if draft.unknown or not draft.steps:
            return unknown_question(text, draft, self._tools)
        if found.when is not None and not isinstance(found.when, When):
            return time_question(found.when)
        if draft.gaps:
            return gap_question(draft.gaps[0], text)
        if draft.confidence < CONFIDENT:
            return unsure_question(draft, text)
        return self._plan(draft, found.when, event)

    def time(self) -> tuple[Found, Text]:
        """The time of the whole plan, and the text without its words."""
        waits = tuple((m.start(), m.end()) for m in _WAIT.finditer(self._text.plain))
        bare = self._text.without(waits).plain
        masked = re.sub("[\ue001-\ue004]", " ", bare)
        found = find_when(masked, self._request.now, self._request.timezone)
        return found, self._text.without(found.spans)

    def _find(self, words: str) -> tuple[Choice | None, tuple[str, ...]]:
        ranked = self._index.search(words, 5)
        best = ranked[0] if ranked else None
        nearest = tuple(hit.tool for hit in ranked[:3])
        if best is None or best.confidence < CONFIDENT:
            return None, nearest
        return Choice(self._tools[best.tool], best.confidence), nearest

    def _plan(self, draft: Draft, when: When | None, event: str) -> PlanAnswer:
        lines = [(m.spec, s["args"]) for m, s in zip(draft.made, draft.steps, strict=True)]
        trigger = when.trigger(event) if when else {"name": event, "kind": "manual"}
        document = {
            "plan_name": titles.plan_name(lines, when),
            "description": titles.description(lines),
            "events": [trigger],
            "steps": draft.steps,
        }
        sources = dict(draft.sources)
        sources[event] = (
            "; ".join(when.assumed) if when and when.assumed else "said" if when else "default"
        )
        return PlanAnswer(
            "plan",
            document=document,
            confidence=round(draft.confidence, 2),
            not_covered=not_covered(self._text, draft),
            sources=sources,
        )


def not_covered(text: Text, draft: Draft) -> tuple[str, ...]:
    """The words that no step expresses, as the person wrote them."""
    found = [text.said[a:b].strip(" ,.;:!?\n") for a, b in sorted(set(draft.left))]
    return tuple(dict.fromkeys(words[:200] for words in found if words))


def _staged(answer: PlanAnswer, stages: tuple[Mapping[str, Any], ...]) -> PlanAnswer:
    return replace(answer, stages=stages)
