"""One request turned into an answer: talk, a question, a refusal, or a plan document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agents.planner import doubts, talk, titles
from agents.planner.answers import Answers, answers_in
from agents.planner.choose import Choice
from agents.planner.clauses import Clause, clauses
from agents.planner.continued import drafted_before, recurs
from agents.planner.coverage import content_words, not_covered
from agents.planner.draft import Drafting
from agents.planner.drafts import Draft
from agents.planner.entities import Text
from agents.planner.made import Made
from agents.planner.match import Match
from agents.planner.occasions import Occasion, occasion
from agents.planner.pieces import lead_end
from agents.planner.purpose import purpose
from agents.planner.questions import (
    REMIND_WHEN,
    WAIT_HOW_LONG,
    gap_question,
    time_question,
    unchecked_question,
    unknown_question,
    unsound_question,
    unsure_question,
)
from agents.planner.remarks import FIRST_LOOK, condition, remarks
from agents.planner.retrieve import Index
from agents.planner.saved import reuse_step
from agents.planner.sound import sound
from agents.planner.spoken import when_said
from agents.planner.times import Found, Refused, When
from agents.planner.tongues import other_language
from agents.planner.unwanted import unwanted
from backend.contracts.plans import SAVED_PREFIX
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.contracts.tools import ToolSpec

CONFIDENT = 0.7
START = {"cron": "event.schedule", "interval": "event.schedule", "at": "event.due"}
BY_HAND = "event.start"
_BEFORE = re.compile(r"\bbefore\b")
WHERE = (
    "I can add that only behind the plan's steps. Before which step should it come, in other words?"
)


class IndexNeeded(Exception):
    """A clause names no tool we have words for, and there is no index yet."""


class Planning:
    """One request. `reused` is the saved plan that does a part of it."""

    def __init__(
        self,
        text: Text,
        request: PlanRequest,
        tools: Mapping[str, ToolSpec],
        verbs: frozenset[str],
        index: Index | None,
        reused: Match | None = None,
    ) -> None:
        self._whole = text
        self.text, self.answers = answers_in(text, request.now, request.timezone)
        self.request = request
        self.tools = tools
        self.verbs = verbs
        self._index = index
        self._reused = reused
        self._read = text  # without the words of times and of what was taken out

    def answer(self) -> PlanAnswer:
        if answer := self._without_plan():
            return answer
        found, text = self.time()
        happens = occasion(text)
        text = text.without(happens.spans) if happens else text
        ruled_out = unwanted(text, self.verbs)
        text = text.without(ruled_out.spans) if ruled_out else text
        pieces, text = clauses(text, self.verbs)
        self._read = text
        if not pieces and self._reused is None:
            return PlanAnswer("question", "What should be done at that time?", confidence=0.3)
        plain = doubts.unsaid(text.plain)
        first = plain[lead_end(plain, 0) :]
        if answer := talk.refusal(first, self.tools, text):
            return answer
        if answer := doubts.negated_work(text, self.verbs):
            return answer
        when = found.when if isinstance(found.when, When) else None
        event = START[when.kind] if when else happens.trigger["name"] if happens else BY_HAND
        draft = self._drafted(text, pieces, event, when, happens)
        self.answers.fill(draft)
        if self.answers.entities and not self.answers.used and self.text is not self._whole:
            # the lines are no answers but work: "read <url>", "mail it to <address>"
            self.text, self.answers = self._whole, Answers()
            return self.answer()
        if ruled_out is not None and (broken := ruled_out.broken_by(draft)):
            return doubts.ruled_out(self.text, broken)
        question = self._open(text, draft, found.when, happens)
        if question is None:
            return self._plan(draft, when, happens, event)
        return replace(question, selection=_selection(draft, self._reused))

    def _without_plan(self) -> PlanAnswer | None:
        """What is answered without planning anything."""
        plain = self.text.plain
        if self.request.previous is not None and talk.dropped(plain):
            return PlanAnswer("talk", talk.KEPT)
        return (
            talk.small_talk(plain, self.tools) or other_language(plain) or self._no_such_tool(plain)
        )

    def _no_such_tool(self, plain: str) -> PlanAnswer | None:
        """A tool asked for by an id that there is none of: the nearest real ones."""
        named = talk.tool_named(plain, self.tools)
        if named is None:
            return None
        if self._index is None:
            raise IndexNeeded
        words = named.replace(".", " ").replace("_", " ")
        near = talk.nearest_tools(named, self.tools, [h.tool for h in self._index.search(words, 3)])
        listed = ", ".join(f"“{tool}” ({self.tools[tool].name})" for tool in near)
        text = f"There is no tool “{named}”. The nearest there are: {listed}. Which of them?"
        selection = {"mode": "compose", "reason": f"No tool is called “{named}”.", "confidence": 0.0,
                     "tools": [], "candidates": list(near)}  # fmt: skip
        choices = tuple(self.request.text.replace(named, tool) for tool in near)
        return PlanAnswer("question", text, confidence=0.3, choices=choices, selection=selection)

    def _drafted(
        self,
        text: Text,
        pieces: tuple[Clause, ...],
        event: str,
        when: When | None,
        happens: Occasion | None,
    ) -> Draft:
        earlier = Draft()
        if self._reused is not None:
            step = reuse_step(self.request, self._reused, "routine", [event])
            earlier.steps.append(step)
            earlier.made.append(Made("routine", self.tools[self._reused.tool]))
            earlier.sources |= {f"routine.{name}": "said" for name in step["args"]}
        drafting = Drafting(
            text,
            self.tools,
            event,
            self.find,
            arrives=happens.made if happens else None,
            recurring=when is not None and when.kind != "at",
            earlier=earlier,
        )
        return drafting.draft(pieces)

    def _open(
        self, text: Text, draft: Draft, when: When | Refused | None, happens: Occasion | None
    ) -> PlanAnswer | None:
        """What must be asked before this draft is a plan, or None."""
        if answer := doubts.contradiction(self.text, when):
            return answer
        if isinstance(when, Refused) and (answer := self._two_plans()):
            return answer
        doubts.leave_narrative(text, draft)
        if draft.unknown or not draft.steps:
            return unknown_question(text, draft, self.tools)
        if isinstance(when, Refused):
            return time_question(when)
        if when is not None and happens is not None:
            return PlanAnswer("question", "Should it start at that time, or when that happens?")
        if draft.confidence < CONFIDENT:
            return unsure_question(draft)
        timed = when is not None or happens is not None or self.answers.leave_out
        if answer := doubts.how_often(self.text, draft, timed=timed):
            return answer
        if draft.gaps:
            return gap_question(draft.gaps[0])
        if any(s["action"] == "wait.until" and not s["args"] for s in draft.steps):
            return PlanAnswer("question", WAIT_HOW_LONG, confidence=0.5)
        timed = when is not None or happens is not None
        if when is None and doubts.reminds(draft, doubts.unsaid(self.text.plain)) and not happens:
            return PlanAnswer("question", REMIND_WHEN, confidence=0.5)
        return doubts.loose_time(self.text, draft, timed=timed)

    def _two_plans(self) -> PlanAnswer | None:
        spans = when_said(self.text, self.request.now, self.request.timezone).spans
        return doubts.two_times(self.text, spans, self.stands_alone)

    def stands_alone(self, text: Text) -> bool:
        """Whether these words are a whole request, with all it needs."""
        return self.alone(text) is not None

    def alone(self, text: Text) -> Draft | None:
        """What these words are as a whole request, with all it needs; None where they are none."""
        found = when_said(text, self.request.now, self.request.timezone)
        if isinstance(found.when, Refused):
            return None
        text = text.without(found.spans)
        happens = occasion(text)
        text = text.without(happens.spans) if happens else text
        pieces, text = clauses(text, self.verbs)
        arrives = happens.made if happens else None
        draft = Drafting(text, self.tools, BY_HAND, self.find, arrives=arrives).draft(pieces)
        sure = draft.confidence >= CONFIDENT and not draft.unknown
        unwanted = doubts.negated_work(text, self.verbs)
        return draft if draft.steps and sure and not draft.gaps and unwanted is None else None

    def added(
        self, text: Text, document: dict[str, Any]
    ) -> PlanAnswer | tuple[dict[str, Any], dict[str, str], tuple[str, ...]] | None:
        """The document with the work these words name added behind its steps; with the sources and
        the words left over. None when they name none."""
        found = when_said(text, self.request.now, self.request.timezone)
        pieces, text = clauses(text.without(found.spans), self.verbs)
        event = str((document.get("events") or [{}])[0].get("name") or BY_HAND)
        draft = Drafting(
            text,
            self.tools,
            event,
            self.find,
            recurring=recurs(document),
            earlier=self.drafted_before(document),
        ).draft(pieces)
        if len(draft.steps) == len(document["steps"]):
            return None
        if draft.unknown:
            return unknown_question(text, draft, self.tools)
        if _BEFORE.search(text.plain):
            return PlanAnswer("question", WHERE, confidence=0.4)
        if found.when is not None:
            return PlanAnswer("question", "A plan has one time. Should that be a plan of its own?")
        if draft.gaps:
            return gap_question(draft.gaps[0])
        left = not_covered(text, draft.left)
        return {**document, "steps": draft.steps}, draft.sources, left

    def drafted_before(self, document: Mapping[str, Any]) -> Draft:
        """A document's steps as a draft, for more to follow."""
        return drafted_before(document, self.tools)

    def time(self) -> tuple[Found, Text]:
        """The time of the whole plan, and the text without its words."""
        found = when_said(self.text, self.request.now, self.request.timezone)
        text = self.text.without(found.spans)
        if self.answers.when is not None and not isinstance(found.when, When):
            found = Found(self.answers.when, found.spans)
        return found, text

    def find(self, words: str) -> tuple[Choice | None, tuple[str, ...]]:
        if self._index is None:
            raise IndexNeeded
        ranked = self._index.search(words, 5)
        best = ranked[0] if ranked else None
        nearest = tuple(hit.tool for hit in ranked[:3])
        # one word is too little to choose a tool by, unless it is the tool's own name
        alone = len(content_words(words)) < 2 and best is not None
        named = best is not None and words.strip() == self.tools[best.tool].name.lower()
        if best is None or best.confidence < CONFIDENT or (alone and not named):
            return None, nearest
        return Choice(self.tools[best.tool], best.confidence), nearest

    def _plan(
        self, draft: Draft, when: When | None, happens: Occasion | None, event: str
    ) -> PlanAnswer:
        lines = [
            (m.spec, s["args"]) for m, s in zip(draft.made, draft.steps, strict=True) if not m.quiet
        ]
        name = titles.plan_name(lines, when, draft.steps)
        if self.request.previous and self.request.previous.get("plan_name") == name:
            name = f"{name[:110]} (new)"
        trigger = when.trigger(event) if when else happens.trigger if happens else None
        document: dict[str, Any] = {
            "plan_name": name,
            "description": "",
            "events": [trigger or {"name": event, "kind": "manual"}],
            "steps": draft.steps,
        }
        document["description"] = purpose(document, self.tools)
        left = not_covered(self._read, draft.left)
        document, errors = sound(document, self.request, left)
        if errors:
            return replace(unsound_question(errors[0]), selection=_selection(draft, self._reused))
        final = any(m.spec.purity == "effect" and m.spec.effects for m in draft.made)
        if final and not self.answers.leave_out and (hangs_on := condition(left)):
            return unchecked_question(hangs_on, document)
        said = remarks(when.assumed if when else (), left)
        compares = any(m.spec.id == "watch.changed" for m in draft.made)
        notes = [said, FIRST_LOOK if compares else "", happens.note if happens else ""]
        said = " ".join(filter(None, notes))
        sources = dict(draft.sources)
        sources[event] = (
            "; ".join(when.assumed)
            if when and when.assumed
            else "said"
            if when or happens
            else "default"
        )
        return PlanAnswer(
            "plan",
            " ".join(["Here is the plan.", said]) if said else "",
            document=document,
            confidence=round(draft.confidence, 2),
            not_covered=left,
            sources=sources,
            selection=_selection(draft, self._reused),
        )


def _selection(draft: Draft, reused: Match | None) -> dict[str, Any]:
    """How the tools were chosen."""
    tools = list(dict.fromkeys(step["action"] for step in draft.steps))
    reason = "No saved plan does this; each tool was chosen for a part of what you said."
    return {
        "mode": "reuse" if reused or any(t.startswith(SAVED_PREFIX) for t in tools) else "compose",
        "reason": reused.reason if reused else reason,
        "confidence": round(min(draft.confidence, reused.confidence if reused else 1.0), 2),
        "tools": tools,
        "candidates": list(dict.fromkeys([*tools, *draft.candidates])),
    }
