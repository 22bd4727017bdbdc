"""Parts into one time: cron, interval or moment, exactly, or a reason why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from agents.planner.times import words
from agents.planner.times.moments import existing, moment
from agents.planner.times.parts import Clock, Parts, Unclear
from agents.planner.times.when import When, settled, times_of_day
from agents.planner.times.zones import zone_info

LAST_WORKDAY = (
    "due.weekday < 5 and (due.day == due.days_in_month"
    " or (due.weekday == 4 and due.day >= due.days_in_month - 2))"
)
FIRST_WORKDAY = "due.weekday < 5 and (due.day == 1 or due.weekday == 0)"


def resolve(parts: Parts, now: datetime, timezone: str) -> When:
    """The time these parts say, seen from `now` in `timezone`. Raises Unclear."""
    zone = parts.zone or timezone
    if zone_info(zone) is None:
        raise Unclear(f"there is no time zone “{zone}”")
    once = parts.days_ahead is not None or parts.coming is not None or parts.offset is not None
    yearly = parts.date is not None and parts.every == "year"
    monthly = (
        parts.date is not None
        and parts.date[1] is None
        and (parts.every == "month" or bool(parts.months) or parts.step is not None)
    )
    habit = parts.repeats
    if parts.months and not habit:
        raise Unclear("is it every year, or once?")
    if habit and (once or (parts.date is not None and not yearly and not monthly)):
        raise Unclear("a habit and a single day are both said")
    if habit:
        return _anchored(_habit(parts, zone), now)
    if parts.window:
        raise Unclear("it is not said how often in between")
    return moment(parts, now, zone)


def at_clocks(
    clocks_said: tuple[Clock, ...],
    parts: Parts,
    lines: tuple[str, ...],
    only_if: str | None,
    zone: str,
) -> When:
    """The days of existing cron lines, at these times of day. Raises Unclear."""
    assumed: list[str] = []
    if parts.day_part and not clocks_said:
        times = times_of_day(parts, assumed)
    else:
        times = [settled(clock, parts.day_part, assumed) for clock in clocks_said]
    days = tuple(dict.fromkeys(" ".join(line.split()[2:]) for line in lines))
    return When("cron", zone, _cron(times, days), only_if=only_if, assumed=tuple(assumed))


def _anchored(when: When, now: datetime) -> When:
    """Long intervals count from the minute they were asked for, so that the first is one away."""
    if when.kind != "interval" or when.every_s < words.UNITS["hour"]:
        return when
    return replace(when, anchor=now.astimezone(UTC).replace(second=0, microsecond=0))


# --- habits ---------------------------------------------------------------------------------------


def _habit(parts: Parts, zone: str) -> When:
    assumed: list[str] = []
    if parts.step and parts.step[1] in {"second", "minute", "hour"}:
        return _often(parts, zone)
    if parts.step and parts.step[0] > 1 and parts.step[1] in {"day", "week"}:
        return _every_days(parts, zone)
    if parts.window:
        raise Unclear("it is not said how often in between")
    days, only_if = _days(parts, assumed)
    if parts.every == "week" and not parts.weekdays:
        if parts.clocks or parts.day_part:
            raise Unclear("it is not said on which day of the week", "every Monday", "every Friday")
        assumed.append("counted from now")
        return When("interval", zone, every_s=604_800, assumed=tuple(assumed))
    times = times_of_day(parts, assumed)
    return When("cron", zone, cron=_cron(times, days), only_if=only_if, assumed=tuple(assumed))


def _often(parts: Parts, zone: str) -> When:
    """Every n seconds, minutes or hours, perhaps within a window of the day."""
    assert parts.step
    n, unit = parts.step
    if parts.clocks or parts.day_part or (parts.every and parts.every != "day"):
        raise Unclear("how often and at what time of day are both said")
    seconds = n * words.UNITS[unit]
    assumed: list[str] = []
    days, only_if = _days(parts, assumed)
    if parts.window:
        if seconds % 60:
            raise Unclear("schedules are exact to the minute")
        times = _in_window(parts.window, seconds // 60, days, assumed)
        return When("cron", zone, _cron(times, days), only_if=only_if, assumed=tuple(assumed))
    if seconds % 60 == 0 and (field := _stepped(seconds // 60)):
        cron = tuple(f"{field} {day}" for day in days)
        return When("cron", zone, cron, only_if=only_if, assumed=tuple(assumed))
    if days != ("* * *",) or only_if:
        raise Unclear(
            "a schedule cannot say that exactly; add between which times of day",
            "between 9:00 and 17:00",
        )
    if seconds > 366 * 86_400:
        raise Unclear("that is longer than a year")
    return When("interval", zone, every_s=seconds)


def _stepped(minutes: int) -> str | None:
    """Minute and hour fields for "every n minutes", where the day divides evenly."""
    if minutes == 1:
        return "* *"
    if minutes < 60 and 60 % minutes == 0:
        return f"*/{minutes} *"
    hours, rest = divmod(minutes, 60)
    if rest == 0 and hours == 1:
        return "0 *"
    if rest == 0 and hours < 24 and 24 % hours == 0:
        return f"0 */{hours}"
    return None


def _in_window(
    window: tuple[Clock, Clock], step: int, days: tuple[str, ...], assumed: list[str]
) -> list[Clock]:
    first, last = window
    start, end = first.hour * 60 + first.minute, last.hour * 60 + last.minute
    if end <= start and last.bare and end + 720 > start:
        end += 720
        assumed.append(f"until {end // 60:02}:{end % 60:02}")
    elif first.bare and first.hour <= 6:
        assumed.append(f"from {first}")
    if end <= start:
        if days != ("* * *",):
            raise Unclear("it runs past midnight, on which day is not clear")
        end += 1440
    found = [t % 1440 for t in range(start, end + 1, step)]
    if len(found) < 2:
        raise Unclear("that is longer than the time in between")
    return [Clock(t // 60, t % 60) for t in sorted(set(found))]


def _every_days(parts: Parts, zone: str) -> When:
    assert parts.step
    n, unit = parts.step
    others = (parts.weekdays, parts.monthdays, parts.nth, parts.months, parts.excluded)
    if any(others) or parts.clocks or parts.day_part or parts.window or parts.every:
        raise Unclear(
            f"a schedule cannot say “every {n} {unit}s” together with a day or a time of day",
            "every day" if unit == "day" else "every week",
        )
    seconds = n * words.UNITS[unit]
    if seconds > 366 * 86_400:
        raise Unclear("that is longer than a year")
    return When("interval", zone, every_s=seconds, assumed=("counted from now",))


def _days(parts: Parts, assumed: list[str]) -> tuple[tuple[str, ...], str | None]:
    """The last three cron fields (day, month, weekday), and a condition where they cannot say it."""
    months = _listed(parts.months) if parts.months else "*"
    if parts.step and parts.step[1] in {"month", "year"}:
        n, unit = parts.step
        if unit == "year" and n == 1:
            parts.every = "year"
        elif unit == "year" or 12 % n or parts.months:
            raise Unclear(f"a schedule cannot say “every {n} {unit}s” exactly")
        else:
            parts.every = "month"
            if n > 1:
                months = _listed(tuple(range(1, 13, n)))
                assumed.append("counted from January")
    monthdays = parts.monthdays
    if parts.date is not None:
        year, month, day = parts.date
        if year is not None:
            raise Unclear("a habit and a single day are both said")
        if parts.every == "year":
            if month is None or parts.weekdays:
                raise Unclear("it is not said on which day of the year")
            existing(2024, month, day)
            return (f"{day} {month} *",), None
        if day > 28:
            raise Unclear(f"not every month has a day {day}", "the last day of the month")
        monthdays = (day,)
    if parts.every == "year":
        raise Unclear("it is not said on which day of the year")
    said = [
        bool(monthdays),
        bool(parts.weekdays) and not parts.nth,
        bool(parts.nth),
        bool(parts.workday),
    ]
    if sum(said) > 1 or (parts.every == "day" and (any(said[:1]) or any(said[2:]))):
        raise Unclear("different kinds of days are said")
    return _day_fields(parts, monthdays, months)


def _day_fields(
    parts: Parts, monthdays: tuple[int, ...] | None, months: str
) -> tuple[tuple[str, ...], str | None]:
    if parts.excluded and (monthdays or parts.nth or parts.workday):
        raise Unclear("a schedule cannot leave out those days exactly")
    if parts.workday:
        days, condition = (
            ("1-3", FIRST_WORKDAY) if parts.workday == "first" else ("26-31", LAST_WORKDAY)
        )
        return (f"{days} {months} *",), condition
    if monthdays:
        fixed = [str(d) for d in monthdays if d > 0]
        lines = [f"{','.join(fixed)} {months} *"] if fixed else []
        return (*lines, *((f"L {months} *",) if -1 in monthdays else ())), None
    if parts.nth and parts.weekdays:
        day = _cron_day(parts.weekdays[0])
        counted = [f"{day}#{n}" for n in parts.nth if n > 0]
        lines = [f"* {months} {','.join(counted)}"] if counted else []
        return (*lines, *((f"* {months} L{day}",) if -1 in parts.nth else ())), None
    if parts.every == "month":
        raise Unclear("it is not said on which day of the month", "on the 1st", "on the last day")
    weekdays = parts.weekdays or tuple(range(7))
    if parts.every == "day" and parts.weekdays and len(parts.weekdays) < 7 and not parts.recurring:
        raise Unclear("every day and one day of the week are both said")
    kept = tuple(d for d in weekdays if d not in (parts.excluded or ()))
    if not kept:
        raise Unclear("no day is left")
    return (f"* {months} {_weekday_field(kept)}",), None


def _cron_day(day: int) -> int:
    return (day + 1) % 7


def _weekday_field(days: tuple[int, ...]) -> str:
    if len(days) == 7:
        return "*"
    return _listed(tuple(sorted(_cron_day(d) for d in days)))


def _listed(values: tuple[int, ...]) -> str:
    """1,2,3,5 as "1-3,5"."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(
        f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs
    )


def _cron(times: list[Clock], days: tuple[str, ...]) -> tuple[str, ...]:
    by_minute: dict[int, set[int]] = {}
    for clock in times:
        by_minute.setdefault(clock.minute, set()).add(clock.hour)
    hours: dict[str, list[int]] = {}
    for minute, found in by_minute.items():
        hours.setdefault(_listed(tuple(sorted(found))), []).append(minute)
    return tuple(
        f"{','.join(map(str, sorted(minutes)))} {hour} {day}"
        for hour, minutes in hours.items()
        for day in days
    )
