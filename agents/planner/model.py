"""The planner with a model: discover → select → draft, and repair of what validation found."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import structlog

from agents.planner import prompts
from agents.planner.agreement import agreed, hangs_on_more
from agents.planner.model_drafts import failing, mended, to_document, to_draft
from agents.planner.retrieve import Retriever
from agents.planner.safeguards import held
from agents.planner.saved import saved_match
from agents.planner.selection import Selection
from agents.planner.selections import MAX_KEPT, Selections, selection_key
from agents.planner.session import plan_once
from agents.planner.staged import OnSaid
from agents.planner.usage import metered, total
from backend.contracts.caching import Cache
from backend.contracts.errors import Issue, LightningError
from backend.contracts.plans import Catalogue
from backend.contracts.ports import LLM, OnPartial, PlanAnswer, Planner, PlanRequest
from backend.contracts.tools import ToolSpec
from backend.plans.validation import check

ALL = 48  # so few tools are always shown, in one order: a server keeps what it has read of them
CANDIDATES = 12
MAX_CANDIDATES = 24
MAX_CLAUSES = 12
NEAREST = 4
SELECT_TOKENS = 700
DRAFT_TOKENS = 2_400
log = structlog.get_logger(__name__)
NO_TOOLS = (
    "There is no tool here that could do that. What else should happen? (PLAN_SELECTION_FAILED)"
)
DRAFTED = "The draft chose them among the tools that may fit."
UNSAID = "Use only what the person said, and leave out what nobody asked for."
CONDITION = Issue(
    code="PLAN_NOT_COVERED",
    message="The request hangs something on a condition, and this plan has none.",
    suggestion='Give the steps that it is about their "if", in the person\'s words.',
)
_CLAUSE = re.compile(r"[.,;\n]+|\b(?:and|then)\b", re.IGNORECASE)


class ModelPlanner:
    """`ports.Planner` over a model, and its stages one by one for who shows them. `reasoning` is a
    stronger model that only chooses the tools, where one is set; `rules` the planner without a model,
    that each draft is held beside.

    Errors of every verb: `Unavailable`, `RateLimited`, as the LLM port says.
    """

    def __init__(
        self, llm: LLM, reasoning: LLM | None = None, *, rules: Planner | None = None
    ) -> None:
        self._llm = llm
        self._reasoning = reasoning
        self._rules = rules
        self._retriever = Retriever()
        self.selections: Selections = Cache(MAX_KEPT)

    @property
    def name(self) -> str:
        return self._llm.model

    async def warm(self, catalogue: Catalogue) -> None:
        await self._retriever.index(catalogue)
        if self._rules is not None:
            await self._rules.warm(catalogue)

    async def plan(self, request: PlanRequest) -> PlanAnswer:
        return (await plan_once(self, request)).answer

    async def discover(self, request: PlanRequest) -> tuple[str, ...]:
        """Ids of the tools this message may be about; those of the open plan among them."""
        catalogue = request.catalogue
        if len(catalogue.tools) <= ALL:
            return tuple(sorted(catalogue.tools))
        index = await self._retriever.index(catalogue)
        asked = [t["content"] for t in request.history[-2:] if t.get("role") == "user"]
        words = "\n".join([*asked, request.text])
        found = [step["action"] for step in (request.previous or {}).get("steps", ())]
        found += [match.tool] if (match := saved_match(request)) else []
        found += [hit.tool for hit in index.search(words, CANDIDATES)]
        for clause in _CLAUSE.split(words)[:MAX_CLAUSES]:
            found += [hit.tool for hit in index.search(clause, NEAREST)]
        return tuple(id for id in dict.fromkeys(found) if id in catalogue.tools)[:MAX_CANDIDATES]

    async def select(
        self, request: PlanRequest, candidates: Sequence[str], on_said: OnSaid | None = None
    ) -> Selection:
        """What the message needs; a selection made before for the same words is made again. Without a
        model of its own for it, every candidate stays and the draft says what kind of answer it is."""
        if not candidates:
            return Selection("question", text=NO_TOOLS, reason="There are no tools.")
        if self._reasoning is None:
            return Selection("plan", tuple(candidates), reason=DRAFTED)
        key = selection_key(request)
        if key is not None and (kept := self.selections.get(key)) is not None:
            return replace(kept, usage={})
        selection = await self._selected(self._reasoning, request, candidates, on_said)
        if key is not None and selection.kind == "plan":
            self.selections.put(key, selection)
        return selection

    async def _selected(
        self,
        model: LLM,
        request: PlanRequest,
        candidates: Sequence[str],
        on_said: OnSaid | None,
    ) -> Selection:
        reply, usage = await metered(
            lambda: model.complete(
                prompts.select_messages(request, _specs(request, candidates)),
                schema=prompts.select_schema(candidates),
                max_tokens=SELECT_TOKENS,
                on_partial=_saying(on_said),
            )
        )
        data = reply.data
        chosen = tuple(id for id in dict.fromkeys(data["tools"]) if id in set(candidates))
        if data["kind"] == "plan" and not chosen:
            chosen = tuple(candidates)
        return Selection(
            data["kind"],
            chosen,
            data["text"].strip(),
            tuple(data["choices"]),
            data["reason"],
            mode=_mode(request, chosen),
            confidence=min(1.0, max(0.0, data["confidence"])),
            usage=usage,
        )

    async def draft(
        self, request: PlanRequest, selection: Selection, on_said: OnSaid | None = None
    ) -> PlanAnswer:
        drafted = await self._drafted(request, selection, on_said)
        if self._rules is None:
            return drafted
        ruled = await self._rules.plan(request)
        if drafted.kind == "plan" and hangs_on_more(ruled, drafted):
            drafted = await self._once_more(request, drafted, [CONDITION])
        return agreed(drafted, ruled, request)

    async def _drafted(
        self, request: PlanRequest, selection: Selection, on_said: OnSaid | None
    ) -> PlanAnswer:
        specs = _specs(request, selection.tools)
        before = request.previous
        opened = to_draft(before, request) if before is not None else None
        reply, usage = await metered(
            lambda: self._llm.complete(
                prompts.draft_messages(request, specs, opened),
                schema=prompts.draft_schema(
                    selection.tools,
                    revises=before is not None,
                    most=prompts.most_steps(request),
                ),
                max_tokens=DRAFT_TOKENS,
                on_partial=_saying(on_said),
            )
        )
        data = reply.data
        revises = before is not None and data["kind"] == "revision"
        plans = revises or data["kind"] == "plan"
        answer = PlanAnswer(
            "plan" if plans else data["kind"],
            data["say"].strip(),
            confidence=selection.confidence,
            choices=tuple(data["choices"]),
            planner=self.name,
            selection=selection.told(),
            usage=total(selection.usage, usage),
        )
        if answer.kind == "question" or (plans and not data["steps"]):
            text = answer.text or "I need to know more: what exactly should happen?"
            return replace(answer, kind="question", text=text)
        if not plans:
            return answer
        drawn = to_document(data, request, before if revises else None)
        document = drawn.document
        document["plan_name"] = _name(document["plan_name"], before, revises)
        used = tuple(dict.fromkeys(step["action"] for step in document["steps"]))
        told = {**answer.selection, "tools": list(used), "mode": _mode(request, used)}
        left = tuple(words for words in (*data["left"], *drawn.left) if words.strip())
        answer = replace(
            answer,
            selection=told,
            choices=(),
            not_covered=tuple(dict.fromkeys(left)),
            revises=revises,
        )
        found = held(request, answer, document)
        if found.kind == "plan":
            dropped = _dropped(request, found)
            return await self._once_more(request, found, dropped) if dropped else found
        unsaid = Issue(code="PLAN_NOT_SAID", message=f"{found.text} {UNSAID}")
        again = await self._once_more(request, replace(answer, document=document), [unsaid])
        mended = again.kind == "plan" and again.document is not document
        return again if mended else replace(found, usage=again.usage)

    async def _once_more(
        self, request: PlanRequest, answer: PlanAnswer, issues: Sequence[Issue]
    ) -> PlanAnswer:
        """`answer` after one repair; as it is where the model gives none, for it can be shown or asked."""
        try:
            return await self.repair(request, answer, issues)
        except LightningError as error:
            log.info("planner.repair_failed", code=error.code)
            return answer

    async def repair(
        self, request: PlanRequest, answer: PlanAnswer, issues: Sequence[Issue]
    ) -> PlanAnswer:
        """`answer` with its failing parts asked for again. Tools named in the issues may be used."""
        document = dict(answer.document or {})
        catalogue = request.catalogue.tools
        wanted = [step["action"] for step in document["steps"]]
        wanted += [name for issue in issues for name in issue.available]
        tools = list(await self.discover(request))
        tools = list(dict.fromkeys([*tools, *(id for id in wanted if id in catalogue)]))
        draft = to_draft(document, request)
        reply, usage = await metered(
            lambda: self._llm.complete(
                prompts.repair_messages(
                    request, _specs(request, tools), draft, failing(document, issues), issues
                ),
                schema=prompts.repair_schema(
                    tools, prompts.most_steps(replace(request, previous=document))
                ),
                max_tokens=DRAFT_TOKENS,
            )
        )
        answer = replace(answer, usage=total(answer.usage, usage))
        drawn = mended(document, reply.data, request)
        if not drawn.document["steps"]:
            return answer
        left = tuple(dict.fromkeys([*answer.not_covered, *drawn.left]))
        return held(request, replace(answer, not_covered=left), drawn.document)

    async def talk(self, request: PlanRequest) -> AsyncIterator[str]:
        tools = list(request.catalogue.tools.values())
        async for token in self._llm.stream(prompts.talk_messages(request, tools), max_tokens=600):
            yield token


def _dropped(request: PlanRequest, answer: PlanAnswer) -> list[Issue]:
    """Conditions of the person's words that nothing in a draft can decide and that it is silent about."""
    if answer.kind != "plan" or answer.revises:
        return []
    found = check(
        answer.document,
        request.catalogue,
        now=request.now,
        timezone=request.timezone,
        not_covered=answer.not_covered,
        request=request.text,
    )
    told = [f"“{words}”" for words in answer.not_covered]
    return [
        issue
        for issue in found.issues
        if issue.code == "PLAN_NOT_COVERED" and not any(words in issue.message for words in told)
    ]


def _mode(request: PlanRequest, chosen: Sequence[str]) -> Literal["reuse", "compose"]:
    tools = request.catalogue.tools
    return "reuse" if any(id in tools and tools[id].type == "plan" for id in chosen) else "compose"


def _saying(on_said: OnSaid | None) -> OnPartial | None:
    """Passes on the words of a question or a refusal as a model writes them. What it says beside a
    plan waits: the plan may yet be changed to what the person said."""
    if on_said is None:
        return None
    told = 0

    def saying(so_far: Mapping[str, Any]) -> None:
        nonlocal told
        said = so_far.get("kind") in ("question", "refusal")
        text = (so_far.get("say") or so_far.get("text") or "") if said else ""
        if len(text) > told:
            on_said(text[told:])
            told = len(text)

    return saying


def _specs(request: PlanRequest, ids: Sequence[str]) -> list[ToolSpec]:
    tools = request.catalogue.tools
    return [tools[id] for id in ids if id in tools]


def _name(name: str, previous: Mapping[str, Any] | None, revises: bool) -> str:
    """A revision keeps its plan's name; a plan beside it gets its own."""
    taken = (previous or {}).get("plan_name")
    if revises and taken:
        return str(taken)
    return f"{name} (new)" if name == taken else name
