"""A change of an existing time: "make it 8" keeps the days, "on Mondays instead" keeps the hour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from agents.planner.times.limits import limited
from agents.planner.times.parts import Clock, Parts, Unclear
from agents.planner.times.resolve import at_clocks, resolve
from agents.planner.times.scan import Refused, parse_parts
from agents.planner.times.when import When
from agents.planner.times.zones import zone_info

_TIME_ONLY = frozenset({"clocks", "day_part", "window", "zone", "past"})
_BOUNDS = frozenset({"since", "until", "lasting"})


def adjust_when(
    text: str, trigger: Mapping[str, Any], now: datetime, timezone: str, *, also: bool = False
) -> When | Refused | None:
    """The trigger's time with what the phrase says changed; None when the phrase is no time.

    `trigger` is a plan document's; `also` adds times of day instead of replacing them.
    """
    parts = parse_parts(text)
    if parts is None and re.match(r"\s*[\da-z]", text, re.I):
        parts = parse_parts(f"at {text.strip()}")
    if parts is None:
        return None
    if isinstance(parts, Refused):
        return parts
    zone = str(trigger.get("timezone") or timezone)
    try:
        if len(parts) > 1:
            return resolve(parts, now, zone)
        return _adjusted(parts[0], trigger, now, zone, also)
    except Unclear as unclear:
        return Refused(unclear.reason, text, unclear.choices)
    except (OverflowError, ValueError):
        return Refused("there is no such time", text)


def _adjusted(
    parts: Parts, trigger: Mapping[str, Any], now: datetime, zone: str, also: bool
) -> When:
    kind = trigger.get("kind")
    lines = tuple(
        trigger.get("schedules") or ([trigger["schedule"]] if trigger.get("schedule") else [])
    )
    old = _clocks(trigger, lines, zone)
    days = not _TIME_ONLY.issuperset(parts.given)
    if not days and not parts.window and (parts.clocks or parts.day_part):
        parts.clocks = _unmistakable(parts, old)
        if kind == "cron" and old:
            clocks = tuple(dict.fromkeys((*(old if also else ()), *(parts.clocks or ()))))
            return at_clocks(clocks, parts, lines, trigger.get("only_if"), parts.zone or zone)
        if kind == "at" and trigger.get("timestamp"):
            here = _moment(trigger, zone)
            parts.date = (here.year, here.month, here.day)
            return resolve([parts], now, zone)
        said = ", ".join(map(str, parts.clocks or ()))
        raise Unclear("every day, or once?", f"every day at {said}", f"tomorrow at {said}")
    if not days and parts.zone and kind == "cron":
        return When("cron", parts.zone, cron=lines, only_if=trigger.get("only_if"))
    if kind == "cron" and _BOUNDS.issuperset(parts.given):
        return _bounded(parts, When("cron", zone, lines, only_if=trigger.get("only_if")), now)
    free = not parts.clocks and not parts.day_part and not parts.offset and not parts.often
    if days and free and old and (parts.step is None or parts.step[1] != "week" or parts.weekdays):
        parts.clocks = old
    if parts.weekdays and not parts.nth and kind in {"cron", "interval"} and parts.date is None:
        parts.recurring = True
    return resolve([parts], now, zone)


def _bounded(parts: Parts, when: When, now: datetime) -> When:
    """The same habit from or until another day."""
    kept = when.only_if or ""
    for name, sign in (("since", ">="), ("until", "<="), ("lasting", "<=")):
        if getattr(parts, name) is not None:
            kept = re.sub(rf'(?:^| and )due\.date {sign} "[\d-]+"', "", kept)
    return limited(replace(when, only_if=kept.removeprefix(" and ") or None), parts, now)


def _unmistakable(parts: Parts, old: tuple[Clock, ...]) -> tuple[Clock, ...] | None:
    """ "8" for what was at 18:00 may be 8 or 20: ask."""
    clocks = parts.clocks
    if clocks and not parts.day_part and old and all(clock.hour >= 12 for clock in old):
        for clock in clocks:
            if clock.bare and 1 <= clock.hour < 12:
                raise Unclear(
                    f"is it {clock} or {clock.hour + 12}:{clock.minute:02}?",
                    f"{clock.hour}:{clock.minute:02} am",
                    f"{clock.hour}:{clock.minute:02} pm",
                )
    return clocks


def _clocks(trigger: Mapping[str, Any], lines: tuple[str, ...], zone: str) -> tuple[Clock, ...]:
    """The times of day of a trigger; empty when it has no fixed ones."""
    if trigger.get("kind") == "at" and trigger.get("timestamp"):
        here = _moment(trigger, zone)
        return (Clock(here.hour, here.minute),)
    found: list[Clock] = []
    for line in lines:
        fields = line.split()
        if len(fields) != 5:
            return ()
        minutes, hours = _values(fields[0]), _values(fields[1])
        if not minutes or not hours:
            return ()
        found += [Clock(hour, minute) for hour in hours for minute in minutes]
    return tuple(dict.fromkeys(found))


def _values(field: str) -> list[int]:
    found: list[int] = []
    for part in field.split(","):
        match = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", part)
        if match is None:
            return []
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    return found


def _moment(trigger: Mapping[str, Any], zone: str) -> datetime:
    stamp = datetime.fromisoformat(str(trigger["timestamp"]).replace("Z", "+00:00"))
    return stamp.astimezone(zone_info(zone))
