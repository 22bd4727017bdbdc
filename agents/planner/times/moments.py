"""Parts into one moment, seen from now."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from agents.planner.times import words
from agents.planner.times.day import day_said, on_day
from agents.planner.times.parts import Clock, Parts, Unclear
from agents.planner.times.when import When, times_of_day
from agents.planner.times.zones import zone_info

HORIZON = timedelta(days=366 * 20)
_OF_A_MOMENT = frozenset(
    {
        *("weekdays", "date", "coming", "which", "days_later", "days_ahead", "offset", "stamp"),
        *("month_ahead", "week_ahead", "nth", "monthdays", "workdays"),
        *("clocks", "day_part", "zone", "once", "assumes"),
    }
)


def moment(parts: Parts, now: datetime, zone: str, timezone: str) -> When:
    """The one moment these parts say, in `zone`, for a person in `timezone`. Raises Unclear."""
    info = zone_info(zone)
    here = now.astimezone(info)
    if not _OF_A_MOMENT.issuperset(parts.given):
        raise Unclear("a single moment and a habit are both said")
    if parts.clocks and len(parts.clocks) > 1:
        raise Unclear("several times are said; every day, or once?", "every day")
    if parts.stamp is not None:
        if len(parts.given) > 1:
            raise Unclear("two different times are said")
        return _kept(When("at", zone, at=parts.stamp.astimezone(UTC)), now)
    if parts.offset and parts.offset[1] in {"second", "minute", "hour"}:
        return _from_now(parts, now, zone)
    assumed: list[str] = []
    clock = _clock(parts, here, assumed)
    day = _day(parts, here, clock, assumed)
    if zone != timezone and parts.date is None and not _undated(parts):
        theirs = _day(parts, now.astimezone(zone_info(timezone)), clock, [])
        if theirs != day:
            raise Unclear(
                f"there it is another day now; is {day.isoformat()} or {theirs.isoformat()} meant?",
                f"on {day.isoformat()} at {clock}",
                f"on {theirs.isoformat()} at {clock}",
            )
    if parts.days_ahead == 0 and parts.day_part == "night" and clock.edge:
        day += timedelta(days=1)  # "tonight at midnight" is behind this day
    else:
        _check_edges(parts, clock, day)
    at = _at(day, clock, here)
    if at <= now:
        bare = bool(parts.clocks and parts.clocks[0].bare and not parts.day_part)
        later = Clock(clock.hour + 12, clock.minute) if bare and clock.hour < 12 else None
        if later and _at(day, later, here) > now:
            raise Unclear(f"{clock} has passed; is {later} meant?", f"at {later}")
        raise Unclear(f"{day.isoformat()} {clock} has passed")
    return _kept(When("at", zone, at=at, assumed=tuple(assumed)), now)


def _clock(parts: Parts, here: datetime, assumed: list[str]) -> Clock:
    if parts.offset and not parts.clocks and not parts.day_part:
        return Clock(here.hour, here.minute)
    return times_of_day(parts, assumed)[0]


def _undated(parts: Parts) -> bool:
    """Whether only a time of day is said."""
    days = {"weekdays", "days_ahead", "coming", "month_ahead", "week_ahead", "offset"}
    return days.isdisjoint(parts.given)


def _check_edges(parts: Parts, clock: Clock, day: date) -> None:
    """Midnight is between two days, and the small hours of a night are the next day's."""
    if clock.edge and not (_undated(parts) and parts.date is None):
        after = day + timedelta(days=1)
        raise Unclear(
            "midnight belongs to two days; which one begins then?",
            f"on {day.isoformat()} at 00:00",
            f"on {after.isoformat()} at 00:00",
        )
    if parts.day_part == "night" and clock.hour < 6 and not _undated(parts):
        raise Unclear(f"the night at {clock} belongs to two days", f"tomorrow at {clock}")


def _day(parts: Parts, here: datetime, clock: Clock, assumed: list[str]) -> date:
    today = here.date()
    if not _undated(parts) or parts.date is not None:
        if parts.weekdays and parts.date is None and parts.week_ahead is None and not parts.nth:
            return _weekday(parts, here, clock, assumed)
        day = day_said(parts, here, clock=clock)
        if parts.days_ahead is None and not (parts.date and parts.date[0]):
            assumed.append(f"on {day.isoformat()}")
        return day
    if not parts.clocks:
        raise Unclear("it is not said on which day")
    return today if _at(today, clock, here) > here else today + timedelta(days=1)


def _weekday(parts: Parts, here: datetime, clock: Clock, assumed: list[str]) -> date:
    assert parts.weekdays
    said = {"days_ahead", "coming", "month_ahead", "offset"} & set(parts.given)
    if said:
        raise Unclear("different days are said")
    if len(parts.weekdays) > 1:
        raise Unclear("several days are said; every week, or once?")
    day = here.date() + timedelta(days=(parts.weekdays[0] - here.weekday()) % 7)
    if _at(day, clock, here) <= here:
        day += timedelta(days=7)
    assumed.append(f"once, on {day.isoformat()}")
    return day


def _at(day: date, clock: Clock, here: datetime) -> datetime:
    """That wall-clock time in UTC: the earlier of a repeated hour, moved forward out of a gap."""
    return on_day(day, time(clock.hour, clock.minute), here)


def _from_now(parts: Parts, now: datetime, zone: str) -> When:
    assert parts.offset
    n, unit = parts.offset
    if not {"zone", "offset", "once"}.issuperset(parts.given):
        raise Unclear("two different times are said")
    moment = now.astimezone(UTC) + timedelta(seconds=n * words.UNITS[unit])
    return _kept(When("at", zone, at=moment.replace(microsecond=0)), now)


def _kept(when: When, now: datetime) -> When:
    assert when.at is not None
    if when.at <= now:
        raise Unclear("that time has passed")
    if when.at > now + HORIZON:
        raise Unclear("that is more than twenty years away")
    return when
