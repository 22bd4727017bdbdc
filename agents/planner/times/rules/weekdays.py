"""Days of the week: "weekdays except Friday", "Mondays and Thursdays", "every other Tuesday"."""

from __future__ import annotations

import re

from agents.planner.times import words
from agents.planner.times.parts import Parts, Unclear
from agents.planner.times.phrase import EVERY, PART, WORKING, Phrases, Said

RULES = Phrases(joins=True)
_DAY, _DAYS, _MONTH = words.DAY, words.DAY + "s?", words.MONTH
_SEP = rf"(?:{words.SEPARATOR}|\s*/\s*)"
_FULL = "|".join(words.DAYS)
_TO = r"(?:\s*-\s*|\s+(?:to|through|thru|until|till)\s+)"
_ALL_WEEK = tuple(range(7))


@RULES.phrase(
    rf"(?:{EVERY}\s+(?:other|alternate)|(?:on\s+)?alternate)\s+"
    rf"(?:(?P<day>{_DAYS})|(?P<weekend>weekends?)){PART}"
)
def _other_week(parts: Parts, said: Said) -> None:
    days = (words.day(said["day"]),) if said["day"] else (5, 6)
    parts.put("step", (2, "week"))
    _habit(parts, days, said["part"])


@RULES.phrase(
    rf"{EVERY}\s+(?P<nth>(?:(?!first|1st){words.ORDINAL}))\s+(?P<days>{_DAY}|weekend)|"
    rf"{EVERY}\s+(?:other|second|alternate)\s+{WORKING}"
)
def _nth_week(parts: Parts, said: Said) -> None:
    if not said["days"]:
        raise Unclear(f"a schedule cannot say “{said.group()}” exactly")
    day, nth = said["days"].title(), said["nth"]
    other = f"every other {day}" if nth in {"second", "2nd"} else f"every {nth} week on {day}"
    other = other.replace("third", "three").replace("3rd", "three")
    choices = (other,) if other.startswith("every other") else ()
    raise Unclear(
        f"“{said.group()}” may count the weeks, or the {day}s of a month",
        *choices,
        f"the {nth} {day} of every month",
    )


@RULES.phrase(
    rf"(?:(?:on|all|{EVERY}|weekly\s+on)\s+)?{WORKING}{PART}|(?:(?:on|{EVERY})\s+)?m\s?-\s?f"
)
def _working_days(parts: Parts, said: Said) -> None:
    _habit(parts, (0, 1, 2, 3, 4), said["part"])


@RULES.phrase(
    rf"(?:(?:on|at|{EVERY})\s+)?(?:the\s+)?weekends{PART}|{EVERY}\s+weekend"
    rf"(?P<part2>\s+(?:morning|afternoon|evening|night)s?)?"
)
def _weekends(parts: Parts, said: Said) -> None:
    _habit(parts, (5, 6), said["part"] or said["part2"])


@RULES.phrase(
    rf"(?:(?P<every>{EVERY}|weekly\s+on)|on)\s+(?P<days>{_DAYS}"
    rf"(?:(?:{_SEP}|{_TO})(?:on\s+|{EVERY}\s+)?{_DAYS}){{0,12}}){PART}"
)
def _on_days(parts: Parts, said: Said) -> None:
    _days(parts, said, every=bool(said["every"]) or bool(re.search(r"every|each", said["days"])))


@RULES.phrase(
    rf"(?P<days>(?:{_FULL})s(?:(?:{_SEP}|{_TO}){_DAYS}){{0,12}}|(?:from\s+)?{_DAYS}{_TO}{_DAYS}|"
    rf"(?:{_FULL})(?:{_SEP}(?:{_FULL})s)+){PART}"
)
def _day_names(parts: Parts, said: Said) -> None:
    _days(parts, said, every=False)


@RULES.phrase(rf"(?P<days>{_DAY}(?:{_SEP}{_DAY}){{0,12}}){PART}", strong=False)
def _day_list(parts: Parts, said: Said) -> None:
    _days(parts, said, every=False)


@RULES.phrase(rf"(?:on\s+)?(?P<days>{_DAY})", strong=False, day=True, fits=lambda *_: False)
def _one_day(parts: Parts, said: Said) -> None:
    """After "starting" and "until"."""
    parts.put("coming", words.day(said["days"]))


def _days(parts: Parts, said: Said, *, every: bool) -> None:
    text = said["days"]
    names = re.findall(rf"{_DAYS}(?!\w)", text)
    spans = re.findall(rf"({_DAY})s?{_TO}({_DAY})s?(?!\w)", text)
    days: list[int] = [words.day(name) for name in names]
    for first, last in spans:
        low, high = words.day(first), words.day(last)
        days += [(low + i) % 7 for i in range((high - low) % 7 + 1)]
    part = said["part"]
    plural = any(name.endswith("s") and name[:-1] in words.DAYS for name in names)
    if every or plural or spans or (part and part.endswith("s")):
        _habit(parts, tuple(sorted(set(days))), part)
        return
    parts.put("weekdays", tuple(sorted(set(days))))
    if part:
        parts.put("day_part", part.strip())


def _habit(parts: Parts, days: tuple[int, ...], part: str | None) -> None:
    parts.put("weekdays", days)
    parts.put("recurring", True)
    if part:
        parts.put("day_part", part.strip().rstrip("s"))


_EXCEPT = (
    r"(?:,\s*)?(?:except|but\s+not|excluding|not|but|other\s+than|apart\s+from|save)\s+(?:for\s+)?"
    r"(?:(?:on|in)\s+)?(?:the\s+)?(?:every\s+)?"
)


def _leaves_days(said: Said, parts: Parts) -> bool:
    """Whether there are days to leave some out of."""
    return bool(parts.every or parts.step or parts.per or parts.recurring)


@RULES.phrase(
    rf"{_EXCEPT}(?P<days>weekends?|{WORKING}|{_DAYS}(?:{_SEP}(?:on\s+)?{_DAYS}){{0,12}})",
    strong=False,
    joins=False,
    fits=_leaves_days,
)
def _except(parts: Parts, said: Said) -> None:
    text = said["days"]
    if text.startswith("weekend"):
        parts.put("excluded", (5, 6))
        return
    if re.fullmatch(WORKING, text):
        parts.put("excluded", (0, 1, 2, 3, 4))
        return
    found = {words.day(name) for name in re.findall(rf"{_DAYS}(?!\w)", text)}
    parts.put("excluded", tuple(sorted(found)))


@RULES.phrase(
    rf"{_EXCEPT}(?P<months>{_MONTH}(?:{_SEP}(?:in\s+)?{_MONTH}){{0,10}})",
    strong=False,
    joins=False,
    fits=_leaves_days,
)
def _except_months(parts: Parts, said: Said) -> None:
    found = {words.month(name) for name in re.findall(_MONTH, said["months"])}
    parts.put("months", tuple(m for m in range(1, 13) if m not in found))


@RULES.phrase(
    rf"(?:{_EXCEPT}|on\s+|and\s+|{EVERY}\s+)(?:(?:{_DAYS}|weekends)(?:{_SEP}))*(?:(?:public|bank|national|school)\s+)?"
    r"(?:holidays?|vacations?)",
    strong=False,
)
def _holidays(parts: Parts, said: Said) -> None:
    raise Unclear("which days are holidays is not known here; name the days")
