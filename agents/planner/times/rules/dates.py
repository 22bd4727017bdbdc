"""One day or moment: dates, "tomorrow", "next Friday", "in two hours"."""

from __future__ import annotations

from datetime import datetime

from agents.planner.times import words
from agents.planner.times.amounts import AMOUNT, amount
from agents.planner.times.parts import Clock, Parts, Unclear
from agents.planner.times.phrase import EVERY, PART, Phrases, Said

RULES = Phrases(joins=True)
_DAY, _MONTH, _ORD = words.DAY, words.MONTH, words.ORDINAL


@RULES.phrase(
    r"(?:on\s+)?(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?:[t ]|,?\s+at\s+)"
    r"(?P<hour>\d\d):(?P<min>\d\d)(?::00(?:\.0+)?)?(?:(?P<z>z)|(?P<offset>[+-]\d\d:\d\d))?"
)
def _iso_moment(parts: Parts, said: Said) -> None:
    if said["offset"]:
        text = f"{said['y']}-{said['m']}-{said['d']}T{said['hour']}:{said['min']}{said['offset']}"
        parts.put("stamp", datetime.fromisoformat(text))
        return
    _iso_date(parts, said)
    if int(said["hour"]) > 23 or int(said["min"]) > 59:
        raise Unclear(f"“{said.group()}” is not a time of day")
    parts.put("clocks", (Clock(int(said["hour"]), int(said["min"])),))
    if said["z"]:
        parts.put("zone", "UTC")


@RULES.phrase(r"(?:on\s+)?(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})", day=True)
@RULES.phrase(r"(?:on\s+)?(?:the\s+)?(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4})", day=True)
@RULES.phrase(r"(?:on\s+)?(?P<y>\d{4})/(?P<m>\d{1,2})/(?P<d>\d{1,2})", day=True)
def _iso_date(parts: Parts, said: Said) -> None:
    parts.put("date", (int(said["y"]), int(said["m"]), int(said["d"])))


@RULES.phrase(r"(?:on\s+)?(?P<a>\d{1,2})(?P<sep>[/-])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4})", day=True)
def _slashed_date(parts: Parts, said: Said) -> None:
    a, b = int(said["a"]), int(said["b"])
    if a <= 12 and b <= 12 and a != b:
        raise Unclear(
            f"“{said.group()}” can be two dates",
            f"{said['y']}-{a:02}-{b:02}",
            f"{said['y']}-{b:02}-{a:02}",
        )
    parts.put("date", (int(said["y"]), min(a, b) if max(a, b) > 12 else a, max(a, b)))


_YEAR = r"(?:(?:,\s*|\s+(?:in\s+)?)(?P<y>\d{4})(?!\s*(?:h\b|hours|hrs)))?"


@RULES.phrase(
    rf"(?:on\s+)?(?:(?P<every>{EVERY})\s+|the\s+)?(?P<d>{_ORD}|\d{{1,2}})\.?\s+(?:of\s+)?(?P<m>{_MONTH}){_YEAR}",
    day=True,
)
@RULES.phrase(
    rf"(?:on\s+)?(?:(?P<every>{EVERY})\s+)?(?P<m>{_MONTH})\s+(?:the\s+)?(?P<d>{_ORD}|\d{{1,2}})(?!:\d|\s*(?:am|pm)\b){_YEAR}",
    day=True,
)
def _date(parts: Parts, said: Said) -> None:
    found = int(said["d"]) if said["d"].isdigit() else words.ordinal(said["d"])
    parts.put("date", (int(said["y"]) if said["y"] else None, words.month(said["m"]), found))
    if said["every"]:
        parts.put("every", "year")


@RULES.phrase(r"on\s+the\s+(?P<d>\d{1,2}(?:st|nd|rd|th))")
def _day_number(parts: Parts, said: Said) -> None:
    parts.put("date", (None, None, words.ordinal(said["d"])))


@RULES.phrase(r"(?:on\s+)?the\s+(?P<d>\d{1,2}(?:st|nd|rd|th))", strong=False, day=True)
def _bare_day_number(parts: Parts, said: Said) -> None:
    _day_number(parts, said)


@RULES.phrase(
    r"(?P<after>(?:on\s+)?(?:the\s+)?day\s+after\s+tomorrow)|"
    r"(?P<today>today|this(?=\s+(?:morning|afternoon|evening)))|(?P<tomorrow>tomorrow)",
    day=True,
)
def _near_day(parts: Parts, said: Said) -> None:
    parts.put("days_ahead", 2 if said["after"] else 1 if said["tomorrow"] else 0)


@RULES.phrase(r"tonight")
def _tonight(parts: Parts, said: Said) -> None:
    parts.put("days_ahead", 0)
    parts.put("day_part", "night")


@RULES.phrase(
    rf"(?:on\s+)?(?:(?:the\s+)?(?P<next>next|following)|(?:the\s+|this\s+)?(?P<coming>coming)|(?P<this>this))"
    rf"\s+(?P<day>{_DAY}){PART}",
    day=True,
)
def _coming_day(parts: Parts, said: Said) -> None:
    if said["part"] and said["part"].endswith("s"):
        raise Unclear(f"“{said.group()}” is one day and a habit")
    parts.put("coming", words.day(said["day"]))
    if not said["coming"]:
        parts.put("which", "this" if said["this"] else "next")
    if said["part"]:
        parts.put("day_part", said["part"].strip())


@RULES.phrase(
    rf"(?:on\s+)?(?P<day>{_DAY})\s+(?:of\s+)?next\s+week|next\s+week,?\s+(?:on\s+)?(?P<day2>{_DAY})"
)
def _next_week(parts: Parts, said: Said) -> None:
    parts.put("weekdays", (words.day(said["day"] or said["day2"]),))
    parts.put("week_ahead", 1)


@RULES.phrase(
    rf"(?P<n>an?|{words.NUMBER})\s+(?P<unit>day|week)s?\s+(?:from|after)\s+"
    rf"(?:(?P<near>today|tomorrow)|(?:next\s+)?(?P<day>{_DAY}))"
)
def _days_behind(parts: Parts, said: Said) -> None:
    if said["unit"] == "day" and said["day"]:
        raise Unclear(f"“{said.group()}” is not one exact day")
    n = 1 if said["n"] in {"a", "an"} else words.number(said["n"])
    later = n * (7 if said["unit"] == "week" else 1)
    if said["near"]:
        parts.put("days_ahead", later + (said["near"] == "tomorrow"))
        return
    parts.put("coming", words.day(said["day"]))
    parts.put("days_later", later)


@RULES.phrase(r"next\s+month")
def _next_month(parts: Parts, said: Said) -> None:
    parts.put("month_ahead", 1)


@RULES.phrase(
    r"(?:next|this|later\s+this)\s+(?:week|year|weekend)|(?:later\s+)?this\s+month|(?:this|next)\s+(?:time|quarter)"
)
def _vague(parts: Parts, said: Said) -> None:
    raise Unclear(f"“{said.group()}” does not say which day")


@RULES.phrase(rf"(?:with)?in\s+(?P<amount>{AMOUNT})(?:'s?\s+time)?|(?P<from>{AMOUNT})\s+from\s+now")
def _from_now(parts: Parts, said: Said) -> None:
    if said.group().startswith("within"):
        raise Unclear(f"“{said.group()}” is not one exact time")
    parts.put("offset", amount(said["amount"] or said["from"]))
