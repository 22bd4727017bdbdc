"""A request over foreign tools, answered: a plan, or a question with the best draft so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from agents.planner.compose.choice import Choice, chosen
from agents.planner.compose.document import titled, written
from agents.planner.compose.linking import linked, ordered
from agents.planner.entities import Text
from agents.planner.matching import weights
from agents.planner.matching.evidence import Reading, read
from agents.planner.matching.profile import Profile
from agents.planner.matching.words import spoken, tokens
from agents.planner.retrieve import Index
from agents.planner.spoken import when_said
from agents.planner.times import When
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.contracts.tools import ToolSpec

# the least chance of having the right tools with which a plan is shown, not asked about
CONFIDENT = 0.15
MAX_CHOICES = 5
START = "event.start"
SCHEDULE = "event.schedule"
NOTHING = "What should be done? Say it in a sentence, with what it is about."


def compose(request: PlanRequest, index: Index) -> PlanAnswer:
    """A plan of tools of `index`, or a question when they are probably not the right ones. `confidence`
    is the chance that they are. Never raises for any text; the same words give the same answer."""
    profile = index.profile
    said = Text.of(request.text.encode("utf-8", "replace").decode())
    trigger, text, when = _scheduled(request, said)
    if not profile.specs or not tokens(text):
        return PlanAnswer("question", NOTHING, confidence=0.0)
    reading = read(profile, text, weights.FIRST, weights.SECOND)
    choice = chosen(profile, reading, text, weights.CHOICE, weights.CONFIDENCE)
    order = ordered(profile, reading, choice, text)
    links = linked(profile, reading, choice, text, order)
    specs = [profile.specs[tool] for tool in order]
    works = [_work(reading, choice, tool, text) for tool in order]
    made = written(specs, works, links, trigger["name"])
    document: dict[str, Any] = {
        "plan_name": titled(specs),
        "description": _shortened(said.said),
        **({"inputs": made.inputs} if made.inputs else {}),
        "events": [trigger],
        "steps": made.steps,
    }
    sources = {**made.sources, trigger["name"]: when}
    selection = {
        "mode": "compose",
        "reason": f"Chosen by their names and descriptions, for {len(reading.pieces)} pieces of work.",
        "confidence": round(choice.confidence, 3),
        "tools": [spec.id for spec in specs],
        "candidates": [profile.specs[tool].id for tool in choice.nearest],
    }
    left = tuple(
        _shortened(text[reading.pieces[place].start : reading.pieces[place].end], 200)
        for place in choice.undone
    )
    if choice.confidence < CONFIDENT:
        return PlanAnswer(
            "question",
            _asked(profile, choice, specs),
            document=document,
            confidence=round(choice.confidence, 3),
            not_covered=left,
            choices=_choices(profile, choice, specs),
            sources=sources,
            selection=selection,
        )
    return PlanAnswer(
        "plan",
        document=document,
        confidence=round(choice.confidence, 3),
        not_covered=left,
        sources=sources,
        selection=selection,
    )


def _scheduled(request: PlanRequest, said: Text) -> tuple[dict[str, Any], str, str]:
    """The trigger, the words without its time, and where it came from. Only a habit the request begins
    with starts the plan: elsewhere a time may as well be meant for a tool."""
    found = when_said(said, request.now, request.timezone)
    habit = isinstance(found.when, When) and found.when.kind in ("cron", "interval")
    if isinstance(found.when, When) and habit and found.spans and found.spans[0][0] == 0:
        rest = said.said[found.spans[0][1] :].lstrip(" ,:")
        if len(found.spans) == 1 and rest:
            return found.when.trigger(SCHEDULE), rest, "said"
    return {"name": START, "kind": "manual"}, said.said, "default"


def _work(reading: Reading, choice: Choice, tool: int, text: str) -> str:
    if tool in choice.supplied:
        return ""
    piece = reading.pieces[choice.piece[tool]]
    return text[piece.start : piece.end]


def _asked(profile: Profile, choice: Choice, specs: Sequence[ToolSpec]) -> str:
    steps = ", then ".join(f"“{_called(spec)}”" for spec in specs)
    for tool in choice.tools:
        if tool in choice.instead and _as_likely(choice, tool):
            other = profile.specs[choice.instead[tool]]
            return (
                f"Two tools could be meant: “{_called(profile.specs[tool])}” or “{_called(other)}”. "
                f"I would take {steps}. Which one, or what should happen instead?"
            )
    return f"I am not sure which tools you mean. I would take {steps}. Is that right?"


def _as_likely(choice: Choice, tool: int) -> bool:
    return choice.chances[choice.instead[tool]] > choice.chances[tool] / 3


def _choices(profile: Profile, choice: Choice, specs: Sequence[ToolSpec]) -> tuple[str, ...]:
    """The draft in words, then the nearest tools that are not in it."""
    draft = ", then ".join(_called(spec) for spec in specs)
    others = [
        _called(profile.specs[tool]) for tool in choice.nearest if profile.specs[tool] not in specs
    ]
    return (draft, *others[: MAX_CHOICES - 1])


def _called(spec: ToolSpec) -> str:
    return spoken(spec.name)[:80].lower().capitalize()


def _shortened(words: str, most: int = 300) -> str:
    words = re.sub(r"\s+", " ", words).strip(" ,.;:")
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"
