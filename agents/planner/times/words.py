"""The vocabulary of the time grammar: numbers, days, months, and text made ready for matching."""

from __future__ import annotations

import re

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
DAY_PARTS = {"morning": 9, "afternoon": 15, "evening": 18, "night": 21}


def listed(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


_SMALL = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = listed(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)

_SHORT_DAYS = {"mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4}
_DAY_FORMS = {name: i for i, name in enumerate(DAYS)} | _SHORT_DAYS | {"sat": 5, "sun": 6}
_MONTH_FORMS = {
    **{name: i + 1 for i, name in enumerate(MONTHS)},
    **{name[:3]: i + 1 for i, name in enumerate(MONTHS)},
    "sept": 9,
}

# patterns, without captures, to be built into larger ones
NUMBER = (
    r"(?:\d{1,5}|(?:" + "|".join(_TENS) + r")(?:[- ](?:" + "|".join(_SMALL[1:10]) + r"))?|"
    r"(?:" + "|".join(sorted(_SMALL, key=len, reverse=True)) + r"))"
)
ORDINAL = (
    r"(?:\d{1,2}(?:st|nd|rd|th)|(?:twenty|thirty)[- ](?:"
    + "|".join(_ORDINALS[:9])
    + r")|thirtieth|"
    + "|".join(sorted(_ORDINALS, key=len, reverse=True))
    + r")"
)
DAY = r"(?:" + "|".join(sorted(_DAY_FORMS, key=len, reverse=True)) + r")"
MONTH = r"(?:" + "|".join(sorted(_MONTH_FORMS, key=len, reverse=True)) + r")\b\.?"
UNIT = r"(?:second|sec|minute|min|hour|hr|day|week|month|year)s?"
SEPARATOR = r"(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*|\s*\+\s*)"


def normal(text: str) -> str:
    """Lower case with plain quotes, dashes and spaces; positions stay what they were."""
    out = []
    for char in text:
        lower = char.lower()
        lower = lower if len(lower) == 1 else char
        if lower in "’‘`´":
            lower = "'"
        elif lower in "–—−‐‑":
            lower = "-"
        elif lower.isspace():
            lower = " "
        out.append(lower)
    return "".join(out)


def number(word: str) -> int:
    """The value of what NUMBER matches."""
    if word.isdigit():
        return int(word)
    total = 0
    for part in re.split(r"[- ]+", word):
        total += (_TENS.index(part) + 2) * 10 if part in _TENS else _SMALL.index(part)
    return total


def ordinal(word: str) -> int:
    """The value of what ORDINAL matches."""
    digits = re.match(r"\d+", word)
    if digits:
        return int(digits.group())
    if word == "thirtieth":
        return 30
    *tens, last = re.split(r"[- ]+", word)
    return sum((_TENS.index(t) + 2) * 10 for t in tens) + _ORDINALS.index(last) + 1


def day(word: str) -> int:
    """Monday 0 to Sunday 6; plurals too."""
    return _DAY_FORMS[word] if word in _DAY_FORMS else _DAY_FORMS[word.rstrip("s")]


def month(word: str) -> int:
    """January 1 to December 12."""
    return _MONTH_FORMS[word.rstrip(".")]


def unit(word: str) -> str:
    """The unit's name in the singular, in full."""
    single = word.rstrip("s")
    return {"sec": "second", "min": "minute", "hr": "hour"}.get(single, single)
