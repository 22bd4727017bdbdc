"""How much of a unit: "three", "2.5", "an", "half an", "two and a half", "1 hour and 20 minutes"."""

from __future__ import annotations

import re
from fractions import Fraction

from agents.planner.times import words
from agents.planner.times.parts import Unclear

_N = rf"(?:\d{{1,4}}[.]\d{{1,2}}|{words.NUMBER})"
_UNIT = words.UNIT
_SHORT = r"(?:\d{1,4}\s*(?:h|hrs?|min|mins|m|s|sec)(?:\s*\d{1,2}(?:\s*(?:m|mins?))?)?)"
AMOUNT = (
    rf"(?:{_SHORT}|half\s+an?\s+{_UNIT}|an?\s+(?:half[- ]hour|fortnight|quarter\s+of\s+an\s+hour)|"
    rf"(?:an?\s+|three\s+)?quarters?\s+of\s+an\s+hour|half[- ]hour|quarter\s+hour|"
    rf"(?:an?|one)\s+and\s+a\s+half\s+{_UNIT}|"
    rf"(?:{_N}\s+and\s+a\s+half|an?|{_N})[\s-]+{_UNIT}"
    rf"(?:\s+and\s+a\s+(?:half|quarter)|(?:\s+and\s+|\s*,\s*|\s+){words.NUMBER}\s+{_UNIT})?)"
)
_PARSED = re.compile(
    rf"(?P<n>{_N}|an?|half\s+an?)(?P<half>\s+and\s+a\s+half)?[\s-]+(?P<unit>{_UNIT})"
    rf"(?:\s+and\s+a\s+(?P<rest>half|quarter)|(?:\s+and\s+|\s*,\s*|\s+)(?P<n2>{words.NUMBER})\s+(?P<unit2>{_UNIT}))?"
)
_COMPACT = re.compile(
    r"(?P<n>\d{1,4})\s*(?P<unit>h|hrs?|mins?|m|s|sec)(?:\s*(?P<n2>\d{1,2})(?:\s*(?:m|mins?))?)?"
)


def amount(said: str) -> tuple[int, str]:
    """The whole number of the largest unit that makes it exact. Raises Unclear."""
    said = re.sub(r"\s+", " ", said.strip())
    if re.fullmatch(r"an? fortnight", said):
        return 2, "week"
    if re.fullmatch(r"(?:an? )?half[- ]hour", said):
        return 30, "minute"
    if quarters := re.fullmatch(r"(?:(?P<three>three )|a )?quarters? (?:of an )?hour", said):
        return (45 if quarters["three"] else 15), "minute"
    if compact := _COMPACT.fullmatch(said):
        unit = {"h": "hour", "m": "minute", "s": "second"}[compact["unit"][0]]
        if not compact["n2"]:
            return _positive(int(compact["n"]), unit, said)
        if unit != "hour" or int(compact["n2"]) > 59:
            raise Unclear(f"“{said}” is not exact")
        return _positive(int(compact["n"]) * 60 + int(compact["n2"]), "minute", said)
    found = _PARSED.fullmatch(said)
    if found is None:
        raise Unclear(f"“{said}” is not exact")
    unit = words.unit(found["unit"])
    n = _number(found["n"]) + (Fraction(1, 2) if found["half"] else 0)
    if found["rest"]:
        n += Fraction(1, 2 if found["rest"] == "half" else 4)
    if found["n2"]:
        return _sum(n, unit, words.number(found["n2"]), words.unit(found["unit2"]), said)
    return _whole(n, unit, said)


def _sum(n: Fraction, unit: str, more: int, smaller: str, said: str) -> tuple[int, str]:
    sizes = words.UNITS
    if unit not in sizes or smaller not in sizes or sizes[smaller] >= sizes[unit]:
        raise Unclear(f"“{said}” is not exact")
    if more * sizes[smaller] >= sizes[unit]:
        raise Unclear(f"“{said}” is not exact")
    total = n * sizes[unit] + more * sizes[smaller]
    return _whole(total / sizes[smaller], smaller, said)


def _number(word: str) -> Fraction:
    if word in {"a", "an"}:
        return Fraction(1)
    if word.startswith("half"):
        return Fraction(1, 2)
    return Fraction(word) if "." in word else Fraction(words.number(word))


def _whole(n: Fraction, unit: str, said: str) -> tuple[int, str]:
    """Parts of an hour in minutes; parts of longer units depend on which one is meant."""
    while n.denominator != 1 and unit in {"hour", "minute"}:
        n, unit = n * 60, "minute" if unit == "hour" else "second"
    if n.denominator != 1:
        raise Unclear(f"“{said}” is not exact")
    return _positive(int(n), unit, said)


def _positive(n: int, unit: str, said: str) -> tuple[int, str]:
    if n < 1:
        raise Unclear(f"“{said}” is never")
    return n, unit
