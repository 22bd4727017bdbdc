"""The time of a request, apart from what is only to be asked or said in it."""

from __future__ import annotations

import re
from datetime import datetime

from agents.planner.entities import MASKED, Text
from agents.planner.times import Found, When, find_when

Span = tuple[int, int]
_WAIT = re.compile(r"\b(?:wait|pause|sleep|hold on)\b[^,.;]*")
_ASKED = re.compile(
    r"\bask\s+(?:me|us)\b[^.;\n]*?\b(?P<said>(?:what|why|how|who|whom|whose|where|which|whether|if|"
    r"when|that|about)\b(?:(?!\band\b|\bthen\b)[^.;,\n])*)"
)
_SAYING = re.compile(
    r"\b(?:saying|that says|which says|with the (?:text|message|words)|"
    r"(?:e-?mail|mail|inform|message|write(?:\s+to)?|tell)(?:\s{3,}(?:(?:,|and)\s{3,})*|\s+the\s+sender\s+)that|"
    r"(?:tell|remind|notify|message|mail|e-?mail|send(?:\s+to)?|write(?:\s+to)?)\s+(?:me|us|\s{3,}(?:(?:,|and)\s{3,})*)"
    r"(?=\s*:)|(?:in|into|to)\s{3,}(?=that\b|:)(?:that)?)\s*:?\s+(?P<said>[^;\n]+)"
)
# "with the subject Weekly notes": its words are no time
_SUBJECT = re.compile(
    r"\bsubject(?:\s+line)?\s*(?:is|=|:|of)?\s+(?P<said>(?:(?!\b(?:and|saying|every|each|at|on|in|"
    r"tomorrow|today|to|with)\b)[^,;\n])+)"
)
# days that a question or a message speaks of, unless nothing else could be meant
_NEAR = re.compile(
    r"\b(?:today|tonight|yesterday|(?:this|last|past|next)\s+(?:week|weekend|month|year|quarter|"
    r"morning|afternoon|evening|night|time)|so\s+far)\b"
)


def when_said(text: Text, now: datetime, timezone: str) -> Found:
    """The time in a request. Addresses, quotations, pauses and what is only to be asked or said are
    no time; a habit behind a question ("what I ate today every day at 9 pm") is."""
    prose = _blank(text.plain, [m.span() for m in _WAIT.finditer(text.plain)])
    prose = _blank(prose, [m.span("said") for m in _SUBJECT.finditer(prose)])
    prose = MASKED.sub(" ", prose)
    asked = [m.span("said") for m in _ASKED.finditer(prose)]
    saying = [m.span("said") for m in _SAYING.finditer(prose)]
    outside = find_when(_blank(prose, [*asked, *saying]), now, timezone)
    if isinstance(outside.when, When) or not (asked or saying):
        return outside
    near = [m.span() for start, end in asked for m in _NEAR.finditer(prose, start, end)]
    whole = find_when(_blank(prose, near), now, timezone)
    habit = isinstance(whole.when, When) and whole.when.kind != "at"
    return whole if habit or (asked and not saying) else outside


def _blank(plain: str, spans: list[Span]) -> str:
    for start, end in spans:
        plain = plain[:start] + " " * (end - start) + plain[end:]
    return plain
