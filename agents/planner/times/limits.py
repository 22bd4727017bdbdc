"""Where a habit begins and ends, and which of its weeks or days count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from pydantic import TypeAdapter

from agents.planner.times.day import ahead, day_said
from agents.planner.times.parts import Parts, Unclear
from agents.planner.times.when import When, times_of_day
from agents.planner.times.zones import zone_info
from backend.contracts.plans import Trigger
from backend.plans.firings import next_firing

_TRIGGER: TypeAdapter[Trigger] = TypeAdapter(Trigger)


def anchored(when: When, parts: Parts, now: datetime) -> When:
    """An interval counts from the minute it was asked for, so that the first is one away, or from
    the day and time it is said to start at. Raises Unclear."""
    if parts.until or parts.lasting:
        raise Unclear("only days can be said to end; add a time of day")
    if parts.since is None:
        start = now.astimezone(UTC).replace(microsecond=0)
        whole = when.every_s % 60 == 0
        return replace(when, anchor=start.replace(second=0) if whole else start)
    if not parts.clocks or len(parts.clocks) > 1:
        raise Unclear("it is not said at what time it starts")
    info = zone_info(when.timezone)
    assumed: list[str] = []
    clock = times_of_day(parts, assumed)[0]
    day = day_said(parts.since, now.astimezone(info))
    start = datetime.combine(day, time(clock.hour, clock.minute), info).astimezone(UTC)
    if start <= now:
        raise Unclear("it is said to start in the past")
    return replace(when, anchor=start, assumed=(*when.assumed, *assumed))


def phased(when: When, parts: Parts, n: int, unit: str, now: datetime) -> When:
    """Every nth day or week, counted from the first time that is due. Raises Unclear."""
    since, _ = _since(parts, when, now)
    first = _first(replace(when, only_if=since), now)
    days = first.toordinal()
    name, count = {
        "day": ("day_count", days),
        "week": ("week_count", (days - 1) // 7),
        "year": ("year", first.year),
    }[unit]
    phase = f"due.{name} % {n} == {count % n}"
    counted = (*when.assumed, f"the first on {first.isoformat()}")
    return limited(replace(when, only_if=phase, assumed=counted), parts, now)


def limited(when: When, parts: Parts, now: datetime) -> When:
    """`when` with its first and last day. Raises Unclear."""
    since, start = _since(parts, when, now)
    conditions = [when.only_if, since]
    assumed = list(when.assumed)
    if parts.until and parts.lasting:
        raise Unclear("two different ends are said")
    last: date | None = None
    if parts.until:
        info = zone_info(when.timezone)
        last = day_said(parts.until, now.astimezone(info), after=start)
    elif parts.lasting:
        first = _first(replace(when, only_if=_all(conditions)), now)
        last = ahead(first, *parts.lasting) - timedelta(days=1)
    if last is not None:
        conditions.append(f'due.date <= "{last.isoformat()}"')
        assumed.append(f"until {last.isoformat()}, that day included")
        if start and last < start:
            raise Unclear("it ends before it begins")
    found = replace(when, only_if=_all(conditions), assumed=tuple(assumed))
    if last is not None:
        _first(found, now)
    return found


def _since(parts: Parts, when: When, now: datetime) -> tuple[str | None, date | None]:
    if parts.since is None:
        return None, None
    info = zone_info(when.timezone)
    start = day_said(parts.since, now.astimezone(info))
    return f'due.date >= "{start.isoformat()}"', start


def _all(conditions: list[str | None]) -> str | None:
    said = [condition for condition in conditions if condition]
    if len(said) > 1:
        said = [f"({each})" if " or " in each else each for each in said]
    return " and ".join(said) or None


def _first(when: When, now: datetime) -> date:
    """The day of the first firing."""
    trigger = _TRIGGER.validate_python(when.trigger("when"))
    due = next_firing(trigger, now, when.timezone)
    if due is None:
        raise Unclear("that never comes")
    return due.astimezone(zone_info(when.timezone)).date()
