"""Days of the month: "the 1st and 15th", "last Friday of each month", "third working day"."""

from __future__ import annotations

import calendar
import re

from agents.planner.times import words
from agents.planner.times.parts import Parts, Unclear
from agents.planner.times.phrase import EVERY, Phrases, Said

RULES = Phrases(joins=True)
_DAY, _MONTH, _SEP, _ORD = words.DAY, words.MONTH, words.SEPARATOR, words.ORDINAL
_MONTHS = rf"(?P<months>{_MONTH}(?:{_SEP}{_MONTH}){{0,11}})"
_OF = (
    r"\s+(?:of|in)\s+(?:(?P<habit>(?:(?:the|every|each|a|any)|each\s+and\s+every)\s+month)|"
    r"(?P<quarter>(?:the|every|each|a)\s+quarter)|"
    r"(?P<ahead>this|the\s+current|next|the\s+(?:next|coming|following))\s+month)"
)
_BUT_ONE = r"(?:(?:second|2nd)[- ](?:to[- ])?last|penultimate|next[- ]to[- ]last|last\s+but\s+one)"
_ONE = rf"(?:{_BUT_ONE}|{_ORD}|last|final)"
_NTH = rf"(?P<nth>{_ONE}(?:{_SEP}(?:the\s+)?{_ONE}){{0,12}})"


def _of(parts: Parts, said: Said) -> None:
    if said["ahead"]:
        here = said["ahead"].endswith(("this", "current"))
        parts.put("month_ahead", 0 if here else 1)
        return
    parts.put("recurring", True)
    if said["quarter"]:
        parts.put("quarter", True)


def _ordinals(text: str) -> tuple[int, ...]:
    found = re.findall(rf"{_ONE}|\d+", text)
    counted = {_ordinal(word) for word in found}
    if -2 in counted and len(counted) > 1:
        raise Unclear("the last but one and other days are both said")
    return tuple(sorted(counted))


def _ordinal(word: str) -> int:
    if re.fullmatch(_BUT_ONE, word):
        return -2
    return -1 if word in {"last", "final"} else words.ordinal(word)


def _weekday(parts: Parts, said: Said) -> None:
    nth = _ordinals(said["nth"])
    if max(nth) > 4:
        raise Unclear("not every month has a fifth one; “the last” is in every month")
    if 0 in nth:
        raise Unclear(f"there is no “{said.group()}”")
    parts.put("nth", nth)
    parts.put("weekdays", (words.day(said["day"]),))


@RULES.phrase(rf"(?:on\s+)?(?:the\s+|{EVERY}\s+)?{_NTH}\s+(?P<day>{_DAY})s?{_OF}")
def _nth_weekday(parts: Parts, said: Said) -> None:
    _weekday(parts, said)
    _of(parts, said)


@RULES.phrase(
    rf"(?:on\s+)?(?:the\s+|(?P<every>{EVERY})\s+)?{_NTH}\s+(?P<day>{_DAY})s?\s+(?:of|in)\s+{_MONTHS}"
)
def _nth_weekday_in(parts: Parts, said: Said) -> None:
    _weekday(parts, said)
    _in_months(parts, said)


@RULES.phrase(
    rf"(?:on\s+)?{EVERY}\s+(?P<nth>(?:first|1st|last)(?:{_SEP}(?:first|1st|{_ORD}|last)){{0,4}})\s+(?P<day>{_DAY})s?"
)
def _every_nth_weekday(parts: Parts, said: Said) -> None:
    _weekday(parts, said)
    parts.put("recurring", True)


@RULES.phrase(rf"on\s+(?:the\s+)?{_NTH}\s+(?P<day>{_DAY})s?")
def _on_nth_weekday(parts: Parts, said: Said) -> None:
    if said["nth"].startswith("last") and " the " not in said.group():
        raise Unclear(f"“{said.group()}” has passed", f"on the last {said['day']} of every month")
    _bare_nth_weekday(parts, said)


@RULES.phrase(rf"(?:the\s+)?{_NTH}\s+(?P<day>{_DAY})s?", strong=False)
def _bare_nth_weekday(parts: Parts, said: Said) -> None:
    if said.group().startswith("last"):
        raise Unclear(f"“{said.group()}” has passed, or is it one of the month?",
                      f"the {said.group()} of every month")  # fmt: skip
    _weekday(parts, said)


def _of_a_month(parts: Parts) -> bool:
    """Whether days of a month are spoken of already."""
    return parts.every == "month" or parts.quarter or bool(parts.per and parts.per[1] == "month")


@RULES.phrase(
    rf"(?:on\s+)?(?:the\s+|(?P<every>{EVERY})\s+)?{_NTH}\s+(?:working|business|work|week)[- ]?days?"
    rf"(?:{_OF}|\s+(?:of|in)\s+{_MONTHS})?",
    fits=lambda said, parts: (
        any(said[name] for name in ("every", "habit", "quarter", "ahead", "months"))
        or _of_a_month(parts)
    ),
)
def _workday_of_month(parts: Parts, said: Said) -> None:
    nth = _ordinals(said["nth"])
    named = said["habit"] or said["months"] or said["quarter"]
    if said["every"] and not named and nth not in {(1,), (-1,)}:
        raise Unclear(f"“{said.group()}” does not say of what", f"{said.group()} of the month")
    if max(nth) > 20 or 0 in nth:
        raise Unclear(f"not every month has a {max(nth)}th working day")
    parts.put("workdays", nth)
    if said["months"]:
        _in_months(parts, said)
    elif said["ahead"] or said["habit"] or said["quarter"]:
        _of(parts, said)
    else:
        parts.put("recurring", True)


@RULES.phrase(
    rf"(?:on\s+|at\s+)?(?:the\s+|(?P<every>{EVERY})\s+)?(?:(?P<last>last|final)|first|1st)\s+day"
    rf"(?:{_OF}|\s+(?:of|in)\s+{_MONTHS})"
)
@RULES.phrase(
    rf"(?:on\s+|at\s+)?(?:the\s+)?(?:(?P<last>end)|start|beginning){_OF}",
    fits=lambda said, _: not _vague_end(said),
)
def _edge_day(parts: Parts, said: Said) -> None:
    parts.put("monthdays", (-1,) if said["last"] else (1,))
    if said.groupdict().get("months"):
        _in_months(parts, said)
    else:
        _of(parts, said)


def _vague_end(said: Said) -> bool:
    return bool(re.search(r"the\s+(?:month|quarter)", said["habit"] or said["quarter"] or ""))


@RULES.phrase(
    r"(?:(?:on|at|by)\s+)?(?:the\s+)?(?:end|beginning|start|middle)\s+of\s+(?:the\s+|this\s+)?"
    r"(?:day|week|month|quarter|year)|(?:mid|end)[- ]?month",
    strong=False,
)
def _end(parts: Parts, said: Said) -> None:
    if "month" in said.group() and "end" in said.group():
        raise Unclear(
            "is it once, or every month?",
            "on the last day of every month",
            "on the last day of this month",
        )
    raise Unclear(f"“{said.group().strip()}” is not one exact day")


@RULES.phrase(rf"{EVERY}\s+month[- ]end|(?:at\s+)?month[- ]end", strong=False)
def _month_end(parts: Parts, said: Said) -> None:
    if not said.group().startswith(("every", "each")):
        _end(parts, said)
    parts.put("monthdays", (-1,))


@RULES.phrase(rf"(?:on\s+)?(?:the\s+|{EVERY}\s+)?{_NTH}(?:\s+days?)?{_OF}")
@RULES.phrase(rf"(?:on\s+)?(?:the\s+)?day\s+(?P<nth>\d{{1,2}}){_OF}")
def _days_of_month(parts: Parts, said: Said) -> None:
    _take_days(parts, _ordinals(f"{said['nth']}th" if said["nth"].isdigit() else said["nth"]))
    _of(parts, said)


@RULES.phrase(
    rf"{EVERY}\s+(?P<nth>\d{{1,2}}(?:st|nd|rd|th)(?:{_SEP}(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)){{0,12}})"
)
@RULES.phrase(
    r"on\s+the\s+(?P<nth>\d{1,2}(?:st|nd|rd|th)"
    rf"(?:{_SEP}(?:(?:on\s+)?the\s+)?\d{{1,2}}(?:st|nd|rd|th)){{1,12}})"
)
def _every_monthday(parts: Parts, said: Said) -> None:
    _take_days(parts, _ordinals(said["nth"]))
    parts.put("recurring", True)


@RULES.phrase(
    r"(?:the\s+)?(?P<nth>\d{1,2}(?:st|nd|rd|th)"
    rf"(?:{_SEP}(?:the\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)|last)){{1,12}})",
    strong=False,
)
def _listed_monthdays(parts: Parts, said: Said) -> None:
    _every_monthday(parts, said)


@RULES.phrase(
    rf"(?:on\s+)?(?:the\s+|(?P<every>{EVERY})\s+)?{_NTH}\s+(?:of|in)\s+{_MONTHS}",
    fits=lambda said, _: bool(re.search(words.SEPARATOR, said["nth"] + said["months"])),
)
def _days_of_months(parts: Parts, said: Said) -> None:
    days, months = _ordinals(said["nth"]), _named(said["months"])
    if any(day > calendar.monthrange(2024, month)[1] for day in days for month in months):
        raise Unclear(f"there is no day {max(days)} in one of these months")
    if any((month, day) == (2, 29) for day in days for month in months):
        raise Unclear("29 February is only in leap years")
    parts.put("monthdays", days)
    _in_months(parts, said)
    parts.put("recurring", True)  # several days are no single one


@RULES.phrase(
    r"(?:on\s+)?(?:the\s+)?(?:(?P<last>last)|first|1st)(?:\s+day)?",
    strong=False,
    fits=lambda said, parts: (
        _of_a_month(parts) and not (parts.monthdays or parts.nth or parts.workdays)
    ),
)
def _first_or_last(parts: Parts, said: Said) -> None:
    """ "monthly on the last day"."""
    parts.put("monthdays", (-1,) if said["last"] else (1,))


@RULES.phrase(rf"(?:on\s+)?{EVERY}\s+(?P<day>{_DAY})\s+the\s+(?P<nth>\d{{1,2}}(?:st|nd|rd|th))")
def _weekday_the(parts: Parts, said: Said) -> None:
    """ "every Friday the 13th": the day of the week and of the month at once."""
    _take_days(parts, _ordinals(said["nth"]))
    parts.put("both", True)
    parts.put("weekdays", (words.day(said["day"]),))
    parts.put("recurring", True)


@RULES.phrase(rf"(?:in|of|every|each)\s+{_MONTHS}", strong=False)
def _months(parts: Parts, said: Said) -> None:
    if said.group().startswith(("every", "each")):
        parts.put("recurring", True)
    parts.put("months", _named(said["months"]))


def _take_days(parts: Parts, days: tuple[int, ...]) -> None:
    if max(days) > 31 or 0 in days:
        raise Unclear(f"no month has a {max(days)}th day")
    if max(days) > 28:
        raise Unclear(f"not every month has a day {max(days)}", "the last day of the month")
    parts.put("monthdays", days)


def _in_months(parts: Parts, said: Said) -> None:
    months = _named(said["months"])
    parts.put("months", months)
    if said.groupdict().get("every") or len(months) > 1:
        parts.put("recurring", True)


def _named(text: str) -> tuple[int, ...]:
    return tuple(sorted({words.month(name) for name in re.findall(_MONTH, text)}))
