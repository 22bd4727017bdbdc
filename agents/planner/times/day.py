"""Which day is meant, seen from here: dates, weekdays, days and months ahead."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta

from agents.planner.times import words
from agents.planner.times.parts import Clock, Parts, Unclear

_ONE_DAY = frozenset({"date", "coming", "days_ahead", "offset", "month_ahead", "week_ahead"})


def day_said(
    parts: Parts, here: datetime, *, clock: Clock | None = None, after: date | None = None
) -> date:
    """The one day the parts say, seen from `here`, a local time. A date without year or month is the
    next one whose `clock` is still to come (or that is `after` a day). Raises Unclear."""
    said = _ONE_DAY & set(parts.given)
    if len(said) != 1 and said != {"date", "month_ahead"}:
        raise Unclear("different days are said" if said else "it is not said on which day")
    if parts.month_ahead is not None:
        return _in_month(parts, here.date())
    if parts.week_ahead is not None:
        return _next_week(parts, here.date())
    if parts.date is not None:
        return _dated(parts, here, clock, after)
    if parts.coming is not None:
        return _coming(parts, here.date())
    if parts.weekdays:
        raise Unclear("different days are said")
    if parts.offset is not None:
        return ahead(here.date(), *parts.offset)
    assert parts.days_ahead is not None
    return here.date() + timedelta(days=parts.days_ahead)


def ahead(day: date, n: int, unit: str) -> date:
    """n days, weeks, months or years after that day. Raises Unclear."""
    if n > 400:
        raise Unclear("that is too far away")
    if unit in {"day", "week"}:
        return day + timedelta(days=n * (7 if unit == "week" else 1))
    if unit not in {"month", "year"}:
        raise Unclear("that is not one day")
    year, month = divmod(day.year * 12 + day.month - 1 + n * (12 if unit == "year" else 1), 12)
    return existing(year, month + 1, day.day)


def existing(year: int, month: int, day: int) -> date:
    """That date. Raises Unclear when there is none."""
    try:
        return date(year, month, day)
    except ValueError:
        raise Unclear(f"there is no day {year}-{month:02}-{day:02}") from None


def on_day(day: date, clock: time, here: datetime) -> datetime:
    """That time of day where `here` is, in UTC: the earlier of a repeated hour, moved forward out of
    a gap."""
    return datetime.combine(day, clock, tzinfo=here.tzinfo).astimezone(UTC)


def _coming(parts: Parts, today: date) -> date:
    assert parts.coming is not None
    if parts.weekdays:
        raise Unclear("different days are said")
    distance = (parts.coming - today.weekday() - 1) % 7 + 1
    day = today + timedelta(days=distance)
    name = words.DAYS[parts.coming].title()
    if parts.which == "this" and distance == 7:
        raise Unclear(f"today is {name}", "today", f"on {day.isoformat()}")
    if parts.which == "next" and today.weekday() < parts.coming:
        later = day + timedelta(days=7)
        raise Unclear(
            f"“next {name}” may be {day.isoformat()} or {later.isoformat()}",
            f"this {name}",
            f"on {later.isoformat()}",
        )
    return day + timedelta(days=parts.days_later or 0)


def _next_week(parts: Parts, today: date) -> date:
    if today.weekday() == 6:
        raise Unclear("on a Sunday “next week” may begin today or tomorrow")
    if not parts.weekdays or len(parts.weekdays) > 1:
        raise Unclear("“next week” does not say which day")
    return today + timedelta(days=7 - today.weekday() + parts.weekdays[0])


def _dated(parts: Parts, here: datetime, clock: Clock | None, after: date | None) -> date:
    assert parts.date is not None
    year, month, day = parts.date
    if year is not None and month is not None:
        found = existing(year, month, day)
    else:
        found = _next_dated(month, day, here, clock, after)
    if parts.weekdays and found.weekday() not in parts.weekdays:
        raise Unclear(f"{found.isoformat()} is a {words.DAYS[found.weekday()].title()}")
    return found


def _next_dated(
    month: int | None, day: int, here: datetime, clock: Clock | None, after: date | None
) -> date:
    if not 1 <= day <= 31:
        raise Unclear(f"no month has a day {day}")
    if month is not None:
        existing(2024, month, day)
    first = after or here.date()
    for months in range(12 * 8 + 1):
        y, m = divmod(first.year * 12 + first.month - 1 + months, 12)
        if (month is None or m + 1 == month) and day <= calendar.monthrange(y, m + 1)[1]:
            found = date(y, m + 1, day)
            passed = found < first
            if clock is not None:
                passed = on_day(found, time(clock.hour, clock.minute), here) <= here
            if not passed:
                return found
    raise Unclear("there is no such day")


def _in_month(parts: Parts, today: date) -> date:
    """A day of this month or of the next one."""
    assert parts.month_ahead is not None
    year, month = divmod(today.year * 12 + today.month - 1 + parts.month_ahead, 12)
    length = calendar.monthrange(year, month + 1)[1]
    if parts.date is not None:
        if parts.nth or parts.workdays or parts.monthdays or parts.weekdays:
            raise Unclear("different days are said")
        if parts.date[0] is not None or parts.date[1] is not None:
            raise Unclear("different days are said")
        return existing(year, month + 1, parts.date[2])
    which = parts.nth or parts.workdays or parts.monthdays or ()
    kinds = (parts.date, parts.nth, parts.workdays, parts.monthdays)
    if sum(kind is not None for kind in kinds) > 1 or (parts.nth and not parts.weekdays):
        raise Unclear("different days are said")
    days = [date(year, month + 1, day) for day in range(1, length + 1)]
    if parts.nth:
        days = [day for day in days if day.weekday() in (parts.weekdays or ())]
    elif parts.workdays:
        days = [day for day in days if day.weekday() < 5]
    if not which:
        raise Unclear("it does not say which day of the month")
    if len(which) > 1 or (parts.monthdays and parts.weekdays):
        raise Unclear("several days are said")
    if which[0] > len(days):
        raise Unclear("there is no such day in that month")
    return days[which[0] - 1 if which[0] > 0 else which[0]]
