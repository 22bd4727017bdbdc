"""Parts into one moment, seen from now."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta

from agents.planner.times import words
from agents.planner.times.parts import Clock, Parts, Unclear
from agents.planner.times.when import When, times_of_day
from agents.planner.times.zones import zone_info

HORIZON = timedelta(days=366 * 20)


def moment(parts: Parts, now: datetime, zone: str) -> When:
    info = zone_info(zone)
    assert info is not None
    here = now.astimezone(info)
    if parts.clocks and len(parts.clocks) > 1:
        raise Unclear("several times are said; every day, or once?", "every day")
    if parts.offset:
        return _from_now(parts, now, here, zone)
    assumed: list[str] = []
    clock = times_of_day(parts, assumed)[0]
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
        return existing(year, month, day)
    if not 1 <= day <= 31:
        raise Unclear(f"no month has a day {day}")
    if month is not None:
        existing(2024, month, day)
    start = here.date().replace(day=1)
    for ahead in range(12 * 8 + 1):
        y, m = divmod(start.year * 12 + start.month - 1 + ahead, 12)
        if (month is None or m + 1 == month) and day <= calendar.monthrange(y, m + 1)[1]:
            found = date(y, m + 1, day)
            if _at(found, clock, here) > here:
                return found
    raise Unclear("there is no such day")


def existing(year: int, month: int, day: int) -> date:
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
    clock = times_of_day(parts, assumed)[0] if said else Clock(here.hour, here.minute)
    return _within(When("at", zone, at=_at(day, clock, here), assumed=tuple(assumed)), now)


def _ahead(day: date, n: int, unit: str) -> date:
    if n > 400:
        raise Unclear("that is too far away")
    if unit in {"day", "week"}:
        return day + timedelta(days=n * (7 if unit == "week" else 1))
    year, month = divmod(day.year * 12 + day.month - 1 + n * (12 if unit == "year" else 1), 12)
    return existing(year, month + 1, day.day)


def _within(when: When, now: datetime) -> When:
    assert when.at is not None
    if not now < when.at <= now + HORIZON:
        raise Unclear("that time cannot be kept")
    return when
