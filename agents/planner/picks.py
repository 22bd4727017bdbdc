"""Parts of data, as JMESPath: the titles, the price field, the first three, those about something."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.planner.entities import Text
from agents.planner.made import EVENT, Made
from agents.planner.times import words
from agents.planner.times.words import listed

Span = tuple[int, int]
FIELDS = {"title": "title", "link": "link", "url": "link", "headline": "title", "author": "author",
          "date": "published", "summarie": "summary", "summary": "summary", "name": "title"}  # fmt: skip
_ENTRIES = (
    r"(?:entries|entry|items?|posts?|articles?|stories|story|news|headlines?|results?|ones|"
    r"those|rows|records)"
)
_OF = r"(?:\s+(?:of|in|from|on|at)\s+(?:the\s+)?(?:feed\s+)?[\ue001\ue003]+)?"
_PART = re.compile(r"\b(?:titles?|links?|urls?|authors?|dates?|names)\b")
_NAMED = re.compile(
    r"\b(?:the\s+|its\s+|only\s+|just\s+)*(?:(?P<a>[a-z_][\w.]*)\s+(?:field|value|key|property)|"
    r"(?:field|value|key|property|part)\s+"
    r"(?:called\s+|named\s+|of\s+(?:the\s+)?)?(?P<b>\ue004+|[a-z_][\w.]*))\b"
)
_ONLY = re.compile(
    r"\b(?:get|take|pick|keep|extract|query|want|only|just|for|with|save|store|append|add|log|post|"
    r"put|write|note|send|mail|show|give|"
    r"tell|read)\s+"
    r"(?:[\ue001-\ue004]+\s+)?(?:me\s+|us\s+|out\s+|only\s+|just\s+)*(?:all\s+)?(?:of\s+)?(?:the|"
    r"its|their|only|just)\s+(?:current\s+)?"
    r"(?P<one>[a-z_]\w*)(?:\s*(?:,|and)\s+(?:the\s+)?(?P<two>[a-z_]\w*))?"
    r"(?=\s*(?:$|[,.;]|\band\b|\bfrom\b|\bof\b|\bin\b|\bto\b|\bout\b|\bat\b|\bby\b|\bon\b|"
    r"\bthere\b))"
)
_NO_FIELD = frozenset(
    listed(
        "data json response result results file files page feed mail email message chat summary "
        "text "
        "content body all "
        "api answer entries entry items item list whole rest first last top thing same other new "
        "site "
        "list it them "
        "link address url endpoint"
    )
)
ABOUT = re.compile(
    rf"\b(?P<only>only\s+|just\s+)?(?:the\s+|those\s+|all\s+|any\s+|new\s+)"
    rf"*{_ENTRIES}{_OF}\s+(?:(?:that|which)\s+(?:are\s+)?)?"
    r"(?P<how>about|mention(?:ing|s)?|contain(?:ing|s)?|with(?:\s+the\s+words?)?|"
    r"on\s+the\s+topic\s+of|including|regarding|"
    r"concerning|(?:have|has|having)(?:\s+the\s+words?)?|talk(?:ing)?\s+about)\s+"
    r"(?P<what>\ue004+|(?!(?:it|them|the\s+(?:titles?|links?))\b)[^,;.\ue001-\ue004]{2,60}?)"
    r"(?:\s+in\s+(?:the|their|its)\s+(?P<field>title|summary|text))?"
    r"(?=\s*(?:$|[,;.]|\b(?:and|from|to|in|on|at|then|by|into|of)\b|[\ue001-\ue003]))"
)
EXCEPT = re.compile(
    rf"\b(?:except(?:\s+for)?|excluding|without|leave\s+out|leaving\s+out|remove|drop|discard|"
    rf"filter\s+out|throw\s+out|skip(?:ping)?|ignore|"
    rf"ignoring|but\s+not|not)\s+"
    rf"(?:the\s+|any\s+|those\s+|all\s+)*(?:(?:{_ENTRIES}){_OF}\s+(?:that\s+|which\s+)?(?:are\s+)"
    rf"?(?:about|mention(?:ing)?|contain(?:ing)?|with|on)\s+)"
    r"(?P<what>\ue004+|[^,;.\ue001-\ue004]{2,60}?)(?=\s*(?:$|[,;.]|\b(?:and|from|to|then|by|into)"
    r"\b|[\ue001-\ue003]))"
)
SORTED = re.compile(
    r"\b(?:sort(?:ed)?|order(?:ed)?)\s+(?:(?:it|them|the\s+\w+|[\ue001\ue003]+)\s+)?by\s+(?:the\s+)"
    r"?(?P<field>[a-z_]\w*)"
    r"(?P<down>\s*,?\s*(?:descending|highest\s+first|newest\s+first|largest\s+first|"
    r"in\s+descending\s+order|backwards))?"
)
TOP = re.compile(
    r"\b(?:top|first|last|latest|newest|most recent|up to|at most|no more than|"
    rf"max(?:imum)?(?: of)?|limit(?: of| to)?|only|just)\s+(?:the\s+|to\s+)?(?:first\s+|top\s+|"
    rf"latest\s+|newest\s+)?(?P<n>{words.NUMBER})\b"
    r"(?!\s*(?:second|minute|hour|day|week|month|year|sentence|word|line|character|bullet|point|"
    r"paragraph|percent|%|o'clock|"
    r"am|pm|times|kb|mb|euro|dollar|degree|time)s?\b)(?!\s*[:.]\d)"
)


COUNTED = re.compile(
    rf"\b(?:count|how\s+many|(?:the\s+)?number\s+of)\s+(?:of\s+)?(?:the\s+)?(?:new\s+)"
    rf"?(?:{_ENTRIES}|files|links|titles)\b"
)
ONE = re.compile(
    r"\b(?:the\s+|its\s+)?(?:first|latest|newest|most\s+recent|top|last)\s+(?:entry|item|article|"
    r"post|story|"
    r"headline|result)\b"
)


def amount(found: re.Match[str]) -> int:
    """How many of them; one where no number is said."""
    return words.number(found["n"]) if "n" in found.re.groupindex else 1


def parts(text: Text, span: Span, earlier: Sequence[Made]) -> tuple[str, list[Span]] | None:
    """The query for the part of the data that a clause names, and the places of its words."""
    source = next((m for m in reversed(earlier) if not m.goes_out and not m.quiet), None)
    if source is None:
        return None
    if source.spec.id in ("feed.read", "watch.changed"):
        return _of_entries(text, span)
    return _of_data(text, span, source)


def _of_entries(text: Text, span: Span) -> tuple[str, list[Span]] | None:
    """What a feed's entries are known to have."""
    found = list(_PART.finditer(text.plain, *span))
    names = list(dict.fromkeys(FIELDS[re.sub(r"s$", "", m.group())] for m in found))
    if not names:
        return None
    spans = [m.span() for m in found]
    if len(names) == 1:
        return f"[].{names[0]}", spans
    return f"[].{{{', '.join(f'{n}: {n}' for n in names)}}}", spans


def _of_data(text: Text, span: Span, source: Made) -> tuple[str, list[Span]] | None:
    """A field by its name; a plural may be a field, or the field of every item."""
    if source.name == EVENT:
        return None
    if found := _NAMED.search(text.plain, *span):
        group = "a" if found["a"] else "b"
        if found[group] not in _NO_FIELD:
            return _cased(text, found.span(group)), [found.span()]
    for found in _ONLY.finditer(text.plain, *span):
        names = [(found["one"], found.span("one"))]
        names += [(found["two"], found.span("two"))] if found["two"] else []
        whole = " ".join(e.value.lower() for e in text.entities if e.kind == "url")
        if any(
            name in _NO_FIELD or name.rstrip("s") in _NO_FIELD or name.rstrip("s") in whole
            for name, _ in names
        ):
            continue  # "the weather" of api.example.com/weather is all of it
        cased = [_cased(text, place) for _, place in names]
        spans = [place for _, place in names]
        many = [name for name in cased if name.endswith("s") and not name.endswith("ss")]
        if len(cased) == 1 and many:
            return f"{cased[0]} || [].{cased[0][:-1]}", spans
        if len(cased) == 1:
            return cased[0], spans
        if len(many) == 2:
            singles = [name[:-1] for name in cased]
            return f"[].{{{', '.join(f'{n}: {n}' for n in singles)}}}", spans
        return f"{{{', '.join(f'{n}: {n}' for n in cased)}}}", spans
    return None


def _cased(text: Text, place: Span) -> str:
    return text.said[slice(*place)].strip("\"“”'‘’")


def filtered(what: str, field: str = "", *, out: bool = False) -> str:
    """Those items in which the words stand (or, with `out`, do not), in any usual case."""
    where = field or "to_string(@)"
    words_said = [part.strip() for part in re.split(r"\s+or\s+|,\s*", what) if part.strip()]
    forms = dict.fromkeys(
        form for w in words_said for form in (w, w.lower(), w.capitalize(), w.title(), w.upper())
    )
    escaped = [form.replace("\\", "\\\\").replace("'", "\\'") for form in forms]
    tests = " || ".join(f"contains({where}, '{form}')" for form in escaped)
    return f"[?!({tests})]" if out else f"[?{tests}]"


def sort_query(field: str, *, down: bool) -> str:
    field = FIELDS.get(field, field)
    query = f"sort_by(@, &{field})"
    return f"reverse({query})" if down else query
