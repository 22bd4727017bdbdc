"""A request cut where one piece of its work ends and the next begins."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from agents.planner import conditions
from agents.planner.entities import MASKED, Text
from agents.planner.lexicon import FILLER
from agents.planner.phrases import (
    BOUNDARY,
    CONDITION,
    GAPPED,
    LEAD,
    PAIR,
    UNKNOWN_WORK,
    WORK,
)
from agents.planner.sayings import MESSAGE

Span = tuple[int, int]
_WORD = re.compile(r"[a-z][a-z'-]*")


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands between two boundaries; `joined` how it is linked to what is before it."""

    start: int
    end: int
    joined: str
    sentence: int
    approval: Span | None


def lead_end(plain: str, start: int) -> int:
    """Where the work begins, behind "please", "can you", "then"."""
    lead = LEAD.match(plain, start)
    return lead.end() if lead else start


def pieces(text: Text, verbs: frozenset[str], approvals: list[Span]) -> list[Piece]:
    plain = text.plain
    cuts = [(0, 0, "", 0)]
    sentence = 0
    for match in BOUNDARY.finditer(plain):
        said = match.group().strip()
        strong = bool(re.match(r"[;.!?\n]", said)) or "\n" in match.group()
        if not said and not match.group().startswith("\n"):
            continue
        if not strong and _is_said(plain, cuts[-1][1], match):
            continue
        begins = _begins(plain, match.end(), verbs) or _gapped(plain, cuts[-1][1], match)
        if strong or begins or _ends_condition(text, cuts[-1][1], match):
            sentence += strong and not said.startswith(";")
            cuts.append((match.start(), match.end(), "." if strong else said, sentence))
    found: list[Piece] = []
    waiting: Span | None = None
    for index, (at, begin, joined, number) in enumerate(cuts):
        end = cuts[index + 1][0] if index + 1 < len(cuts) else len(plain)
        asked = next((span for span in approvals if at <= span[0] < max(end, begin)), None)
        waiting = asked or waiting
        if begin < end and plain[begin:end].strip(" ,.;:!?"):
            found.append(Piece(begin, end, joined, number, waiting))
            waiting = None
    if waiting is not None and found:
        found[-1] = replace(found[-1], approval=waiting)  # "… . Ask me first."
    return found


def approval_end(found: re.Match[str]) -> int:
    """ "before you mail it to <address>": what is named there is work of its own."""
    work = re.search(r"\bbefore\s+(?:you\s+)?(?=\w)", found.group())
    named = MASKED.search(found.group()) or MASKED.match(found.string, found.end())
    return found.start() + work.end() if work and named else found.end()


def _is_said(plain: str, start: int, boundary: re.Match[str]) -> bool:
    """Whether what follows "and" is still to be said: "remind me to buy milk and call mum"."""
    message = MESSAGE.search(plain, start, boundary.start())
    if message is None or "then" in boundary.group():
        return False
    end = re.compile(r"[;.\n]|$").search(plain, boundary.end())
    rest = plain[boundary.end() : end.start() if end else len(plain)]
    return MASKED.search(rest) is None and WORK.match(rest.strip()) is None


def _gapped(plain: str, start: int, boundary: re.Match[str]) -> bool:
    """ "mail a.md to ann and b.md to bob": the second of two of a kind, its verb left out."""
    second = PAIR.match(plain, boundary.end()) or GAPPED.match(plain, boundary.end())
    if second is None:
        return False
    firsts = (
        PAIR.search(plain, start, boundary.start()),
        GAPPED.search(plain, start, boundary.start()),
    )
    return any(first is not None and first["how"] == second["how"] for first in firsts)


def _ends_condition(text: Text, start: int, boundary: re.Match[str]) -> bool:
    """ "if it is empty, …": whatever follows the comma is the work."""
    start = lead_end(text.plain, start)
    if not boundary.group().startswith(",") or not CONDITION.match(text.plain, start):
        return False
    behind = re.compile(r"\s*(?:and|or|but)\b").match(text.plain, boundary.end())
    words = slice(start, boundary.start())
    return not behind and conditions.read(text.plain[words], text.said[words]) is not None


def _begins(plain: str, position: int, verbs: frozenset[str]) -> bool:
    start = lead_end(plain, position)
    if conditions.OTHERWISE.match(plain, start):
        return True
    word = _WORD.match(plain, start)
    if word is None:
        return False
    if CONDITION.match(plain, start) is not None:
        return True
    if re.compile(r"for\s+(?:each|every|all)\b").match(plain, start):
        return True
    if start > 0 and UNKNOWN_WORK.match(plain, start) and word.group() not in FILLER:
        return True
    return _verb(word.group(), verbs) is not None


def _verb(word: str, verbs: frozenset[str]) -> str | None:
    if word in verbs:
        return word
    short = re.sub(r"(?:es|s|ing)$", "", word)
    return short if short in verbs else None
