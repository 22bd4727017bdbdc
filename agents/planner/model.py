"""The planner with a model: discover → select → draft, and repair of what validation found."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from agents.planner import prompts
from agents.planner.grounding import Guess, guesses
from agents.planner.model_drafts import failing_parts, mended, to_document
from agents.planner.retrieve import Retriever
from agents.planner.selection import Selection
from agents.planner.times import Refused
from agents.planner.timing import BY_HAND, by_hand, offered, overrule, said_time
from backend.contracts.errors import Issue
from backend.contracts.plans import TIMED_KINDS, Catalogue
from backend.contracts.ports import LLM, PlanAnswer, PlanRequest
from backend.contracts.tools import ToolSpec

CANDIDATES = 20
MAX_CANDIDATES = 40
MAX_CLAUSES = 12
NEAREST = 5
SELECT_TOKENS = 700
DRAFT_TOKENS = 4_000
_CLAUSE = re.compile(r"[.,;\n]+|\b(?:and|then)\b", re.IGNORECASE)


class ModelPlanner:
    """`ports.Planner` over a model, and its stages one by one for who shows them.

    Errors of every verb: `Unavailable`, `RateLimited`, as the LLM port says.
    """

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._retriever = Retriever()

    @property
    def name(self) -> str:
        return self._llm.model

    async def warm(self, catalogue: Catalogue) -> None:
        await self._retriever.index(catalogue)

    async def plan(self, request: PlanRequest) -> PlanAnswer:
        stages: list[dict[str, Any]] = []
        began = time.perf_counter()

        def done(name: str) -> None:
            nonlocal began
            ended = time.perf_counter()
            stages.append({"name": name, "duration_ms": round((ended - began) * 1000, 1)})
            began = ended

        candidates = await self.discover(request)
        done("discover")
        selection = await self.select(request, candidates)
        done("select")
        if selection.kind == "plan":
            answer = await self.draft(request, selection.tools)
            done("draft")
        else:
            words = selection.text
            if selection.kind == "talk":
                words = "".join([token async for token in self.talk(request)])
            choices = selection.choices
            answer = PlanAnswer(selection.kind, words, choices=choices, planner=self.name)
        return replace(answer, stages=tuple(stages))

    async def discover(self, request: PlanRequest) -> tuple[str, ...]:
        """Ids of the tools this message may be about; those of the open plan among them."""
        catalogue = request.catalogue
        if len(catalogue.tools) <= CANDIDATES:
            return tuple(catalogue.tools)
        index = await self._retriever.index(catalogue)
        asked = [t["content"] for t in request.history[-2:] if t.get("role") == "user"]
        words = "\n".join([*asked, request.text])
        found = [step["action"] for step in (request.previous or {}).get("steps", ())]
        found += [hit.tool for hit in index.search(words, CANDIDATES)]
        for clause in _CLAUSE.split(words)[:MAX_CLAUSES]:
            found += [hit.tool for hit in index.search(clause, NEAREST)]
        return tuple(id for id in dict.fromkeys(found) if id in catalogue.tools)[:MAX_CANDIDATES]

    async def select(self, request: PlanRequest, candidates: Sequence[str]) -> Selection:
        reply = await self._llm.complete(
            prompts.select_messages(request, _specs(request, candidates)),
            schema=prompts.select_schema(candidates),
            max_tokens=SELECT_TOKENS,
        )
        data = reply.data
        chosen = tuple(id for id in dict.fromkeys(data["tools"]) if id in set(candidates))
        if data["kind"] == "plan" and not chosen:
            chosen = tuple(candidates)
        return Selection(
            data["kind"], chosen, data["text"].strip(), tuple(data["choices"]), data["reason"]
        )

    async def draft(self, request: PlanRequest, tools: Sequence[str]) -> PlanAnswer:
        specs = _specs(request, tools)
        reply = await self._llm.complete(
            prompts.draft_messages(request, specs),
            schema=prompts.draft_schema(tools),
            max_tokens=DRAFT_TOKENS,
        )
        data = reply.data
        if data["kind"] != "plan" or not data["steps"]:
            kind: Literal["refusal", "question"] = (
                "refusal" if data["kind"] == "refusal" else "question"
            )
            text = data["text"].strip() or "I need to know more: what exactly should happen?"
            return PlanAnswer(kind, text, choices=tuple(data["choices"]), planner=self.name)
        document = to_document(data, {s.id: s for s in specs}, request.timezone)
        revises = bool(data["revises"]) and request.previous is not None
        document["plan_name"] = _name(document["plan_name"], request.previous, revises)
        answer = PlanAnswer(
            "plan",
            data["text"].strip(),
            not_covered=tuple(words for words in data["not_covered"] if words.strip()),
            planner=self.name,
            revises=revises,
        )
        return self._finished(request, answer, document)

    async def repair(
        self, request: PlanRequest, answer: PlanAnswer, issues: Sequence[Issue]
    ) -> PlanAnswer:
        """`answer` with its failing parts asked for again. Tools named in the issues may be used."""
        document = dict(answer.document or {})
        catalogue = request.catalogue.tools
        wanted = [step["action"] for step in document["steps"]]
        wanted += [name for issue in issues for name in issue.available]
        tools = [id for id in dict.fromkeys(wanted) if id in catalogue]
        tools = tools or list(await self.discover(request))
        specs = _specs(request, tools)
        parts = failing_parts(document, issues)
        reply = await self._llm.complete(
            prompts.repair_messages(request, specs, document, parts, issues),
            schema=prompts.repair_schema(tools),
            max_tokens=DRAFT_TOKENS,
        )
        fixed = mended(document, reply.data, {s.id: s for s in specs}, request.timezone)
        if not fixed["steps"]:
            return answer
        return self._finished(request, answer, fixed)

    async def talk(self, request: PlanRequest) -> AsyncIterator[str]:
        tools = list(request.catalogue.tools.values())
        async for token in self._llm.stream(prompts.talk_messages(request, tools), max_tokens=600):
            yield token

    # --- what the person said wins ------------------------------------------------------------------

    def _finished(
        self, request: PlanRequest, answer: PlanAnswer, document: dict[str, Any]
    ) -> PlanAnswer:
        revises = answer.revises
        said = _said(request, revises=revises)
        guessed = guesses(document, said)
        if guessed:
            return self._ask_about(guessed)
        timed = any(event.get("kind") in TIMED_KINDS for event in document["events"])
        when = said_time(request.text, request.now, request.timezone)
        if when is None and timed and not revises:
            # the answer to a question we asked: the time stands in the request before it
            asked = [t["content"] for t in request.history if t.get("role") == "user"]
            when = said_time(asked[-1], request.now, request.timezone) if asked else None
        if isinstance(when, Refused) and timed and not revises:
            text = f"When exactly? About “{when.words}”: {when.reason}."
            return PlanAnswer("question", text, choices=when.choices, planner=self.name)
        before = (request.previous or {}).get("events", ()) if revises else ()
        habit = any(event.get("kind") in TIMED_KINDS for event in before)
        if when is None and timed and not habit:
            if not BY_HAND.search(request.text):
                return self._ask_when(document, request.timezone)
            document = by_hand(document)
        document = overrule(document, when, revises=revises)
        return replace(answer, document=document, sources=_sources(document, said))

    def _ask_when(self, document: Mapping[str, Any], timezone: str) -> PlanAnswer:
        """A time that only the model has named is offered, never set."""
        text = "When should this run? I found no time in your words that I can be sure of."
        choices = (*offered(document, timezone), "Only when I start it")
        return PlanAnswer("question", text, choices=choices, planner=self.name)

    def _ask_about(self, guessed: Sequence[Guess]) -> PlanAnswer:
        kind = guessed[0].kind
        where = f"“{guessed[0].argument}” of {guessed[0].step}"
        values = tuple(dict.fromkeys(g.value for g in guessed if g.kind == kind))[:4]
        text = f"Which {kind} should I use for {where}? You have not named it, and I do not guess."
        return PlanAnswer("question", text, choices=values, planner=self.name)


def _specs(request: PlanRequest, ids: Sequence[str]) -> list[ToolSpec]:
    tools = request.catalogue.tools
    return [tools[id] for id in ids if id in tools]


def _said(request: PlanRequest, *, revises: bool) -> str:
    said = [turn["content"] for turn in request.history if turn.get("role") == "user"]
    if revises:
        said += [str(step.get("args", "")) for step in (request.previous or {}).get("steps", ())]
    return "\n".join([*said, request.text])


def _name(name: str, previous: Mapping[str, Any] | None, revises: bool) -> str:
    """A revision keeps its plan's name; a plan beside it gets its own."""
    taken = (previous or {}).get("plan_name")
    if revises and taken:
        return str(taken)
    slug = re.sub(r"[^\w]+", "-", name.strip().lower()).strip("-")[:60] or "plan"
    return f"{slug}-2" if slug == taken else slug


def _sources(document: Mapping[str, Any], said: str) -> dict[str, str]:
    """Where each argument comes from: a step, the person's words, or the model's choice."""
    known = said.lower()
    sources: dict[str, str] = {}
    for step in document["steps"]:
        for name, value in step["args"].items():
            text = value if isinstance(value, str) else ""
            reference = re.search(r"(?<!\$)\$\{\s*([A-Za-z_]\w*)", text)
            if reference:
                root = reference.group(1)
                source = "each item" if root in ("item", "index") else f"step {root}"
                source = root if root in ("inputs", "event", "run") else source
            elif text and text.lower() in known:
                source = "said"
            else:
                source = "chosen"
            sources[f"{step['name']}.{name}"] = source
    return sources
