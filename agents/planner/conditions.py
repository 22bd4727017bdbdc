"""Conditions in words, read as data: what is looked at, and what must hold of it. Binding them to the
steps of a plan is done in guards.py."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from agents.planner.condition_forms import FORMS, MORE, Kind
from agents.planner.times.words import NUMBER, listed, number

WORD = re.compile(
    r"\s*(?:but\s+|and\s+)?(?P<word>(?:but\s+)?only\s+(?:on\s+days\s+)?(?:if|when|in\s+case)|if\s+and\s+only\s+if|"
    r"if|when(?:ever)?|"
    r"unless|except\s+(?:if|when)|as\s+long\s+as|provided(?:\s+that)?|in\s+case|once|"
    r"as\s+soon\s+as|the\s+moment|"
    r"should|whether)\b\s*"
)
_UNLESS = re.compile(r"unless|except")
OTHERWISE = re.compile(r"\s*(?:or\s+)?(?:otherwise|else|if\s+not|in\s+any\s+other\s+case)\b[\s,]*")

_COMPARE = (
    (("not over", "not above", "at most"), "<="),
    (("not under", "not below", "at least", "reaches", "hits"), ">="),
    (("over", "above", "beyond", "more", "greater", "higher", "bigger", "larger", ">", "exceed"), ">"),
    (("under", "below", "less", "fewer", "lower", "smaller", "cheaper", "<"), "<"),
    (("not", "n't", "!="), "!="),
)  # fmt: skip
_PRONOUNS = frozenset(
    listed("it this that they these those there he she something anything everything them one")
)
# "unless it mentions tea, only if there is anything new": both
_INNER = re.compile(r"[\s,]+(?:and\s+|but\s+)?(?:only\s+(?:if|when)|if|unless|when)\s")
_MORE_SAID = re.compile(
    r"\b(?:only|without|except|excluding|each|every|twice|after|before|then|first|last|few|as|with|"
    r"for|an?|unless|while|until|sorted)\b"
)
_SEVERAL = re.compile(
    r"s$|^(?:entry|item|post|article|story|headline|file|page|content|mail|email|e-mail|message|"
    r"version|release|episode|offer|comment|one|thing|line|row|result)$"
)
_STATES = re.compile(r"\b(?:is|are|was|says?|has|have|reports?)\b")
_COURTESY = re.compile(r"[\s,]+(?:please|thanks|thank you|too|as well|at all|then)\s*$")
_PLACE = re.compile(r"[\ue001\ue003]+")
_AT_PLACE = re.compile(
    r",?(?:^|\s+)(?:in|on|at|from|of|for|under|by|according\s+to)\s+(?:the\s+|my\s+)?"
    r"(?P<place>[\ue001\ue003]+|it\b|there\b|(?:page|file|feed|response|answer|reply|data)\b),?(?=\s|$)"
)
_PLACE_HAS = re.compile(
    r"^(?P<place>[\ue001\ue003]+)(?:'s|\s+(?:has|have|shows?|gives?|returns?|reports?|lists?|holds?|"
    r"brings?|with|where))\s+(?:an?\s+|the\s+|its\s+)?"
)
_SPELLED = re.compile(rf"\b(?!\d){NUMBER}\b(?=\s)")
_VERBAL = re.compile(
    r"(?:is|are|has|have|was|mentions?|contains?|says?|does(?:n't| not))\b(?!\s+mentioned)"
)
_VERB_INSIDE = re.compile(r"\s(?:and|or)\s+(?:is|are|has|have|was|does)\b")
_DOWN = re.compile(r"down|off|un|broken|dead|stops")
_NO_FIELD = frozenset(
    listed("it this that they there he she something anything i we you today everything")
)


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold: of `subject` (a noun, or an address as masked; empty for a pronoun).

    `operator` and `number` compare; `text` is what is mentioned or said; `field` a name inside data.
    `negated` turns it round.
    """

    kind: Kind
    subject: str = ""
    operator: str = ""
    number: str = ""
    text: str = ""
    field: str = ""
    negated: bool = False
    # where, in the text that was read, the subject stands when it is an address
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Combined:
    """Several conditions that must all hold ("and"), or one of them ("or")."""

    word: Literal["and", "or"]
    parts: tuple[Condition | Combined, ...]
    negated: bool = False


Read = Condition | Combined


def read(plain: str, said: str, start: int = 0) -> Read | None:
    """The condition in these words, with or without the "if" before them; None when they say none we
    know. `plain` and `said` are the same stretch of a text, which begins there at `start`."""
    word = WORD.match(plain)
    begin = word.end() if word else 0
    found = _read(plain, said, begin, len(plain), start)
    if found is not None and word and _UNLESS.search(word["word"]):
        return replace(found, negated=not found.negated)
    return found


def _read(plain: str, said: str, begin: int, end: int, start: int) -> Read | None:
    begin, end = _trimmed(plain, begin, end)
    if courtesy := _COURTESY.search(plain, begin, end):
        begin, end = _trimmed(plain, begin, courtesy.start())
    if more := _INNER.search(plain, begin, end):
        left = _read(plain, said, begin, more.start(), start)
        right = read(plain[more.start() : end], said[more.start() : end], start + more.start())
        return Combined("and", (left, right)) if left is not None and right is not None else None
    single = _single(plain, said, begin, end, start)
    if single is not None and not (single.kind == "mentions" and _joint(single.text)):
        return single
    for word in ("or", "and"):
        for cut in re.compile(rf",?\s+{word}\s+(?:if\s+)?").finditer(plain, begin, end):
            left = _read(plain, said, begin, cut.start(), start)
            right = _read(plain, said, cut.end(), end, start)
            if right is None and _VERBAL.match(plain, cut.end()):
                right = _implied(plain, said, cut.end(), end, start)
            elif right is None and isinstance(left, Condition) and left.kind == "mentions":
                right = _same_verb(plain, said, cut.end(), end, left)
            if left is not None and right is not None:
                return Combined("or" if word == "or" else "and", (left, right))
    return None if single is not None and _VERB_INSIDE.search(single.text) else single


def _joint(text: str) -> bool:
    return re.search(r"\s(?:and|or)\s", text) is not None and text[:1] not in "\"“'"


def _implied(plain: str, said: str, begin: int, end: int, start: int) -> Read | None:
    """ "… and is longer than 500 characters": the same thing is."""
    found = _read(f"it {plain[begin:end]}", f"it {said[begin:end]}", 0, end - begin + 3, start)
    return None if isinstance(found, Condition) and found.place else found


def _same_verb(plain: str, said: str, begin: int, end: int, left: Condition) -> Condition | None:
    """ "mentions rain or snow": the second word is mentioned too."""
    begin, end = _trimmed(plain, begin, end)
    words = plain[begin:end]
    if not words or len(words.split()) > 4 or _runs_on(words):
        return None
    return replace(left, text=_quoted(said[begin:end]))


def _trimmed(plain: str, begin: int, end: int) -> tuple[int, int]:
    while begin < end and plain[begin] in " ,.;:!?":
        begin += 1
    while end > begin and plain[end - 1] in " ,.;:!?":
        end -= 1
    return begin, end


def _single(plain: str, said: str, begin: int, end: int, start: int) -> Condition | None:
    body = plain[begin:end]
    if not body or len(body) > 400:
        return None
    if made := _formed(body, said[begin:end], start + begin):
        return made
    counted, written = _in_digits(body, said[begin:end])
    placed = _placed(counted, written)
    if placed is None:
        return _formed(counted, written, start + begin) if counted != body else None
    made = _formed(*placed[:2], start + begin)
    where = start + begin + placed[2][0], start + begin + placed[2][1]
    return replace(made, place=where) if made else None


def _formed(body: str, said: str, start: int) -> Condition | None:
    for kind, form in FORMS:
        found = form.match(body)
        made = _made(kind, found, said, start) if found else None
        if made is not None:
            return made
    return None


def _in_digits(body: str, said: str) -> tuple[str, str]:
    """ "more than three files": the number as figures, in both."""
    for found in reversed(list(_SPELLED.finditer(body))):
        figures = str(number(found.group()))
        body = body[: found.start()] + figures + body[found.end() :]
        said = said[: found.start()] + figures + said[found.end() :]
    return body, said


def _placed(body: str, said: str) -> tuple[str, str, tuple[int, int]] | None:
    """What must hold of something at a place, without the place: "<url> has stock below 5", "rain is
    true in <url>"; and where the place stands."""
    if len(_PLACE.findall(body)) > 1:
        return None
    for pattern in (_AT_PLACE, _PLACE_HAS):
        found = pattern.search(body)
        if found is not None:
            cut = slice(*found.span())
            body, said = (each[: cut.start] + each[cut.stop :] for each in (body, said))
            lead = len(body) - len(body.lstrip())
            return body[lead:], said[lead:], found.span("place")
    return None


def _made(kind: Kind, found: re.Match[str], said: str, start: int) -> Condition | None:
    groups = found.groupdict()
    name = next((n for n in ("place", "place2", "subject") if _is_subject(groups.get(n))), "")
    subject = str(groups[name]) if name else ""
    masked = subject[:1] in "\ue001\ue003" and subject != ""
    place = (start + found.start(name), start + found.end(name)) if masked else None
    noun = str(groups.get("noun") or "")
    written = _cased(found, said, "what")
    made = Condition(
        kind,
        "" if subject == "nothing" else subject,
        text="yes" if groups.get("yes") else _quoted(written),
        field=_cased(found, said, "field"),
        negated=_is_negated(kind, groups, subject),
        place=place,
    )
    if _is_other(made, written, noun):
        return None
    if kind in ("any", "new", "count", "number", "status", "length"):
        made = replace(made, subject=made.subject or noun)
    if kind in ("count", "number", "status", "length"):
        operator = _operator(kind, {**groups, "all": found.group()})
        number = re.sub(r"[€$£+]", "", groups["n"])
        return replace(made, operator=operator, number=number) if operator else None
    return made


def _is_negated(kind: Kind, groups: dict[str, str | None], subject: str) -> bool:
    negated = bool(groups.get("not")) or bool(groups.get("no"))
    if kind in ("count", "number", "status", "length"):
        return False  # the operator says it
    if kind == "up":
        return negated ^ bool(_DOWN.match(str(groups["state"])))
    turned = groups.get("empty") if kind == "any" else groups.get("same")
    return negated ^ (bool(turned) or (kind == "changed" and subject == "nothing"))


def _is_other(made: Condition, written: str, noun: str) -> bool:
    """Whether the words only look like a condition of this form."""
    if written[:1] not in "\"“„'‘«" and _runs_on(made.text):
        return True
    if made.kind in ("failed", "worked"):
        return _STATES.search(made.subject) is not None
    if made.kind in ("number", "equals"):
        counted = made.kind == "number" and made.field == "status"
        return counted or made.field.lower().split(".")[0] in _NO_FIELD
    if made.kind == "mentions":
        return not made.text or made.text.split()[0].lower() in _PRONOUNS
    return made.kind == "new" and noun != "" and not _SEVERAL.search(noun)


def _operator(kind: Kind, groups: dict[str, str | None]) -> str:
    said = re.sub(r"\s+", " ", str(groups.get("op") or "").strip())
    if either := groups.get("or"):
        return ">=" if re.search(r"more|higher", either) else "<="
    if kind == "count":
        return MORE.get(said, "")
    if kind == "length":
        return ">" if said in ("longer", "more") else "<"
    if kind == "status":
        different = re.search(r"not|n't|!=|differs|other|but", said)
        return said if said in (">", "<", ">=", "<=") else "!=" if different else "=="
    if said in (">=", "<=", "==", ">", "<"):
        return said
    if not said and re.search(r"\bexceeds\b", groups["all"] or ""):
        return ">"
    for words, operator in _COMPARE:
        if any(said.startswith(word) for word in words):
            return operator
    return "=="


def _runs_on(text: str) -> bool:
    """Whether more is said than a word or a name: without quotation marks nobody knows where it ends."""
    return len(text.split()) > 5 or _MORE_SAID.search(text.lower()) is not None


def _is_subject(word: str | None) -> bool:
    return bool(word) and str(word).split()[0] not in _PRONOUNS


def _cased(found: re.Match[str], said: str, name: str) -> str:
    """A group as it was written."""
    if name not in found.re.groupindex or found[name] is None:
        return ""
    return said[slice(*found.span(name))]


def _quoted(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" \"'“”‘’.,;:!?")
