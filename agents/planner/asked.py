"""A message after a question: the answer to it, or something of its own."""

from __future__ import annotations

import re
from dataclasses import replace

from agents.planner import talk
from agents.planner.questions import FREE, REST_CLEAR, UNCHECKED
from agents.planner.times import When, parse_when
from backend.contracts.ports import PlanAnswer, Planner, PlanRequest

NEARER = 0.35  # a joined request less clear than this has not been answered
KNOWN = 0.2  # less sure than this, a message alone is no request
NO_ANSWER = "That does not answer it. "
_UNKNOWN = re.compile(rf"(?:{re.escape(REST_CLEAR)}|{re.escape(UNCHECKED)}) “(?P<words>.+?)”\.")

Planned = tuple[PlanRequest, PlanAnswer]


async def planned(planner: Planner, request: PlanRequest, asked: str) -> Planned:
    """The plan for a message of a planner without memory, `asked` being the request that its last
    question was about. What is whole by itself is no answer; what fits nothing is asked again."""
    if asked and talk.dropped(request.text.lower()):
        return request, PlanAnswer("talk", talk.DROPPED)
    answer = await planner.plan(request)
    whole = answer.kind == "plan" and not answer.revises
    if not asked or whole or request.text.startswith(asked):
        return request, answer
    question = await planner.plan(replace(request, text=asked))
    free = question.text in FREE
    own = answer.kind != "question" and not answer.revises
    if own and not (free and _is_text(answer, request)):
        return request, answer
    if found := await _reworded(planner, request, asked, question.text):
        return found
    words = f"“{_line(request.text)}”" if free else request.text
    joined = replace(request, text=joined_words(asked, words))
    together = await planner.plan(joined)
    if together.kind == "plan":
        return joined, together
    nearer = together.kind == "question" and together.confidence > max(answer.confidence, NEARER)
    if nearer and (together.text != question.text or _is_time(request)):
        return joined, together
    if answer.kind == "question" and answer.confidence <= KNOWN:
        return replace(request, text=asked), replace(question, text=NO_ANSWER + question.text)
    return request, answer


def joined_words(asked: str, answer: str) -> str:
    return f"{asked}\n{answer}"


def _is_time(request: PlanRequest) -> bool:
    return isinstance(parse_when(request.text, request.now, request.timezone), When)


def _is_text(answer: PlanAnswer, request: PlanRequest) -> bool:
    """ "Call me when you are home", "thanks for the dinner": a text, though no work."""
    longer = len(request.text.split()) > 3 and "?" not in request.text
    return longer and answer.kind in ("refusal", "talk")


async def _reworded(
    planner: Planner, request: PlanRequest, asked: str, question: str
) -> Planned | None:
    """The request with other words for the part that no tool was known for."""
    unknown = _UNKNOWN.match(question)
    if unknown is None or unknown["words"] not in asked:
        return None
    said = replace(request, text=asked.replace(unknown["words"], request.text.strip(), 1))
    answer = await planner.plan(said)
    return (said, answer) if answer.kind == "plan" and not answer.not_covered else None


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("”", '"').replace("“", '"').strip()
