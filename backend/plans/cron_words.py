"""Cron lines in words: "Weekdays at 09:00", "Every 20 minutes from 07:00 to 09:00"."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from croniter import croniter

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_NTH: dict[Any, str] = {
    1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", "l": "last",
}  # fmt: skip
_EVERY_DAY = "Every day"
_MANY_TIMES = 4
_MINUTES_A_DAY = 1440


def days(schedule: croniter) -> str:
    """The days a line is due on, or "" for what our words cannot say."""
    _, _, monthdays, months, weekdays = schedule.expanded
    return _day(monthdays, months, weekdays, schedule.nth_weekday_of_month)


def times(schedule: croniter) -> frozenset[int] | None:
    """The minutes of the day a line is due at; None when it repeats every hour."""
    minutes, hours = schedule.expanded[:2]
    if "*" in (*minutes, *hours):
        return None
    return frozenset(hour * 60 + minute for hour in hours for minute in minutes)


def at_times(day: str, due: frozenset[int]) -> str:
    """Some minutes of such days; "" for what our words cannot say."""
    ordered = sorted(due)
    if len(ordered) <= _MANY_TIMES:
        return f"{day} at {listed(_clock(minute) for minute in ordered)}"
    step = _step(ordered)
    if step:
        return _often(day, f"Every {period(step)}")
    past = ordered[0]
    if past < 60 and (step := _step([minute - past for minute in ordered])) and step % 60 == 0:
        return _often(day, f"Every {period(step)} at {past} minutes past")
    gaps = [(after - before) % _MINUTES_A_DAY for before, after in pairwise([*ordered, ordered[0]])]
    first = (gaps.index(max(gaps)) + 1) % len(ordered)
    if first and day != _EVERY_DAY:
        return ""
    windows = _windows(ordered[first:] + ordered[:first], min(gaps))
    return _often(day, f"Every {period(min(gaps))} {listed(windows)}") if windows else ""


def _windows(ordered: list[int], step: int) -> list[str]:
    """The stretches of the day that these minutes fill in even steps; none when one stands alone."""
    found: list[list[int]] = []
    for minute in ordered:
        if found and (minute - found[-1][-1]) % _MINUTES_A_DAY == step:
            found[-1].append(minute)
        else:
            found.append([minute])
    if any(len(window) == 1 for window in found):
        return []
    return [f"from {_clock(window[0])} to {_clock(window[-1])}" for window in found]


def each_hour(day: str, schedule: croniter) -> str:
    """A line that repeats every hour, or "" for what our words cannot say."""
    minutes, hours = schedule.expanded[:2]
    if hours != ["*"]:
        return ""
    if len(minutes) == 1 and minutes != ["*"]:
        past = f" at {minutes[0]} minutes past" if minutes[0] else ""
        return _often(day, f"Every hour{past}")
    step = 1 if minutes == ["*"] else 60 // len(minutes)
    if minutes == ["*"] or minutes == list(range(0, 60, step)):
        return _often(day, f"Every {period(step)}")
    return ""


def period(minutes: int) -> str:
    """A step as it follows "every": "minute", "20 minutes", "2 hours"."""
    count, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
    return unit if count == 1 else f"{count:,} {unit}s"


def _often(day: str, often: str) -> str:
    return often if day == _EVERY_DAY else f"{day}, {often[0].lower()}{often[1:]}"


def _step(ordered: list[int]) -> int:
    """The even step that makes these minutes, from midnight round to midnight; else 0."""
    step = _MINUTES_A_DAY // len(ordered)
    return step if ordered == list(range(0, _MINUTES_A_DAY, step)) else 0


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _day(
    monthdays: list[Any], months: list[Any], weekdays: list[Any], nth: dict[Any, set[Any]]
) -> str:
    year_round = months == ["*"]
    named_months = "" if year_round else listed(_MONTHS[month - 1] for month in months)
    of = "of every month" if year_round else f"of {named_months} every year"
    within = "" if year_round else f" in {named_months}"
    if monthdays != ["*"] and weekdays != ["*"]:
        return ""
    if monthdays != ["*"]:
        of = "of February every leap year" if (monthdays, months) == ([29], [2]) else of
        named = listed("last day" if day == "l" else ordinal(day) for day in monthdays)
        return f"{named[0].upper()}{named[1:]} {of}"
    if nth:
        named = _nth_days(nth)
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
    return listed(f"{_DAYS[day % 7]}s" for day in ordered) + within


def _nth_days(nth: dict[Any, set[Any]]) -> str:
    return listed(
        f"{listed(_NTH[week] for week in sorted(nth[day], key=list(_NTH).index))} {_DAYS[day % 7]}"
        for day in sorted(nth)
    )


def ordinal(day: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    ending = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def listed(parts: Iterable[str]) -> str:
    """a, b and c."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
