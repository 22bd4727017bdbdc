"""Habits: parts that repeat, as cron lines with a condition, or as an interval."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from agents.planner.times import words
from agents.planner.times.day import day_said
from agents.planner.times.days import days_of
from agents.planner.times.fields import cron_lines
from agents.planner.times.limits import anchored, limited, phased
from agents.planner.times.parts import Clock, Parts, Unclear
from agents.planner.times.when import When, times_of_day
from agents.planner.times.zones import zone_info

LONGEST = 366 * 86_400
_SINCE = frozenset({"step", "clocks", "day_part", "since", "zone", "assumes"})


def habit(parts: Parts, now: datetime, zone: str) -> When:
    """The habit these parts say. Raises Unclear."""
    _check_count(parts)
    if (parts.quarter or parts.leap) and parts.step:
        raise Unclear("how often is said twice")
    if not parts.often:
        if parts.window:
            raise Unclear("it is not said how often in between")
        if parts.past is not None or parts.begin is not None:
            raise Unclear("it is not said how often in the hours")
    assumed = list(parts.assumes)
    if parts.often:
        when = _often(parts, zone, assumed)
    elif parts.step and parts.step[1] == "year":
        return _every_years(parts, now, zone, assumed)
    elif parts.step and parts.step[1] in {"day", "week"}:
        when = _every_days(parts, now, zone, assumed)
        if when.kind == "cron":
            return when
    else:
        when = _on_days(parts, now, zone, assumed)
    if when.kind == "interval":
        return anchored(when, parts, now)
    return limited(when, parts, now)


def _on_days(parts: Parts, now: datetime, zone: str, assumed: list[str]) -> When:
    if parts.every == "week" and not parts.weekdays and not parts.step and not parts.quarter:
        when = _every_days(replace(parts, every=None, step=(1, "week")), now, zone, assumed)
        return replace(when, only_if=None)
    days, only_if = days_of(parts, assumed)
    times = _times(parts, assumed)
    return When("cron", zone, cron_lines(times, days), only_if=only_if, assumed=tuple(assumed))


def _times(parts: Parts, assumed: list[str]) -> list[Clock]:
    times = times_of_day(parts, assumed)
    some = bool(
        (parts.weekdays and len(parts.weekdays) < 7)
        or parts.monthdays or parts.nth or parts.workdays or parts.date or parts.excluded
    )  # fmt: skip
    for clock in times:
        if some and clock.edge == "24:00":
            raise Unclear("24:00 is the next day's midnight; say “at midnight” with the day after")
        if some and parts.day_part == "night" and clock.hour < 6:
            raise Unclear(f"the night at {clock} belongs to two days", f"at {clock}")
    return times


def _check_count(parts: Parts) -> None:
    """ "twice a day" must go with two times of day, "once a week" with one day."""
    if parts.per is None:
        return
    n, unit = parts.per
    said = f"“{n} times a {unit}”" if n > 2 else f"“{'twice' if n == 2 else 'once'} a {unit}”"
    if parts.step or parts.window or (parts.every and parts.every != unit):
        raise Unclear("how often is said twice")
    clocks = len(parts.clocks or (1,))
    days = {
        "day": 1,
        "week": len(parts.weekdays or ()),
        "month": len(parts.monthdays or parts.nth or parts.workdays or (parts.date and (1,)) or ()),
        "year": len(parts.months or (parts.date and (1,)) or ()),
    }[unit]
    if unit == "week" and n == 1 and not days:
        days = 1
    if unit == "day" and n > 1 and not parts.clocks:
        raise Unclear(f"{said} does not say at which times", "at 9:00 and 17:00 every day")
    if not days:
        raise Unclear(f"{said} does not say on which days", *_DAY_CHOICES[unit])
    if days * clocks != n:
        raise Unclear(f"{said} and {days * clocks} times are both said")
    parts.every = unit


_DAY_CHOICES = {
    "day": (),
    "week": ("every Monday and Thursday",),
    "month": ("on the 1st of every month", "on the last day of every month"),
    "year": ("every year on 1 July",),
}


def _often(parts: Parts, zone: str, assumed: list[str]) -> When:
    """Every n seconds, minutes or hours, perhaps within a window of the day."""
    assert parts.step
    n, unit = parts.step
    if parts.clocks and parts.since and _SINCE.issuperset(parts.given):
        return When("interval", zone, every_s=n * words.UNITS[unit], assumed=tuple(assumed))
    if parts.clocks or parts.day_part or (parts.every and parts.every != "day"):
        raise Unclear("how often and at what time of day are both said")
    seconds = n * words.UNITS[unit]
    days, only_if = days_of(replace(parts, step=None), assumed)
    if parts.begin:
        times = _from_begin(parts, seconds)
        lines = cron_lines(times, days)
        return When("cron", zone, lines, only_if=only_if, assumed=tuple(assumed))
    if parts.window:
        if seconds % 60:
            raise Unclear("schedules are exact to the minute")
        times = _in_window(parts.window, seconds // 60, days, assumed, parts.past)
        lines = cron_lines(times, days)
        return When("cron", zone, lines, only_if=only_if, assumed=tuple(assumed))
    field = _stepped(seconds // 60, parts.past) if seconds % 60 == 0 else None
    if field is not None:
        cron = tuple(f"{field} {day}" for day in days)
        return When("cron", zone, cron, only_if=only_if, assumed=tuple(assumed))
    if days != ("* * *",) or only_if or parts.past:
        raise Unclear(
            "a schedule cannot say that exactly; add between which times of day",
            "between 9:00 and 17:00",
        )
    if seconds > LONGEST:
        raise Unclear("that is longer than a year")
    return When("interval", zone, every_s=seconds, assumed=tuple(assumed))


def _from_begin(parts: Parts, seconds: int) -> list[Clock]:
    """Where the day divides evenly and it starts within the first step, it is the same every day."""
    assert parts.begin
    start, step = parts.begin.hour * 60 + parts.begin.minute, seconds // 60
    even = seconds % 60 == 0 and step and 1440 % step == 0
    if parts.window or parts.past or not even or start >= step:
        raise Unclear("it is not said until when", f"from {parts.begin} to 18:00")
    return [Clock(t // 60, t % 60) for t in range(start, 1440, step)]


def _stepped(minutes: int, past: int | None) -> str | None:
    """Minute and hour fields for "every n minutes", where the day divides evenly."""
    if minutes < 60 and past is not None:
        raise Unclear("how often and at which minute are both said")
    if minutes == 1:
        return "* *"
    if minutes < 60 and 60 % minutes == 0:
        return f"*/{minutes} *"
    hours, rest = divmod(minutes, 60)
    if rest == 0 and hours == 1:
        return f"{past or 0} *"
    if rest == 0 and hours < 24 and 24 % hours == 0:
        return f"{past or 0} */{hours}"
    return None


def _in_window(
    window: tuple[Clock, Clock],
    step: int,
    days: tuple[str, ...],
    assumed: list[str],
    past: int | None,
) -> list[Clock]:
    first, last = window
    start, end = first.hour * 60 + first.minute, last.hour * 60 + last.minute
    if first.bare and not last.bare and last.hour > 12 and start <= end - 720:
        raise Unclear(f"is it {first} or {first.hour + 12}:{first.minute:02}?")
    if end <= start and last.bare and end + 720 > start:
        end += 720
        assumed.append(f"until {end // 60:02}:{end % 60:02}")
    elif first.bare and first.hour <= 6:
        assumed.append(f"from {first}")
    if end <= start:
        if days != ("* * *",):
            raise Unclear("it runs past midnight, on which day is not clear")
        end += 1440
    if past is not None:
        if step != 60:
            raise Unclear("how often and at which minute are both said")
        start += (past - start) % 60
    found = [t % 1440 for t in range(start, end + 1, step)]
    if len(found) < 2:
        raise Unclear("that is longer than the time in between")
    return [Clock(t // 60, t % 60) for t in sorted(set(found))]


def _every_years(parts: Parts, now: datetime, zone: str, assumed: list[str]) -> When:
    assert parts.step
    n = parts.step[0]
    leap = parts.date is not None and parts.date[1:] == (2, 29)
    if n > 4 or parts.every or (leap and n != 4):
        raise Unclear(f"a schedule cannot say “every {n} years” here", "every year")
    days, _ = days_of(replace(parts, step=None, every="year", leap=leap), assumed)
    times = times_of_day(parts, assumed)
    when = When("cron", zone, cron_lines(times, days), assumed=tuple(assumed))
    if leap:
        return limited(when, parts, now)
    return phased(when, parts, n, "year", now.astimezone(UTC))


def _every_days(parts: Parts, now: datetime, zone: str, assumed: list[str]) -> When:
    """Every n days or weeks: with a day or a time of day a cron that skips, else an interval."""
    assert parts.step
    n, unit = parts.step
    if parts.monthdays or parts.nth or parts.workdays or parts.date or parts.window or parts.past:
        raise Unclear("different kinds of days are said")
    if parts.every or (unit == "day" and parts.weekdays):
        raise Unclear("how often is said twice")
    seconds = n * words.UNITS[unit]
    if seconds > LONGEST:
        raise Unclear("that is longer than a year")
    timed = parts.clocks or parts.day_part
    if unit == "week" and not parts.weekdays and parts.since and timed:
        first = day_said(parts.since, now.astimezone(zone_info(zone)))
        parts = replace(parts, weekdays=(first.weekday(),))
    if unit == "week" and not parts.weekdays and timed:
        raise Unclear("it is not said on which day of the week", "every Monday", "every Friday")
    if not (parts.weekdays or timed or parts.since or parts.until or parts.lasting):
        if parts.excluded or parts.months or parts.since or parts.until or parts.lasting:
            raise Unclear("it is not said on which days")
        assumed.append("counted from now")
        return When("interval", zone, every_s=seconds, assumed=tuple(assumed))
    if unit == "week" and not parts.weekdays:
        raise Unclear("it is not said on which day of the week", "every Monday", "every Friday")
    if unit == "day" and (parts.excluded or parts.months):
        raise Unclear("a schedule cannot leave out those days exactly")
    days, _ = days_of(replace(parts, step=None), assumed)
    times = _times(parts, assumed)
    when = When("cron", zone, cron_lines(times, days), assumed=tuple(assumed))
    return phased(when, parts, n, unit, now.astimezone(UTC))
