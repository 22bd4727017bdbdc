"""One request turned into an answer: talk, a question, a refusal, or a plan document."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from agents.planner import lexicon, schema, talk, titles
from agents.planner.answers import Answers, answers_in
from agents.planner.choose import Choice
from agents.planner.clauses import clauses, lead_end
from agents.planner.draft import Draft, Drafting, content_words
from agents.planner.entities import Text
from agents.planner.questions import (
    REMIND_WHEN,
    WAIT_HOW_LONG,
    gap_question,
    time_question,
    unknown_question,
    unsure_question,
)
from agents.planner.remarks import remarks
from agents.planner.retrieve import Index
from agents.planner.slots import Made
from agents.planner.spoken import when_said
from agents.planner.times import Found, Refused, When
from agents.planner.times.words import DAY
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.contracts.tools import ToolSpec

CONFIDENT = 0.7
START = {"cron": "event.schedule", "interval": "event.schedule", "at": "event.due"}
_NEGATED = re.compile(
    r"\b(?:don't|do\s+not|never|without|no\s+need\s+to|instead\s+of)\s+(?:the\s+|a\s+|any\s+)?"
    r"(?P<work>[a-z-]+)"
)

_DUE = re.compile(r"\b(?:by|before|until|around|at)\s+$")
_HABIT = re.compile(
    r"\bevery\s+(?!entr|item|article|post|file|page|link|one\b|single\b|of\b)|"
    r"\beach\s+(?:time|year|month|week|day|morning|evening|night|hour|minute)\b|"
    r"\b(?:hourly|daily|weekly|monthly|yearly|nightly)\b"
)
_DAY_CONDITION = re.compile(
    rf"\b(?:if|unless|when)\s+(?:it's|it\s+is|today\s+is)\s+(?:not\s+)?(?:an?\s+)?(?:{DAY}|weekend|weekday)\b"
)
HABITS = ("every day at 9:00", "every Monday at 9:00")


class IndexNeeded(Exception):
    """A clause names no tool we have words for, and there is no index yet."""


class Planning:
    """One request."""

    def __init__(
        self,
        text: Text,
        request: PlanRequest,
        tools: Mapping[str, ToolSpec],
        verbs: frozenset[str],
        index: Index | None,
    ) -> None:
        self._whole = text
        self.text, self.answers = answers_in(text, request.now, request.timezone)
        self.request = request
        self.tools = tools
        self.verbs = verbs
        self._index = index

    def answer(self) -> PlanAnswer:
        plain = self.text.plain
        if self.request.previous is not None and talk.dropped(plain):
            return PlanAnswer("talk", talk.KEPT)
        if answer := talk.small_talk(plain, self.tools):
            return answer
        found, text = self.time()
        pieces, text = clauses(text, self.verbs)
        if not pieces:
            return PlanAnswer("question", "What should be done at that time?", confidence=0.3)
        plain = _unsaid(plain)
        first = plain[lead_end(plain, 0) :]
        names = any(e.kind in ("url", "email") for e in text.entities)
        if not names and (answer := talk.refusal(first, self.tools)):
            return answer
        if said := self._negated(text):
            return PlanAnswer(
                "question",
                f"I cannot plan “{said}”. Say only what should happen, without it.",
                confidence=0.4,
            )
        event = START[found.when.kind] if isinstance(found.when, When) else "event.start"
        draft = Drafting(text, self.tools, event, self.find).draft(pieces)
        self.answers.fill(draft)
        if self.answers.entities and not self.answers.used and self.text is not self._whole:
            # the lines are no answers but work: "read <url>", "mail it to <address>"
            self.text, self.answers = self._whole, Answers()
            return self.answer()
        if open_question := self._open(text, draft, found.when):
            return open_question
        when = found.when if isinstance(found.when, When) else None
        return self._plan(draft, when, event)

    def _open(self, text: Text, draft: Draft, when: When | Refused | None) -> PlanAnswer | None:
        """What must be asked before this draft is a plan, or None."""
        if draft.unknown or not draft.steps:
            return unknown_question(text, draft, self.tools)
        if when is not None and not isinstance(when, When):
            return time_question(when)
        if draft.confidence < CONFIDENT:
            return unsure_question(draft)
        if draft.gaps:
            return gap_question(draft.gaps[0])
        if any(s["action"] == "wait.until" and not s["args"] for s in draft.steps):
            return PlanAnswer("question", WAIT_HOW_LONG, confidence=0.5)
        if loose := _loose_time(self.text, draft, timed=when is not None):
            return time_question(Refused("I do not understand that time", loose, HABITS))
        if when is None and _reminds(draft, _unsaid(self.text.plain)):
            return PlanAnswer("question", REMIND_WHEN, confidence=0.5)
        return None

    def _negated(self, text: Text) -> str:
        """Work that is not wanted, as said: our words would take it for work that is."""
        message = lexicon.MESSAGE.search(text.plain)
        end = message.start("said") if message else len(text.plain)
        work = {schema.stem(verb) for verb in self.verbs} | {schema.stem("summary")}
        for found in _NEGATED.finditer(text.plain, 0, end):
            if schema.stem(found["work"]) in work:
                return text.said[found.start() : found.end()]
        return ""

    def stands_alone(self, text: Text) -> bool:
        """Whether these words are a whole request, with all it needs."""
        found = when_said(text, self.request.now, self.request.timezone)
        pieces, text = clauses(text.without(found.spans), self.verbs)
        draft = Drafting(text, self.tools, "event.start", self.find).draft(pieces)
        sure = draft.confidence >= CONFIDENT and not draft.unknown
        return bool(draft.steps) and sure and not draft.gaps and not self._negated(text)

    def added(
        self, text: Text, document: dict[str, Any]
    ) -> PlanAnswer | tuple[dict[str, Any], dict[str, str], tuple[str, ...]] | None:
        """The document with the work these words name added behind its steps; with the sources and
        the words left over. None when they name none."""
        specs = [self.tools.get(str(step.get("action"))) for step in document["steps"]]
        found = when_said(text, self.request.now, self.request.timezone)
        pieces, text = clauses(text.without(found.spans), self.verbs)
        earlier = Draft(steps=copy.deepcopy(document["steps"]))
        earlier.made = [
            Made(step["name"], spec)
            for step, spec in zip(document["steps"], specs, strict=True)
            if spec is not None
        ]
        event = str((document.get("events") or [{}])[0].get("name") or "event.start")
        draft = Drafting(text, self.tools, event, self.find).draft(pieces, earlier)
        if len(draft.steps) == len(document["steps"]):
            return None
        if draft.unknown:
            return unknown_question(text, draft, self.tools)
        if found.when is not None:
            return PlanAnswer("question", "A plan has one time. Should that be a plan of its own?")
        if draft.gaps:
            return gap_question(draft.gaps[0])
        return {**document, "steps": draft.steps}, draft.sources, not_covered(text, draft)

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

    def _plan(self, draft: Draft, when: When | None, event: str) -> PlanAnswer:
        lines = [(m.spec, s["args"]) for m, s in zip(draft.made, draft.steps, strict=True)]
        trigger = when.trigger(event) if when else {"name": event, "kind": "manual"}
        name = titles.plan_name(lines, when)
        if self.request.previous and self.request.previous.get("plan_name") == name:
            name = f"{name[:110]} (new)"
        document = {
            "plan_name": name,
            "description": titles.description(lines),
            "events": [trigger],
            "steps": draft.steps,
        }
        left = not_covered(self.text, draft)
        said = remarks(when.assumed if when else (), left)
        sources = dict(draft.sources)
        sources[event] = (
            "; ".join(when.assumed) if when and when.assumed else "said" if when else "default"
        )
        return PlanAnswer(
            "plan",
            " ".join(["Here is the plan.", said]) if said else "",
            document=document,
            confidence=round(draft.confidence, 2),
            not_covered=left,
            sources=sources,
        )


def _reminds(draft: Draft, plain: str) -> bool:
    """Whether only a reminder is asked for: without a time it would come at once."""
    return [m.spec.id for m in draft.made] == ["notify.user"] and "remind" in plain


def _loose_time(text: Text, draft: Draft, *, timed: bool) -> str:
    """Words of time that nothing has taken: without them the plan would run at another time."""
    for start, end in draft.left:
        before = _DUE.search(text.plain, 0, start)
        if before and re.match(r"\d{1,2}(?::\d\d)?\b", text.plain[start:end]):
            return text.said[before.start() : end]
        if day := _DAY_CONDITION.search(text.plain, start, end):
            return text.said[day.start() : day.end()]
        if not timed and (habit := _HABIT.search(text.plain, start, end)):
            return text.said[habit.start() : end]
    return ""


def _unsaid(plain: str) -> str:
    """Without what is only to be said: "remind me to call the bank" calls nobody."""
    message = lexicon.MESSAGE.search(plain)
    return plain[: message.start("said")] if message else plain


def not_covered(text: Text, draft: Draft) -> tuple[str, ...]:
    """The words that no step expresses, as the person wrote them."""
    found = [text.said[a:b].strip(" ,.;:!?\n") for a, b in sorted(set(draft.left))]
    return tuple(dict.fromkeys(words[:200] for words in found if words))
