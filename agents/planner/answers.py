"""Answers to what was asked back: lines behind a request that only fill its gaps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher

from agents.planner import schema
from agents.planner.drafts import Draft, Gap
from agents.planner.entities import MASKED, Entity, Text
from agents.planner.times import When, parse_when

_LEAVE_OUT = re.compile(
    r"^(?:please\s+)?(?:leave (?:it|that) out|skip (?:it|that)|without (?:it|that)|drop (?:it|that))\W*$"
)
_BY_MAIL = re.compile(r"^(?:by|per|via) (?:e-?)?mail\W*$")
_IN_CHAT = re.compile(r"^(?:here\b.*|in the chat|here in the chat)\W*$")
_ENTITY_ONLY = re.compile(
    r"^\W*(?:(?:to|at|from|it's|it is|use|mail it to|send it to|save it (?:to|as|in)|"
    r"the|my|address|file|page|feed|is|under|as)\W+)*$"
)
_ROLES = {"url": "url", "email": "email", "path": "file"}


@dataclass(slots=True)
class Answers:
    """What the lines give: values by kind, free words, a time, or leave to leave out."""

    entities: list[Entity] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    when: When | None = None
    leave_out: bool = False
    used: bool = False

    def fill(self, draft: Draft) -> None:
        """Give the draft's gaps their values; leave out what no tool does, where that was said."""
        left: list[Gap] = []
        for gap in draft.gaps:
            step = next(s for s in draft.steps if s["name"] == gap.step)
            wanted = schema.properties(gap.spec)[gap.name]
            role = schema.role(gap.name, wanted)
            value = self._value(_ROLES.get(role, ""), role in {"content", "words"})
            if value is None:
                left.append(gap)
            else:
                step["args"][gap.name] = value
                draft.sources[f"{gap.step}.{gap.name}"] = "said"
        draft.gaps = left
        if self.leave_out:
            draft.left += [span for span, _ in draft.unknown]
            draft.unknown = []

    def _value(self, kind: str, free: bool) -> str | None:
        for entity in self.entities:
            if entity.kind == kind:
                self.used = True
                return entity.value
        if free and self.words:
            self.used = True
            return self.words.pop(0)
        return None


def answers_in(text: Text, now: datetime, timezone: str) -> tuple[Text, Answers]:
    """A request without the lines behind its first that are answers, and those answers."""
    head, *lines = text.said.strip().split("\n")
    if lines and _picked(head, lines[-1]):
        return Text.of(lines[-1].strip()), Answers()
    answers = Answers()
    kept = [head]
    for line in lines:
        if not _taken(Text.of(line), answers, now, timezone):
            kept.append(line)
            continue
        plain = line.strip().lower()
        if _BY_MAIL.match(plain):
            kept[0] = re.sub(r"[.!?\s]+$", "", kept[0]) + " by mail"
        elif _IN_CHAT.match(plain):
            kept[0] = re.sub(r"\bsend\b", "show", kept[0], flags=re.I)
    if len(lines) + 1 == len(kept):
        return text, answers
    return Text.of("\n".join(kept)), answers


def _picked(head: str, line: str) -> bool:
    """Whether the line is a part of the request that was offered alone, or the request with another word."""
    line = line.strip()
    if len(line.split()) < 4:
        return False
    return line in head or SequenceMatcher(None, head.split(), line.split()).ratio() > 0.8


def _taken(line: Text, answers: Answers, now: datetime, timezone: str) -> bool:
    plain = line.plain.strip()
    if not plain or _BY_MAIL.match(plain) or _IN_CHAT.match(plain):
        return True
    if _LEAVE_OUT.match(plain):
        answers.leave_out = True
        return True
    rest = MASKED.sub(" ", plain)
    if line.entities and _ENTITY_ONLY.match(rest):
        answers.entities += line.entities
        answers.words += [e.value for e in line.entities if e.kind == "quoted"]
        return True
    when = parse_when(line.said, now, timezone)
    if isinstance(when, When):
        answers.when = when
        return True
    return False
