"""A trigger in a person's words: "Weekdays at 09:00"."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from cron_descriptor import ExpressionDescriptor, FormatError, Options

from backend.contracts.errors import Invalid
from backend.contracts.plans import (
    AtTrigger,
    CronTrigger,
    EventTrigger,
    IntervalTrigger,
    Trigger,
    WebhookTrigger,
)
from backend.plans.conditions import conditioned
from backend.plans.cron import cron, schedules
from backend.plans.cron_words import at_times, days, each_hour, listed, times

_UNITS = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def words(trigger: Trigger, timezone: str) -> str:
    """When a trigger fires, for a reader in `timezone`; another zone is named."""
    match trigger:
        case CronTrigger():
            return _crons(trigger) + _elsewhere(trigger.timezone, timezone)
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


def _crons(trigger: CronTrigger) -> str:
    """The lines of a trigger; those for the same days are said together."""
    said: dict[str, str] = {}
    due: dict[str, frozenset[int]] = {}
    lines: dict[str, list[str]] = {}
    for schedule in schedules(trigger):
        try:
            line = cron(schedule)
        except Invalid:
            said[schedule] = f"“{schedule}”"
            continue
        day, minutes = days(line), times(line)
        if day and minutes is not None:
            due[day] = due.get(day, frozenset()) | minutes
            lines.setdefault(day, []).append(schedule)
            said[day] = at_times(day, due[day])
        else:
            said[schedule] = (day and each_hour(day, line)) or _described(schedule)
    read = []
    for key, text in said.items():
        text = text or listed(_described(schedule) for schedule in lines[key])
        read.append(text if trigger.only_if is None else conditioned(text, trigger.only_if))
    return _joined(list(dict.fromkeys(read)))


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
    if not zone or zone == timezone:
        return ""
    # the names of the Etc zones count westwards
    fixed = re.fullmatch(r"Etc/GMT([+-])(\d+)", zone)
    return f" (UTC{'-' if fixed[1] == '+' else '+'}{fixed[2]})" if fixed else f" ({zone})"


def _joined(parts: list[str]) -> str:
    if not parts:
        return "Never"
    return listed([parts[0], *(f"{part[0].lower()}{part[1:]}" for part in parts[1:])])
