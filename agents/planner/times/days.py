"""Days of a habit as cron's last three fields, and a condition where they cannot say it."""

from __future__ import annotations

import calendar
from dataclasses import replace

from agents.planner.times import words
from agents.planner.times.day import existing
from agents.planner.times.fields import cron_day, listed, weekday_field
from agents.planner.times.parts import Parts, Unclear

Days = tuple[tuple[str, ...], str | None]
_QUARTERS = ((1, 4, 7, 10), (3, 6, 9, 12))


def days_of(parts: Parts, assumed: list[str]) -> Days:
    """Day, month and weekday fields, a line each, with `only_if`. Raises Unclear."""
    parts = _months_of(parts, assumed)
    if parts.date is not None:
        year, month, day = parts.date
        if year is not None:
            raise Unclear("a habit and a single day are both said")
        if parts.every == "year":
            return _yearly(parts, month, day)
        if day > 28:
            raise Unclear(f"not every month has a day {day}", "the last day of the month")
        if parts.monthdays:
            raise Unclear("different days are said")
        parts = replace(parts, monthdays=(day,))
    if parts.leap:
        raise Unclear("it is not said on which day of the leap year", "on 29 February")
    named = bool(parts.months) and bool(parts.monthdays or parts.nth or parts.workdays)
    if parts.every == "year" and not named:
        raise Unclear("it is not said on which day of the year")
    kinds = _kinds(parts)
    if parts.excluded and (parts.monthdays or parts.nth or parts.workdays):
        raise Unclear("a schedule cannot leave out those days exactly")
    if sum(kinds) - kinds[1]:
        return _of_month(parts)
    return _of_week(parts)


def _kinds(parts: Parts) -> list[bool]:
    """Which kinds of days are said. Raises Unclear where they do not go together."""
    kinds = [
        bool(parts.monthdays),
        bool(parts.weekdays) and not parts.nth and not parts.both,
        bool(parts.nth),
        bool(parts.workdays),
    ]
    if (parts.nth and not parts.weekdays) or (parts.both and not parts.monthdays):
        raise Unclear("different kinds of days are said")
    if sum(kinds) > 1 or (parts.every == "day" and (kinds[0] or any(kinds[2:]))):
        raise Unclear("different kinds of days are said")
    if parts.every == "week" and (kinds[0] or any(kinds[2:])):
        raise Unclear("different kinds of days are said")
    return kinds


def _yearly(parts: Parts, month: int | None, day: int) -> Days:
    others = (parts.nth, parts.monthdays, parts.workdays, parts.excluded, parts.quarter)
    if month is None or parts.weekdays or parts.months or any(others):
        raise Unclear("it is not said on which day of the year")
    existing(2024, month, day)
    if (month, day) == (2, 29) and not parts.leap:
        raise Unclear("29 February is only in leap years", "every leap year on 29 February")
    if parts.leap and (month, day) != (2, 29):
        raise Unclear("only 29 February can be kept to leap years")
    return (f"{day} {month} *",), None


def _months_of(parts: Parts, assumed: list[str]) -> Parts:
    """Every n months and quarters as the months they come to."""
    if parts.quarter:
        return _quarterly(parts)
    if not parts.step or parts.step[1] not in {"month", "year"}:
        return parts
    n, unit = parts.step
    if unit == "year" or n >= 12 or 12 % n or parts.months:
        raise Unclear(f"a schedule cannot say “every {n} {unit}s” exactly")
    assumed.append("counted from January")
    return replace(parts, step=None, every="month", months=tuple(range(1, 13, n)))


def _quarterly(parts: Parts) -> Parts:
    """Quarters begin in January; their last day, Friday or working day is in their last month."""
    if parts.months or parts.step or (parts.every and parts.every != "month"):
        raise Unclear("different kinds of days are said")
    found = parts.monthdays or parts.nth or parts.workdays
    if found is None and parts.date is None:
        if parts.weekdays:
            raise Unclear("it is not said on which of these days of the quarter")
        return replace(parts, months=_QUARTERS[0], monthdays=(1,))
    lasts = {day < 0 for day in found or ()}
    if lasts == {True, False}:
        raise Unclear("the first and the last month of a quarter are both said")
    return replace(parts, months=_QUARTERS[lasts == {True}])


def _of_month(parts: Parts) -> Days:
    months = listed(parts.months) if parts.months else "*"
    if -2 in (parts.workdays or parts.monthdays or parts.nth or ()):
        return _last_but_one(parts, months)
    if parts.workdays:
        counted = [str(n) if n > 0 else "due.workdays" for n in sorted(parts.workdays, key=_late)]
        if len(counted) == 1:
            return (f"* {months} 1-5",), f"due.workday == {counted[0]}"
        return (f"* {months} 1-5",), f"due.workday in [{', '.join(counted)}]"
    if parts.monthdays:
        for month in parts.months or ():
            if max(parts.monthdays) > calendar.monthrange(2023, month)[1]:
                raise Unclear(f"there is no day {max(parts.monthdays)} in {_name(month)}")
        if parts.both and parts.weekdays:
            (day,) = parts.monthdays
            return (f"* {months} {weekday_field(parts.weekdays)}",), f"due.day == {day}"
        fixed = tuple(d for d in parts.monthdays if d > 0)
        lines = [f"{','.join(map(str, fixed))} {months} *"] if fixed else []
        return (*lines, *((f"L {months} *",) if -1 in parts.monthdays else ())), None
    assert parts.nth and parts.weekdays
    if len(parts.weekdays) > 1:
        raise Unclear("several days are said")
    day = cron_day(parts.weekdays[0])
    ordinals = [f"{day}#{n}" for n in parts.nth if n > 0]
    lines = [f"* {months} {','.join(ordinals)}"] if ordinals else []
    return (*lines, *((f"* {months} L{day}",) if -1 in parts.nth else ())), None


def _last_but_one(parts: Parts, months: str) -> Days:
    if parts.workdays:
        return (f"* {months} 1-5",), "due.workday == due.workdays - 1"
    if parts.monthdays:
        return (f"* {months} *",), "due.day == due.days_in_month - 1"
    assert parts.weekdays
    week = "due.day > due.days_in_month - 14 and due.day <= due.days_in_month - 7"
    return (f"* {months} {weekday_field(parts.weekdays)}",), week


def _late(n: int) -> int:
    return n if n > 0 else 99


def _name(month: int) -> str:
    return words.MONTHS[month - 1].title()


def _of_week(parts: Parts) -> Days:
    months = listed(parts.months) if parts.months else "*"
    if parts.every == "month":
        raise Unclear("it is not said on which day of the month", "on the 1st", "on the last day")
    weekdays = parts.weekdays or tuple(range(7))
    if (
        parts.every == "day"
        and parts.weekdays
        and not (parts.recurring and len(parts.weekdays) > 1)
    ):
        raise Unclear("every day and one day of the week are both said")
    if parts.months and not parts.weekdays and parts.every != "day" and not parts.often:
        raise Unclear("it is not said on which day of the month", "on the 1st", "every day")
    strange = [day for day in parts.excluded or () if day not in weekdays]
    if strange and parts.excluded != (5, 6):
        raise Unclear(f"{words.DAYS[strange[0]].title()} is not among these days anyway")
    kept = tuple(d for d in weekdays if d not in (parts.excluded or ()))
    if not kept:
        raise Unclear("no day is left")
    return (f"* {months} {weekday_field(kept)}",), None
