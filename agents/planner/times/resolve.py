"""Parts into one time: cron, interval or moment, exactly, or a reason why not."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from agents.planner.times import clocks, words
from agents.planner.times.parts import Clock, Parts, Unclear
from agents.planner.times.zones import zone_info

LAST_WORKDAY = (
    "due.weekday < 5 and (due.day == due.days_in_month"
    " or (due.weekday == 4 and due.day >= due.days_in_month - 2))"
)
FIRST_WORKDAY = "due.weekday < 5 and (due.day == 1 or due.weekday == 0)"
DEFAULT = Clock(9)
HORIZON = timedelta(days=366 * 20)


@dataclass(frozen=True, slots=True)
class When:
    """One exact time. `cron` are croniter's five fields, in `timezone`; `at` is aware, in UTC.

    An interval counts from its `anchor`, aware, in UTC. `assumed` says, in words for a person, what
    was not said and is taken so.
    """

    kind: Literal["cron", "interval", "at"]
    timezone: str
    cron: tuple[str, ...] = ()
    every_s: int = 0
    at: datetime | None = None
    only_if: str | None = None
    anchor: datetime | None = None
    assumed: tuple[str, ...] = ()

    def trigger(self, name: str) -> dict[str, Any]:
        """The plan document's trigger of that name."""
        trigger: dict[str, Any] = {"name": name, "kind": self.kind}
        if self.kind == "interval":
            trigger |= {"every_s": self.every_s}
            return trigger | ({"anchor": _stamp(self.anchor)} if self.anchor else {})
        if self.at is not None:
            return trigger | {"timestamp": _stamp(self.at), "timezone": self.timezone}
        one = len(self.cron) == 1
        trigger |= {"schedule": self.cron[0]} if one else {"schedules": list(self.cron)}
        trigger |= {"timezone": self.timezone}
        return trigger | ({"only_if": self.only_if} if self.only_if else {})


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
    return _moment(parts, now, zone)


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
        times = _times(parts, assumed)
    else:
        times = [_settled(clock, parts.day_part, assumed) for clock in clocks_said]
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
    times = _times(parts, assumed)
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
            _existing(2024, month, day)
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


def _times(parts: Parts, assumed: list[str]) -> list[Clock]:
    if not parts.clocks:
        default = Clock(words.DAY_PARTS[parts.day_part]) if parts.day_part else DEFAULT
        assumed.append(f"at {default}, as no time of day was said")
        return [default]
    return [_settled(clock, parts.day_part, assumed) for clock in parts.clocks]


def _settled(clock: Clock, part: str | None, assumed: list[str]) -> Clock:
    """The clock on the 24-hour dial, with the part of the day that was said elsewhere."""
    if part and clock.bare:
        return clocks.in_part(clock, part)
    if part and clocks.in_part(clock, part) != clock:
        raise Unclear(f"“{clock}” is not in the {part}")
    if clock.bare and 1 <= clock.hour <= 6:
        said = str(clock.hour) if not clock.minute else f"{clock.hour}:{clock.minute:02}"
        assumed.append(f"I took {said} as {clock}; say “{said} pm” for the afternoon")
    return Clock(clock.hour, clock.minute)


# --- moments --------------------------------------------------------------------------------------


def _moment(parts: Parts, now: datetime, zone: str) -> When:
    info = zone_info(zone)
    assert info is not None
    here = now.astimezone(info)
    if parts.clocks and len(parts.clocks) > 1:
        raise Unclear("several times are said; every day, or once?", "every day")
    if parts.offset:
        return _from_now(parts, now, here, zone)
    assumed: list[str] = []
    clock = _times(parts, assumed)[0]
    bare = bool(parts.clocks and parts.clocks[0].bare and not parts.day_part)
    day = _day(parts, here, clock, assumed)
    at = _at(day, clock, here)
    if at <= now:
        later = Clock(clock.hour + 12, clock.minute) if bare and clock.hour < 12 else None
        if later and _at(day, later, here) > now:
            raise Unclear(f"{clock} has passed; is {later} meant?", f"at {later}")
        raise Unclear(f"{day.isoformat()} {clock} has passed")
    if at - now > HORIZON:
        raise Unclear("that is more than twenty years away")
    return When("at", zone, at=at, assumed=tuple(assumed))


def _day(parts: Parts, here: datetime, clock: Clock, assumed: list[str]) -> date:
    today = here.date()
    said = [parts.date is not None, parts.coming is not None, parts.days_ahead is not None]
    if sum(said) > 1 or (parts.weekdays and (said[1] or said[2])):
        raise Unclear("different days are said")
    if parts.date is not None:
        day = _dated(parts.date, here, clock)
        if parts.weekdays and day.weekday() not in parts.weekdays:
            raise Unclear(f"{day.isoformat()} is a {words.DAYS[day.weekday()].title()}")
        if parts.date[0] is None:
            assumed.append(f"on {day.isoformat()}")
        return day
    if parts.days_ahead is not None:
        return today + timedelta(days=parts.days_ahead)
    if parts.coming is not None:
        day = today + timedelta(days=(parts.coming - today.weekday() - 1) % 7 + 1)
        assumed.append(f"on {day.isoformat()}")
        return day
    if parts.weekdays:
        if len(parts.weekdays) > 1:
            raise Unclear("several days are said; every week, or once?")
        day = today + timedelta(days=(parts.weekdays[0] - today.weekday()) % 7)
        if _at(day, clock, here) <= here:
            day += timedelta(days=7)
        assumed.append(f"once, on {day.isoformat()}")
        return day
    if not parts.clocks:
        raise Unclear("it is not said on which day")
    return today if _at(today, clock, here) > here else today + timedelta(days=1)


def _dated(said: tuple[int | None, int | None, int], here: datetime, clock: Clock) -> date:
    year, month, day = said
    if year is not None and month is not None:
        return _existing(year, month, day)
    if not 1 <= day <= 31:
        raise Unclear(f"no month has a day {day}")
    if month is not None:
        _existing(2024, month, day)
    start = here.date().replace(day=1)
    for ahead in range(12 * 8 + 1):
        y, m = divmod(start.year * 12 + start.month - 1 + ahead, 12)
        if (month is None or m + 1 == month) and day <= calendar.monthrange(y, m + 1)[1]:
            found = date(y, m + 1, day)
            if _at(found, clock, here) > here:
                return found
    raise Unclear("there is no such day")


def _existing(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise Unclear(f"there is no day {year}-{month:02}-{day:02}") from None


def _at(day: date, clock: Clock, here: datetime) -> datetime:
    """That wall-clock time in UTC: the earlier of a repeated hour, moved forward out of a gap."""
    local = datetime.combine(day, time(clock.hour, clock.minute), tzinfo=here.tzinfo)
    return local.astimezone(UTC)


def _from_now(parts: Parts, now: datetime, here: datetime, zone: str) -> When:
    assert parts.offset
    n, unit = parts.offset
    if parts.date or parts.weekdays or parts.days_ahead is not None or parts.coming is not None:
        raise Unclear("different days are said")
    if unit in {"second", "minute", "hour"}:
        if parts.clocks or parts.day_part:
            raise Unclear("two different times are said")
        moment = now.astimezone(UTC) + timedelta(seconds=n * words.UNITS[unit])
        return _within(When("at", zone, at=moment.replace(microsecond=0)), now)
    if n != int(n):
        raise Unclear("that is not exact")
    day = _ahead(here.date(), int(n), unit)
    assumed: list[str] = []
    said = parts.clocks or parts.day_part
    clock = _times(parts, assumed)[0] if said else Clock(here.hour, here.minute)
    return _within(When("at", zone, at=_at(day, clock, here), assumed=tuple(assumed)), now)


def _ahead(day: date, n: int, unit: str) -> date:
    if n > 400:
        raise Unclear("that is too far away")
    if unit in {"day", "week"}:
        return day + timedelta(days=n * (7 if unit == "week" else 1))
    year, month = divmod(day.year * 12 + day.month - 1 + n * (12 if unit == "year" else 1), 12)
    return _existing(year, month + 1, day.day)


def _within(when: When, now: datetime) -> When:
    assert when.at is not None
    if not now < when.at <= now + HORIZON:
        raise Unclear("that time cannot be kept")
    return when
