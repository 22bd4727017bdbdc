"""When a trigger fires next, daylight saving included; always as aware datetimes in UTC."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from croniter.croniter import CroniterBadDateError

from backend.contracts.errors import Invalid
from backend.contracts.plans import AtTrigger, CronTrigger, IntervalTrigger, Trigger
from backend.expressions import Expression, parse
from backend.plans.cron import cron, schedules
from backend.plans.readback import words

# Longer than any shift of the clocks but a calendar's, so that times around a shift are put in order.
_AROUND_A_SHIFT = timedelta(hours=3)
_A_MONDAY = datetime(2024, 1, 1)  # noqa: DTZ001 - read in the person's zone
_HORIZON = timedelta(days=8 * 366)

__all__ = ["due_scope", "firings", "instant", "next_firing", "words", "zone", "zones"]


def next_firing(trigger: Trigger, after: datetime, timezone: str) -> datetime | None:
    """The first due time strictly after `after`; None when there is none. `timezone` is the IANA
    zone of a trigger that names none. An interval without anchor counts from a Monday's midnight
    there: asked at any moment, it names the same times.

    Raises `Invalid`: PLAN_CRON_INVALID, PLAN_ZONE_UNKNOWN, PLAN_EXPRESSION_INVALID.
    """
    return next(_firings(trigger, after, timezone), None)


def firings(trigger: Trigger, after: datetime, timezone: str, count: int) -> tuple[datetime, ...]:
    """The first `count` due times strictly after `after`, fewer when there are no more."""
    return tuple(islice(_firings(trigger, after, timezone), count))


def zone(name: str) -> ZoneInfo:
    """An IANA zone. Raises `Invalid` (PLAN_ZONE_UNKNOWN)."""
    if name not in zones():
        raise Invalid(f"There is no time zone “{name[:64]}”.", code="PLAN_ZONE_UNKNOWN")
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    return frozenset(available_timezones())


def instant(timestamp: datetime, timezone: str) -> datetime:
    """A moment in UTC; one without zone is read in `timezone`."""
    aware = timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=zone(timezone))
    return aware.astimezone(UTC)


def due_scope(due: date) -> dict[str, Any]:
    """What `only_if` may look at: days of the month are numbers, Monday is weekday 0, `date` is ISO
    text. `workday` numbers the working days of the month (0 on a weekend), `workdays` is how many it
    has; `day_count` and `week_count` number all days and weeks, so that every nth one can be told.
    """
    days = calendar.monthrange(due.year, due.month)[1]
    last = date(due.year, due.month, days)
    return {
        "due": {
            "day": due.day,
            "month": due.month,
            "weekday": due.weekday(),
            "days_in_month": days,
            "last_workday": days - max(0, last.weekday() - 4),
            "workday": _workdays(due) if due.weekday() < 5 else 0,
            "workdays": _workdays(last),
            "year": due.year,
            "date": due.isoformat(),
            "day_count": due.toordinal(),
            "week_count": (due.toordinal() - 1) // 7,
        }
    }


def _workdays(until: date) -> int:
    """How many working days the month has until that day."""
    first = until.weekday() - until.day + 1
    return sum((first + day) % 7 < 5 for day in range(until.day))


def _firings(trigger: Trigger, after: datetime, timezone: str) -> Iterator[datetime]:
    after = after.astimezone(UTC)
    match trigger:
        case AtTrigger():
            when = instant(trigger.timestamp, trigger.timezone or timezone)
            if when > after:
                yield when
        case IntervalTrigger():
            every = timedelta(seconds=trigger.every_s)
            anchor = instant(trigger.anchor or _A_MONDAY, timezone)
            when = anchor + every * max(0, (after - anchor) // every + 1)
            while True:
                yield when
                when += every
        case CronTrigger():
            yield from _cron_firings(trigger, after, zone(trigger.timezone or timezone))


def _cron_firings(trigger: CronTrigger, after: datetime, tz: tzinfo) -> Iterator[datetime]:
    crons = [cron(schedule) for schedule in schedules(trigger)]
    only_if = parse(trigger.only_if) if trigger.only_if else None
    last = after
    try:
        while after < last + _HORIZON:
            found = [due for each in crons if (due := _next(each, after, tz))]
            if not found:
                return
            after = min(found)
            day = after.astimezone(tz).date()
            if only_if is None or _holds(only_if, day):
                last = after
                yield after
            else:
                # The condition sees only the date: nothing more can be due on this day.
                end = datetime.combine(day + timedelta(days=1), time(), tz) - timedelta(seconds=1)
                after = max(after, end.astimezone(UTC))
    except OverflowError:
        return


def _holds(only_if: Expression, due: date) -> bool:
    try:
        return bool(only_if.evaluate(due_scope(due)))
    except Invalid:
        return False  # divided by a zero that only this day brings


def _next(schedule: croniter, after: datetime, tz: tzinfo) -> datetime | None:
    local = after.astimezone(tz).replace(tzinfo=None)
    start = local - _AROUND_A_SHIFT if _shifts(local, tz) else local
    best: datetime | None = None
    limit = start
    for naive in _naive(schedule, start):
        if best is not None and naive > limit:
            break
        for due in _instants(naive, tz, every_hour=schedule.expanded[1] == ["*"]):
            if due > after and (best is None or due < best):
                best = due
                limit = naive + _AROUND_A_SHIFT if _shifts(naive, tz) else naive
        if best is not None and limit == naive:
            break
    return best


def _naive(schedule: croniter, start: datetime) -> Iterator[datetime]:
    schedule.set_current(start, force=True)
    while True:
        try:
            yield schedule.get_next(datetime)
        except CroniterBadDateError:
            return


def _instants(naive: datetime, tz: tzinfo, *, every_hour: bool) -> Iterator[datetime]:
    """A local time as moments. A fixed hour counts once: the first of two, and what a gap swallows
    is moved behind it. Every hour means every real one: both of two, and none in a gap."""
    first = naive.replace(tzinfo=tz).astimezone(UTC)
    exists = first.astimezone(tz).replace(tzinfo=None) == naive
    if exists or not every_hour:
        yield first
    second = naive.replace(tzinfo=tz, fold=1).astimezone(UTC)
    if every_hour and exists and second != first:
        yield second


def _shifts(naive: datetime, tz: tzinfo) -> bool:
    """Whether the clocks are changed around this local time."""
    before, behind = naive - _AROUND_A_SHIFT, naive + _AROUND_A_SHIFT
    return tz.utcoffset(before) != tz.utcoffset(behind)
