"""V10: what the person asked for and no step expresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from backend.contracts.errors import Issue
from backend.contracts.plans import TIMED_KINDS, EventTrigger, WebhookTrigger
from backend.plans.validation.order import Order
from backend.plans.validation.subject import Subject

_MAX_REQUEST = 20_000
_MAX_WORDS = 80
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|`[^`]*`|(?<!\w)'[^']*'(?!\w)|https?://[^\s,;]+")
_CONDITION = re.compile(
    r"\b(?:only\s+(?:if|when)|but\s+not\s+(?:if|when)|if|unless|except)\b(?:[^.,;:!?\n]|[.:](?=\w))*",
    re.IGNORECASE,
)
# What stands before or after the word where it says no condition of the work.
_SAID_BEFORE = re.compile(
    r"\b(?:as|see|check|know|tell|ask|asks|asked|find\s+out|wonder|even|what)\s+(?:me\s+|us\s+)?$",
    re.IGNORECASE,
)
_SAID_AFTER = re.compile(
    r"(?:only\s+)?if\s+(?:possible|you\s+(?:can|could|like|want|know|need|must)|needed|necessary|need\s+be|"
    r"available|any|so|not|i\s+ask|that(?:'s|\s+is)\s+(?:ok|fine|possible))\b",
    re.IGNORECASE,
)
_DAYS = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekdays?|weekends?|holidays?|days?|mornings?|"
    r"evenings?|afternoons?|nights?|hours?|weeks?|months?|years?|minutes?"
)
_TIME = re.compile(
    rf"\b(?:{_DAYS}|january|february|march|april|june|july|august|september|"
    r"october|november|december|first|last|noon|midnight|today|tomorrow)\b",
    re.IGNORECASE,
)
_RECURRENCE = re.compile(
    rf"(?<!for )\b(?:every|each)\s+(?:single\s+|other\s+|\d+\s+)?(?:{_DAYS})\b(?!['’]|\s+(?:of|in)\b)",
    re.IGNORECASE,
)


def coverage(subject: Subject, _: Order) -> Iterator[Issue]:
    told = list(subject.not_covered)
    request = subject.request[:_MAX_REQUEST]
    unquoted = _QUOTED.sub(lambda match: "_" * len(match[0]), request)
    for start, end in (*_conditions(subject, unquoted), *_recurrences(subject, unquoted)):
        found = " ".join(request[start:end].split())[:_MAX_WORDS]
        if not any(
            found.lower() in words.lower() or words.lower() in found.lower() for words in told
        ):
            told.append(found)
    for words in told:
        yield Issue(
            code="PLAN_NOT_COVERED",
            message=f"Nothing in this plan does: “{words}”.",
            severity="warning",
            suggestion="Say it in other words, or approve without it.",
        )


def _conditions(subject: Subject, request: str) -> Iterator[tuple[int, int]]:
    """Conditions of a request whose plan has nothing at all that could decide."""
    found = [match for match in _CONDITION.finditer(request) if _conditional(request, match)]
    if not found or _decides(subject):
        return
    timed = any(trigger.kind in TIMED_KINDS for trigger in subject.document.events)
    said = " ".join(_texts(subject)).lower()
    for match in found:
        words = " ".join(match[0].split())
        if words.lower() not in said and not (timed and _TIME.search(words)):
            yield match.span()


def _conditional(request: str, match: re.Match[str]) -> bool:
    before = request[max(0, match.start() - 40) : match.start()]
    return not _SAID_BEFORE.search(before) and not _SAID_AFTER.match(match[0]) and " " in match[0]


def _decides(subject: Subject) -> bool:
    """Whether anything in the plan makes a difference between one run and another: a guard, a filter, a
    question, what another step's failure starts, a tool with several ends or one that chooses or thinks by
    itself."""
    triggers = subject.document.events
    if any(isinstance(t, (EventTrigger, WebhookTrigger)) for t in triggers):
        return True
    if any(getattr(trigger, "only_if", None) for trigger in triggers):
        return True
    for step in subject.document.steps:
        spec = subject.spec(step)
        if (
            step.guard
            or step.approval
            or any(heard.endswith(".error") for heard in step.on)
            or spec is None
            or spec.actions
            or spec.type in ("agent", "plan")
        ):
            return True
        if step.action == "human.ask" or step.action.endswith((".query", ".classify")):
            return True
        if set(spec.capabilities) & {"model", "language"} and step.action != "text.summarize":
            return True
    return False


def _recurrences(subject: Subject, request: str) -> Iterator[tuple[int, int]]:
    """“Every Monday”, of a plan that no clock starts."""
    if any(trigger.kind in TIMED_KINDS for trigger in subject.document.events):
        return
    if any("schedule" in step.action for step in subject.document.steps):
        return
    said = " ".join(_texts(subject)).lower()
    for match in _RECURRENCE.finditer(request):
        if " ".join(match[0].split()).lower() not in said:
            yield match.span()


def _texts(subject: Subject) -> Iterator[str]:
    """All that the plan's arguments say in words."""
    stack: list[Any] = [step.args for step in subject.document.steps]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
