"""Cron fields: times of day and days in croniter's notation."""

from __future__ import annotations

from agents.planner.times.parts import Clock, Unclear

MAX_LINES = 20  # that a trigger may have


def cron_day(day: int) -> int:
    """Monday 0 to Sunday 6 as Sunday 0 to Saturday 6."""
    return (day + 1) % 7


def weekday_field(days: tuple[int, ...]) -> str:
    if len(days) == 7:
        return "*"
    return listed(tuple(sorted(cron_day(d) for d in days)))


def listed(values: tuple[int, ...]) -> str:
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


def cron_lines(times: list[Clock], days: tuple[str, ...]) -> tuple[str, ...]:
    """The lines for these times on these days (day, month, weekday), as few as can be.

    Raises Unclear when a trigger cannot hold them.
    """
    by_minute = _grouped([(clock.minute, clock.hour) for clock in times])
    by_hour = _grouped([(clock.hour, clock.minute) for clock in times])
    if len(by_minute) <= len(by_hour):
        pairs = [(minutes, hours) for hours, minutes in by_minute]
    else:
        pairs = [(minutes, hours) for minutes, hours in by_hour]
    if len(pairs) * len(days) > MAX_LINES:
        raise Unclear("that is too much for one schedule")
    return tuple(f"{listed(m)} {listed(h)} {day}" for m, h in pairs for day in days)


def _grouped(pairs: list[tuple[int, int]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """(key, value) pairs as (values, keys that have exactly these)."""
    values: dict[int, set[int]] = {}
    for key, value in pairs:
        values.setdefault(key, set()).add(value)
    keys: dict[tuple[int, ...], list[int]] = {}
    for key, found in values.items():
        keys.setdefault(tuple(sorted(found)), []).append(key)
    return [(found, tuple(sorted(same))) for found, same in keys.items()]
