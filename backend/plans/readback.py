"""A trigger in a person's words: "Weekdays at 09:00"."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from cron_descriptor import ExpressionDescriptor, FormatError, Options
from croniter import croniter

from backend.contracts.errors import Invalid
from backend.contracts.plans import (
    AtTrigger,
    CronTrigger,
    EventTrigger,
    IntervalTrigger,
    Trigger,
    WebhookTrigger,
)
from backend.plans.cron import cron, schedules

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_NTH: dict[Any, str] = {
    1: "First", 2: "Second", 3: "Third", 4: "Fourth", 5: "Fifth", "l": "Last",
}  # fmt: skip
_UNITS = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_LAST_WORKDAY = frozenset({"due.day==due.last_workday", "due.last_workday==due.day"})
_EVERY_DAY = "Every day"
_MANY_TIMES = 4


def words(trigger: Trigger, timezone: str) -> str:
    """When a trigger fires, for a reader in `timezone`; another zone is named."""
    match trigger:
        case CronTrigger():
            said = _joined([_cron(each, trigger.only_if) for each in schedules(trigger)])
            return said + _elsewhere(trigger.timezone, timezone)
        case IntervalTrigger():
            return f"Every {_period(trigger.every_s)}"
        case AtTrigger():
            return _once(trigger, timezone)
        case WebhookTrigger():
            return "When its web address is called"
        case EventTrigger():
            return f"When “{trigger.type}” happens"
        case _:
            return "When you start it"


def _cron(schedule: str, only_if: str | None) -> str:
    try:
        said = _plain(cron(schedule)) or _described(schedule)
    except Invalid:
        return f"“{schedule}”"
    if only_if is None:
        return said
    if only_if.replace(" ", "") in _LAST_WORKDAY and said.startswith((_EVERY_DAY, "Weekdays")):
        rest = said.removeprefix(_EVERY_DAY).removeprefix("Weekdays")
        return f"Last working day of every month{rest}"
    return f"{said}, if {only_if}"


def _plain(schedule: croniter) -> str:
    """Our own words, or "" for what they cannot say."""
    minutes, hours, days, months, weekdays = schedule.expanded
    day = _day(days, months, weekdays, schedule.nth_weekday_of_month)
    if not day:
        return ""
    if "*" not in (*minutes, *hours) and len(minutes) * len(hours) <= _MANY_TIMES:
        times = [f"{hour:02}:{minute:02}" for hour, minute in product(hours, minutes)]
        return f"{day} at {_listed(times)}"
    often = _often(minutes, hours)
    if not often:
        return ""
    return often if day == _EVERY_DAY else f"{day}, {often[0].lower()}{often[1:]}"


def _day(days: list[Any], months: list[Any], weekdays: list[Any], nth: dict[Any, set[Any]]) -> str:
    year_round = months == ["*"]
    of = "of every month" if year_round else f"of {_listed(_MONTHS[m - 1] for m in months)}"
    within = "" if year_round else f" in {_listed(_MONTHS[m - 1] for m in months)}"
    if days != ["*"] and weekdays != ["*"]:
        return ""
    if days != ["*"]:
        named = _listed("last day" if day == "l" else _ordinal(day) for day in days)
        return f"{named[0].upper()}{named[1:]} {of}"
    if nth:
        named = _listed(
            f"{_NTH[week].lower()} {_DAYS[day % 7]}" for day in sorted(nth) for week in nth[day]
        )
        return f"{named[0].upper()}{named[1:]} {of}" if set(nth) == set(weekdays) else ""
    if weekdays == ["*"]:
        return _EVERY_DAY + within
    if sorted(weekdays) == [1, 2, 3, 4, 5]:
        return "Weekdays" + within
    if {day % 7 for day in weekdays} == {0, 6}:
        return "Weekends" + within
    if len(weekdays) == 1:
        return f"Every {_DAYS[weekdays[0] % 7]}{within}"
    ordered = sorted(weekdays, key=lambda day: day % 7 or 7)
    return _listed(f"{_DAYS[day % 7]}s" for day in ordered) + within


def _often(minutes: list[Any], hours: list[Any]) -> str:
    step = _step(hours, 24)
    if minutes != ["*"] and len(minutes) == 1 and step:
        past = f" at {minutes[0]} minutes past" if minutes[0] else ""
        return f"Every {'hour' if step == 1 else f'{step} hours'}{past}"
    if hours == ["*"] and (step := _step(minutes, 60)):
        return "Every minute" if step == 1 else f"Every {step} minutes"
    return ""


def _step(values: list[Any], size: int) -> int:
    """The even step that makes these values, from 0 round to 0 again; else 0."""
    if values == ["*"]:
        return 1
    step = size // len(values)
    return step if len(values) > 1 and values == list(range(0, size, step)) else 0


def _described(schedule: str) -> str:
    options = Options()
    options.use_24hour_time_format = True
    try:
        return str(ExpressionDescriptor(schedule, options).get_description())
    except (FormatError, ValueError, LookupError, TypeError, AttributeError):
        return f"“{schedule}”"


def _once(trigger: AtTrigger, timezone: str) -> str:
    when = trigger.timestamp
    if when.tzinfo is not None:
        try:
            when = when.astimezone(ZoneInfo(trigger.timezone or timezone))
        except (ValueError, OSError, LookupError, OverflowError):
            return f"Once, {when:%a} {when.day} {when:%b %Y at %H:%M %Z}"
    said = f"Once, {when:%a} {when.day} {when:%b %Y at %H:%M}"
    return said + _elsewhere(trigger.timezone, timezone)


def _period(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    count = seconds // size
    return unit if count == 1 else f"{count:,} {unit}s"


def _elsewhere(zone: str | None, timezone: str) -> str:
    return f" ({zone})" if zone and zone != timezone else ""


def _ordinal(day: int) -> str:
    ending = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _listed(parts: Iterable[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _joined(parts: list[str]) -> str:
    if not parts:
        return "Never"
    return _listed([parts[0], *(f"{part[0].lower()}{part[1:]}" for part in parts[1:])])
