"""How often: "every 90 minutes", "daily", "every other week", "twice a day"."""

from __future__ import annotations

from agents.planner.times import words
from agents.planner.times.amounts import AMOUNT, amount
from agents.planner.times.parts import Parts, Unclear
from agents.planner.times.phrase import EVERY, Phrases, Said

RULES = Phrases(joins=True)
_LONG = {"day", "week", "month", "year"}
_TIMES = rf"(?P<times>once|twice|thrice|(?:{words.NUMBER})\s+times)"


@RULES.phrase(rf"{EVERY}\s+(?P<amount>{AMOUNT})")
def _every_n(parts: Parts, said: Said) -> None:
    _step(parts, *amount(said["amount"]))


@RULES.phrase(rf"{EVERY}\s+hour\s+and\s+a\s+half|(?P<half>half[- ]hourly)")
def _every_hour_and_a_half(parts: Parts, said: Said) -> None:
    parts.put("step", (30 if said["half"] else 90, "minute"))


@RULES.phrase(
    rf"{EVERY}\s+(?:(?P<other>other|second|2nd|alternate)\s+(?P<unit>minute|hour|day|week|month|year)|"
    rf"(?!first|1st)(?P<nth>{words.ORDINAL})\s+(?P<unit2>minute|hour|day|month))|"
    r"(?P<fortnight>fortnightly|every\s+fortnight|once\s+a\s+fortnight|(?:on\s+)?alternate\s+weeks)"
)
def _every_other(parts: Parts, said: Said) -> None:
    if said["nth"]:
        _step(parts, words.ordinal(said["nth"]), said["unit2"])
        return
    parts.put("step", (2, said["unit"] or "week"))


@RULES.phrase(
    rf"{_TIMES}\s+(?:(?:an?|per|each|every)\s+(?P<unit>minute|hour|day|week|month|year)|(?P<ly>daily|weekly|monthly))"
)
def _times_a(parts: Parts, said: Said) -> None:
    """How many times a unit; which ones, the rest of the phrase must say."""
    counted = {"once": 1, "twice": 2, "thrice": 3}.get(said["times"])
    n = counted or words.number(said["times"].rsplit(None, 1)[0])
    unit = said["unit"] or {"daily": "day"}.get(said["ly"], said["ly"][:-2])
    if unit not in _LONG:
        if n != 1:
            raise Unclear(f"“{said.group()}” does not say at which times", "every 15 minutes")
        _step(parts, 1, unit)
        return
    parts.put("per", (n, unit))


@RULES.phrase(
    rf"{EVERY}\s+(?P<unit>minute|hour|day|week|month|year)|per\s+(?P<per>minute|hour|day|week|month|year)|"
    r"(?P<ly>hourly|daily|weekly|monthly|yearly|annually)|(?P<days>all\s+days|(?:seven|7)\s+days\s+a\s+week)|"
    rf"(?P<quarter>quarterly|{EVERY}\s+quarter|(?:every|once\s+(?:a|per|every))\s+quarter)"
)
def _every_unit(parts: Parts, said: Said) -> None:
    if said["quarter"]:
        parts.put("quarter", True)
        parts.put("recurring", True)
        return
    unit = said["unit"] or said["per"] or ("day" if said["days"] else "")
    if not unit:
        unit = {"daily": "day", "annually": "year"}.get(said["ly"], said["ly"][:-2])
    _step(parts, 1, unit)


@RULES.phrase(
    r"(?:(?:just|only)\s+)?(?:once|one\s+time)(?:\s+only)?(?!\s+(?:an?|per|every|each|in)\b)",
    strong=False,
)
def _once(parts: Parts, said: Said) -> None:
    parts.put("once", True)


@RULES.phrase(
    r"of\s+(?:every|each)\s+(?P<unit>month|year)|in\s+(?:every|each)\s+month",
    strong=False,
    fits=lambda said, parts: not _all_of(said["unit"] or "month", parts),
)
def _of_every(parts: Parts, said: Said) -> None:
    parts.put("every", said["unit"] or "month")


@RULES.phrase(
    r"of\s+(?:the|every|each)\s+(?P<unit>day|week|month|year)",
    strong=False,
    fits=lambda said, parts: _all_of(said["unit"], parts),
)
def _of_all(parts: Parts, said: Said) -> None:
    """ "every Friday of the month" is every Friday."""


def _all_of(unit: str, parts: Parts) -> bool:
    if parts.date or parts.nth or parts.monthdays or parts.workdays:
        return False
    small = parts.often or (parts.recurring and bool(parts.weekdays)) or parts.every == "day"
    return small and (unit != "day" or parts.often)


@RULES.phrase(rf"{EVERY}\s+(?:other|second|alternate)\s+(?P<part>morning|afternoon|evening|night)")
def _every_other_part(parts: Parts, said: Said) -> None:
    parts.put("step", (2, "day"))
    parts.put("day_part", said["part"])


@RULES.phrase(rf"(?:{EVERY}|(?:in\s+)?(?:a|any))\s+leap\s+year|(?:in\s+)?leap\s+years")
def _leap_year(parts: Parts, said: Said) -> None:
    parts.put("every", "year")
    parts.put("leap", True)


@RULES.phrase(
    rf"{EVERY}\s+(?P<part>morning|afternoon|evening|night)|(?P<nightly>nightly)|"
    r"(?:(?:in\s+the|on)\s+)?(?P<plural>morning|afternoon|evening|night)s"
)
def _every_part(parts: Parts, said: Said) -> None:
    if not parts.recurring:
        parts.put("every", "day")
    parts.put("day_part", said["part"] or said["plural"] or "night")


def _step(parts: Parts, n: int, unit: str) -> None:
    if n < 1:
        raise Unclear("“every 0” is never")
    if n == 1 and unit in _LONG:
        parts.put("every", unit)
    else:
        parts.put("step", (n, unit))
