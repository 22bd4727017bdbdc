"""What speaks against a plan from these words: contradictions, times nobody took, work not wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from agents.planner import sayings, schema
from agents.planner.drafts import Draft, Span
from agents.planner.entities import MASKED, Text
from agents.planner.questions import time_question
from agents.planner.times import Refused, When
from agents.planner.times.words import DAY, listed
from backend.contracts.ports import PlanAnswer

HABITS = ("every day at 9:00", "every Monday at 9:00")
OFTEN = ("every hour", "every day at 9:00", "every Monday at 9:00")
_NEGATED = re.compile(
    r"\b(?:don't|do\s+not|dont|never|without|no\s+need\s+to|instead\s+of|not|no\s+longer)"
    r"\s+(?:the\s+|a\s+|any\s+)?"
    r"(?P<work>[a-z-]+)"
)
_DUE = re.compile(r"\b(?:by|before|until|around|at)\s+$")
_HABIT = re.compile(
    r"\bevery\s+(?!entr|item|article|post|file|page|link|one\b|single\b|of\b|url|line|row|thing|"
    r"story|stories|word|"
    r"email\s+address|address|person|user|record|order|product|result)|"
    r"\beach\s+(?:time|year|month|week|day|morning|evening|night|hour|minute)\b|"
    r"\b(?:hourly|daily|weekly|monthly|yearly|nightly)\b"
)
_DAY_CONDITION = re.compile(
    rf"\b(?:if|unless|when)\s+(?:it's|it\s+is|today\s+is)\s+(?:not\s+)?(?:an?\s+)?(?:{DAY}|weekend|"
    rf"weekday)\b"
)
_ONCE = re.compile(
    r"\b(?:(?:but\s+)?(?:only|just)\s+(?:do\s+(?:it|this|that)\s+)?(?:once|one\s+time|"
    r"a\s+single\s+time)|exactly\s+once|only\s+run\s+once|"
    r"(?:but\s+)?(?:only\s+|just\s+)?one\s+time\s+only|never\s+again)\b(?!\s+(?:a|per|an|every|"
    r"each|i|you|it)\b)"
)
_BETWEEN = re.compile(r"(?:[,;.]\s*)?\b(?:and|then|also|plus)\b(?:\s+(?:then|also))?\s*|[,;.\n]\s*")
_NOTICED = re.compile(
    r"\s*(?:but\s+|and\s+)?(?:only\s+)?(?:when(?:ever)?|every\s+time|each\s+time|as\s+soon\s+as)\b"
)


_TOLD = re.compile(
    r"\W*(?:(?:so|well|ok|okay|look|you\s+see|because|since|anyway|and)[\s,]+)*"
    r"(?:i(?!\s+(?:want|need|would|wish))\b|i'(?:m|ve|ll)\b|we\s|we're\b|my\s+[a-z]+\s+(?:is|are|was|were|keeps?|has|have)\b|"
    r"(?:it|that|this|there)(?:'s|\s+(?:is|are|was|would|has))\b|would\s+be\b|keep\s+[a-z]+ing\b)"
)


def unsaid(plain: str) -> str:
    """Without what is only to be said: "remind me to call the bank" calls nobody."""
    message = sayings.MESSAGE.search(plain)
    return plain[: message.start("said")] if message else plain


def negated_work(text: Text, verbs: Iterable[str]) -> PlanAnswer | None:
    """Work that is not wanted: our words would take it for work that is."""
    message = sayings.MESSAGE.search(text.plain)
    end = message.start("said") if message else len(text.plain)
    work = {schema.stem(verb) for verb in verbs} | {schema.stem("summary")}
    for found in _NEGATED.finditer(text.plain, 0, end):
        if schema.stem(found["work"]) in work and found["work"] not in _NO_WORK:
            return ruled_out(text, found.span())
    return None


def ruled_out(text: Text, span: Span) -> PlanAnswer:
    said = re.sub(r"\s+", " ", text.said[slice(*span)]).strip()
    return PlanAnswer(
        "question",
        f"I cannot plan “{said}”. Say only what should happen, without it.",
        confidence=0.4,
    )


def leave_narrative(text: Text, draft: Draft) -> None:
    """ "My mornings are a mess": a sentence that tells something asks for nothing; it is left over."""
    if not draft.steps:
        return
    told = [
        (span, near)
        for span, near in draft.unknown
        if _TOLD.match(text.plain, *span) and not MASKED.search(text.plain, *span)
    ]
    draft.left += [span for span, _ in told]
    draft.unknown = [each for each in draft.unknown if each not in told]


_NO_WORK = frozenset(
    listed("change changed open build order list report record share set print watch")
)


def contradiction(text: Text, when: object) -> PlanAnswer | None:
    """A habit that is to happen once."""
    found = _ONCE.search(text.plain)
    again = (when.kind != "at") if isinstance(when, When) else _HABIT.search(text.plain)
    if found is None or not again:
        return None
    said = text.said[found.start() : found.end()].strip()
    return PlanAnswer(
        "question",
        f"That says again and again, and also “{said}”. Say it with only one of the two.",
        confidence=0.4,
    )


def two_times(
    text: Text, spans: Sequence[Span], whole: Callable[[Text], bool]
) -> PlanAnswer | None:
    """Two pieces of work, each at its own time (at `spans`), are two plans: offered one by one."""
    parts: list[str] = []
    begin = 0
    for (_, end), (start, _) in pairwise(spans):
        cuts = list(_BETWEEN.finditer(text.plain, max(end, begin), max(start, begin)))
        for cut in reversed(cuts):
            part = _tidied(text.said[begin : cut.start()])
            if whole(Text.of(part)):
                parts.append(part)
                begin = cut.end()
                break
    last = _tidied(text.said[begin:])
    if not parts or not whole(Text.of(last)):
        return None
    return PlanAnswer(
        "question",
        "A plan has one time, so these are separate plans. Which one first?",
        confidence=0.5,
        choices=(*parts[:4], last),
    )


def _tidied(part: str) -> str:
    return re.sub(r"(?:[\s,;.]|\b(?:and|then|also)\b)+$", "", part).strip(" ,;.")


def loose_time(text: Text, draft: Draft, *, timed: bool) -> PlanAnswer | None:
    """Words of time that nothing has taken: without them the plan would run at another time."""
    words = _loose_words(text, draft.left, timed=timed)
    if not words:
        return None
    return time_question(Refused("I do not understand that time", words, HABITS))


def _loose_words(text: Text, left: Iterable[Span], *, timed: bool) -> str:
    for start, end in left:
        before = _DUE.search(text.plain, 0, start)
        if before and re.match(r"\d{1,2}(?::\d\d)?\b", text.plain[start:end]):
            return text.said[before.start() : end]
        if day := _DAY_CONDITION.search(text.plain, start, end):
            return text.said[day.start() : day.end()]
        if not timed and (habit := _HABIT.search(text.plain, start, end)):
            return text.said[habit.start() : end]
    return ""


def how_often(text: Text, draft: Draft, *, timed: bool) -> PlanAnswer | None:
    """What is to be noticed has to be looked at again and again, or nothing here notices it."""
    if timed:
        return None
    if draft.watches or any(m.spec.id == "watch.changed" for m in draft.made):
        return PlanAnswer("question", "How often should I look?", confidence=0.5, choices=OFTEN)
    for start, end in draft.left:
        if _NOTICED.match(text.plain, start, end) and draft.steps:
            said = re.sub(r"\s+", " ", text.said[start:end]).strip(" ,.;")[:120]
            return PlanAnswer(
                "question",
                f"Nothing here notices “{said}”. At what time should it run instead?",
                confidence=0.4,
                choices=("every hour", "every day at 9:00", "Leave it out"),
            )
    return None


def reminds(draft: Draft, plain: str) -> bool:
    """Whether only a reminder is asked for: without a time it would come at once."""
    return [m.spec.id for m in draft.made] == ["notify.user"] and "remind" in plain
