"""Parts into one time: cron, interval or moment, exactly, or a reason why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from agents.planner.times.fields import MAX_LINES, cron_lines
from agents.planner.times.habits import habit
from agents.planner.times.moments import moment
from agents.planner.times.parts import Clock, Parts, Unclear
from agents.planner.times.when import When, settled, times_of_day
from agents.planner.times.zones import zone_info

_SHARED = ("zone", "since", "until", "lasting")
_DAYS = (
    *("every", "weekdays", "monthdays", "nth", "workdays", "date", "coming", "days_ahead"),
    *("offset", "step", "per", "quarter"),
)


def resolve(wholes: list[Parts], now: datetime, timezone: str) -> When:
    """The time these parts say, seen from `now` in `timezone`; several parts are several schedules
    of one trigger. Raises Unclear."""
    if len(wholes) == 1:
        return _one(wholes[0], now, timezone)
    whens = [_one(parts, now, timezone) for parts in _shared(wholes)]
    if any(when.kind != "cron" for when in whens):
        raise Unclear("several different times are said, and not all of them are days of a habit")
    if len({(when.timezone, when.only_if) for when in whens}) > 1:
        raise Unclear("these times cannot be kept by one schedule; say one of them")
    lines = tuple(dict.fromkeys(line for when in whens for line in when.cron))
    if len(lines) > MAX_LINES:
        raise Unclear("that is too much for one schedule")
    assumed = tuple(dict.fromkeys(said for when in whens for said in when.assumed))
    return replace(whens[0], cron=lines, assumed=assumed)


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
    return When("cron", zone, cron_lines(times, days), only_if=only_if, assumed=tuple(assumed))


def _one(parts: Parts, now: datetime, timezone: str) -> When:
    if not parts.said:
        if parts.days_ahead is not None:
            raise Unclear("it is not said at what time today")
        raise Unclear("that is not a whole time")
    zone = parts.zone or timezone
    if zone_info(zone) is None:
        raise Unclear(f"there is no time zone “{zone}”")
    parts = _listed(parts)
    once = (parts.days_ahead, parts.coming, parts.offset, parts.stamp, parts.week_ahead)
    single = any(value is not None for value in once)
    dated = parts.date is not None and not _yearly(parts) and not _monthly(parts)
    if parts.months and (not parts.repeats or not (parts.recurring or parts.every or parts.step)):
        raise Unclear("is it every year, or once?", "every year")
    if parts.repeats:
        if parts.once:
            raise Unclear("it is said to be once, and a habit")
        if single or dated or parts.month_ahead is not None:
            raise Unclear("a habit and a single day are both said")
        return habit(parts, now, zone)
    if parts.since or parts.until or parts.lasting:
        raise Unclear("it is said from or until when, but not on which days", "every day")
    if parts.window:
        raise Unclear("it is not said how often in between")
    return moment(parts, now, zone, timezone)


def _listed(parts: Parts) -> Parts:
    """Several days of the week, or several times and no day, can only be a habit."""
    if parts.repeats:
        return parts
    others = (parts.date, parts.coming, parts.days_ahead, parts.offset, parts.stamp)
    free = all(value is None for value in (*others, parts.month_ahead, parts.week_ahead))
    if free and parts.weekdays and len(parts.weekdays) > 1:
        return replace(parts, recurring=True, assumes=(*parts.assumes, "every week"))
    if free and not parts.weekdays and parts.clocks and len(parts.clocks) > 1:
        return replace(parts, every="day", assumes=(*parts.assumes, "every day"))
    return parts


def _yearly(parts: Parts) -> bool:
    counted = (parts.step or parts.per or (0, ""))[1]
    return "year" in {parts.every, counted}


def _monthly(parts: Parts) -> bool:
    assert parts.date
    every = parts.every == "month" or (parts.per is not None and parts.per[1] == "month")
    stepped = parts.step is not None and parts.step[1] == "month"
    repeated = every or bool(parts.months) or stepped or parts.quarter
    return parts.date[1] is None and repeated


def _shared(wholes: list[Parts]) -> list[Parts]:
    """What is said once of several schedules. Raises Unclear where it is not clear of which."""
    wholes = [replace(parts) for parts in wholes]
    for name in (*_SHARED, "months"):
        _share(wholes, name)
    for before, parts in pairwise(wholes):
        if not any(getattr(parts, name) not in (None, False) for name in _DAYS):
            for name in (*_DAYS, "recurring", "excluded"):
                setattr(parts, name, getattr(before, name))
    _dates_together(wholes)
    if not any(getattr(wholes[0], name) not in (None, False) for name in _DAYS):
        raise Unclear("it is not said of each time on which days")
    if any(not parts.timed for parts in wholes):
        raise Unclear("it is not said of each day at what time")
    monthly = any(parts.every == "month" for parts in wholes)
    habitual = any(parts.repeats for parts in wholes)
    for parts in wholes:
        if monthly and parts.date and parts.date[1] is None and parts.every is None:
            parts.every = "month"
        elif parts.weekdays and not parts.repeats:
            parts.recurring = True
            parts.assumes = () if habitual else ("every week",)
    return wholes


def _dates_together(wholes: list[Parts]) -> None:
    """ "on 1 January and 1 July at 9 every year": the time and the year are said of both."""
    if any(parts.date is None for parts in wholes):
        return
    if all(set(parts.given) <= {"date", "clocks", "day_part", "zone"} for parts in wholes):
        _monthdays_together(wholes)
    yearly = any(_yearly(parts) or (parts.per and parts.per[1] == "year") for parts in wholes)
    count = next((parts.per for parts in wholes if parts.per), None)
    if count is not None and count[0] != sum(len(parts.clocks or (1,)) for parts in wholes):
        raise Unclear("more or fewer days are said than times a year")
    for parts in wholes:
        parts.per = None
        if yearly:
            parts.every = "year"
        if not parts.timed:
            parts.clocks, parts.day_part = wholes[-1].clocks, wholes[-1].day_part


def _monthdays_together(wholes: list[Parts]) -> None:
    """ "on the 1st at 9 and on the 15th at 17" can only be every month."""
    if all(parts.date and parts.date[1] is None for parts in wholes):
        for parts in wholes:
            parts.every, parts.assumes = "month", ("every month",)


def _share(wholes: list[Parts], name: str) -> None:
    """What is said behind the last schedule holds for all; said of an earlier one, it is unclear."""
    last = getattr(wholes[-1], name)
    for parts in wholes[:-1]:
        mine = getattr(parts, name)
        if mine != last and (mine is not None or name == "months"):
            raise Unclear(f"it is not clear which of these times the {_NAMES[name]} belongs to")
        setattr(parts, name, last)


_NAMES = {
    "zone": "time zone",
    "since": "beginning",
    "until": "end",
    "lasting": "end",
    "months": "month",
}
