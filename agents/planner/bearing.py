"""What is said beside an open plan: a change of it, work of its own, or either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from agents.planner import wiring
from agents.planner.drafts import Draft
from agents.planner.entities import Text
from backend.contracts.ports import PlanAnswer

Bearing = Literal["change", "own", "either"]
CHANGE, OWN = "Change the open plan: ", "As a new plan: "
_CHANGE = re.compile(
    r"^\W*(?:please\s+)?(?:change|edit|revise|update)\s+(?:the|this|my)\s+(?:open\s+|current\s+)?plan\b"
    r"(?:\s+to)?\s*[:,;.-]?\s*",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"^\W*(?:please\s+)?(?:(?:as|make|create|start)\s+)?(?:an?\s+)?(?:new|separate|another|second)\s+"
    r"plan\b(?:\s*,?\s*please)?\s*[:,;.-]?\s*(?:to\s+)?(?=\w)",
    re.IGNORECASE,
)
# words that only the open plan gives a meaning
_POINTS_BACK = re.compile(
    r"^\W*(?:and|also|plus|but|no|nope|instead|rather|actually|replace|swap|exchange|change|switch)\b"
    r"|\b(?:instead|also|too|as well|rather than|the same|not|wrong)\b"
    r"|\bas (?:the|a) (?:source|input)\b|\bthe [a-z]+ (?:should|is to|must) be\b"
)


def told(said: str) -> tuple[str, Bearing | None]:
    """The request without the words that say outright which it is, and which they say."""
    for pattern, bearing in ((_OWN, "own"), (_CHANGE, "change")):
        found = pattern.match(said)
        if found and said[found.end() :].strip():
            return said[found.end() :], "own" if bearing == "own" else "change"
    return said, None


def bearing(text: Text, alone: Draft | None, document: Mapping[str, Any]) -> Bearing:
    """`alone` is what the words would be as a plan of their own; None where they are none."""
    if alone is None:
        return "change"
    if _POINTS_BACK.search(text.plain):
        return "change"
    if any(wiring.stage_of(made.spec) in ("out", "ask", "") for made in alone.made):
        return "own"
    actions = {step.get("action") for step in document["steps"]}
    done_already = all(step["action"] in actions for step in alone.steps)
    return "either" if done_already else "own"


def which(said: str) -> PlanAnswer:
    """Ask, with both readings to pick from."""
    said = re.sub(r"\s+", " ", said).strip()
    return PlanAnswer(
        "question",
        "Should I change the open plan to that, or is it a new plan?",
        confidence=0.5,
        choices=(f"{CHANGE}{said}", f"{OWN}{said}"),
    )
