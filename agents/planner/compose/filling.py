"""Arguments for a tool's inputs: from the words of its piece, else asked of whoever starts the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.planner.matching.words import spoken, tokens
from backend.plans.validation.schema import Shape

_EMAIL = re.compile(r"[\w.+%-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_URL = re.compile(r"https?://[^\s<>\"'“”]{1,2000}")
_PHONE = re.compile(r"(?<![\w-])\+?\d[\d ()-]{5,18}\d(?![\w-])")
_DAY = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_SAID_DAY = re.compile(
    rf"{_DAY.pattern}|\b{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}}\b)?|"
    rf"\b(?:the )?\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}\b(?:,? \d{{4}}\b)?"
)
_YEAR = re.compile(r"(?<![\w-])(?:19|20)\d\d(?![\w-])")
_QUOTED = re.compile(r"(?<!\w)(?:'([^'\n]{1,500})'|\"([^\"\n]{1,500})\"|“([^”\n]{1,500})”)(?!\w)")
_NUMBER = re.compile(r"(?<![\w.,-])[$€£]?(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?![\w-]|[.,]\d)")
_NEAR = 24
_NAMED = re.compile(r"\W*(?:(?:is|of|as|to|named|called|titled|with|the)\W+)*$", re.I)
_FORMS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (_EMAIL, frozenset(tokens("email mail recipient"))),
    (_URL, frozenset(tokens("url uri link website"))),
    (_PHONE, frozenset(tokens("phone telephone mobile"))),
    (_YEAR, frozenset(tokens("year"))),
    (_SAID_DAY, frozenset(tokens("date day birthdate birthday"))),
)
_FORMATS = {"email": _EMAIL, "uri": _URL, "url": _URL, "date": _DAY}


def said(name: str, schema: Mapping[str, Any], work: str, *, alone: bool) -> Any:
    """The value the words give to the input `name`, or None. Only where no other can be meant: one
    quotation or number that stands by the input's name, or is the only one for the only such input
    (`alone`); one address of the input's form; one of its choices."""
    if options := [v for v in schema.get("enum") or () if isinstance(v, str)]:
        heard = [v for v in options if re.search(rf"(?<!\w){re.escape(v)}(?!\w)", work, re.I)]
        return str(heard[0]) if len(heard) == 1 else None
    kinds = Shape(schema).kinds
    words = set(tokens(spoken(name)))
    if "string" in kinds:
        return _text(words, schema, work, alone=alone)
    if kinds & {"integer", "number"}:
        return _number(words, work, alone=alone, whole="number" not in kinds)
    return None


def _text(words: set[str], schema: Mapping[str, Any], work: str, *, alone: bool) -> str | None:
    form = _FORMATS.get(str(schema.get("format")))
    if form is None:
        form = next((pattern for pattern, names in _FORMS if words & names), None)
    if form is not None:
        found = list(dict.fromkeys(match.group().strip(" .,") for match in form.finditer(work)))
        return found[0] if len(found) == 1 else None
    quoted = [(m.start(), str(next(filter(None, m.groups())))) for m in _QUOTED.finditer(work)]
    named = [value for place, value in quoted if _stands_by(words, work, place)]
    if len(named) == 1:
        return named[0]
    return quoted[0][1] if alone and len(quoted) == 1 else None


def _number(words: set[str], work: str, *, alone: bool, whole: bool) -> int | float | None:
    plain = _QUOTED.sub(lambda m: " " * len(m.group()), work)
    found = [(m.start(), m[1].replace(",", "") + (m[2] or "")) for m in _NUMBER.finditer(plain)]
    named = [value for place, value in found if _stands_by(words, plain, place)]
    value = named[0] if len(named) == 1 else found[0][1] if alone and len(found) == 1 else None
    if value is None or (whole and "." in value):
        return None
    return float(value) if "." in value else int(value)


def _stands_by(words: set[str], work: str, place: int) -> bool:
    """Whether the input's name, and at most "is" or "of" or "named", comes right before."""
    before = work[max(place - _NEAR - 20, 0) : place]
    lead = _NAMED.search(before)
    name = before[: lead.start()] if lead else before
    near = tokens(name)[-len(words) or None :]
    return bool(words) and words <= set(near)
