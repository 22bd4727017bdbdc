"""Answers that need no planning: a plan typed in pipe syntax, a saved plan that is meant as it is, what
is to be done with one."""

from __future__ import annotations

import re
from textwrap import indent

from agents.planner.routines import routine_request
from agents.planner.saved import exact_answer, saved_match
from backend.contracts.errors import Invalid
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.plans.pipe import parse_pipe

HAND = "hand"
_COMMAND = re.compile(r"^\s*/plan\b\s*")
_CALL = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z_][\w-]*:\s*)?([^\s:=(){}|>\"']+\.[^\s:=(){}|>\"']+)(?=\s|$)"
)


def ready_answer(request: PlanRequest) -> PlanAnswer | None:
    """The answer to such a request, or None for all others. `planner` is "hand" for a typed plan; one
    that does not read is a question that shows where."""
    if (typed := _typed(request)) is not None:
        return typed
    if routine_request(request.text):
        return PlanAnswer("manage", "Your routines.")
    match = saved_match(request)
    return exact_answer(request, match) if match and match.mode == "exact" else None


def _typed(request: PlanRequest) -> PlanAnswer | None:
    text = _COMMAND.sub("", request.text)
    if not _is_pipe(text, request):
        return None
    try:
        document = parse_pipe(text, request.catalogue)
    except Invalid as error:
        shown = indent(error.excerpt, "    ", lambda _: True)
        said = "\n\n".join(each for each in (error.message, shown, error.hint) if each)
        return PlanAnswer("question", said, planner=HAND)
    selection = {"mode": "compose", "reason": "You wrote this plan yourself.", "confidence": 1.0}
    return PlanAnswer("plan", document=document, planner=HAND, selection=selection)


def _is_pipe(text: str, request: PlanRequest) -> bool:
    """Steps joined by `>>`, or one tool's id with its arguments behind it."""
    first = text.split(">>", 1)[0]
    called = any(found in request.catalogue.tools for found in _CALL.findall(first))
    return called and (">>" in text or bool(re.search(r"\s--[\w-]+", text)))
