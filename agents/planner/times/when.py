"""One exact time, and the times of day in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from agents.planner.times import clocks, words
from agents.planner.times.parts import Clock, Parts, Unclear

DEFAULT = Clock(9)


@dataclass(frozen=True, slots=True)
class When:
    """One exact time. `cron` are croniter's five fields, in `timezone`; `at` is aware, in UTC.

    An interval counts from its `anchor`, aware, in UTC. `assumed` says, in words for a person, what
    was not said and is taken so.
    """

    kind: Literal["cron", "interval", "at"]
    timezone: str
    cron: tuple[str, ...] = ()
    every_s: int = 0
    at: datetime | None = None
    only_if: str | None = None
    anchor: datetime | None = None
    assumed: tuple[str, ...] = ()

    def trigger(self, name: str) -> dict[str, Any]:
        """The plan document's trigger of that name."""
        trigger: dict[str, Any] = {"name": name, "kind": self.kind}
        if self.kind == "interval":
            trigger |= {"every_s": self.every_s}
            return trigger | ({"anchor": _stamp(self.anchor)} if self.anchor else {})
        if self.at is not None:
            return trigger | {"timestamp": _stamp(self.at), "timezone": self.timezone}
        one = len(self.cron) == 1
        trigger |= {"schedule": self.cron[0]} if one else {"schedules": list(self.cron)}
        trigger |= {"timezone": self.timezone}
        return trigger | ({"only_if": self.only_if} if self.only_if else {})


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def times_of_day(parts: Parts, assumed: list[str]) -> list[Clock]:
    if not parts.clocks:
        default = Clock(words.DAY_PARTS[parts.day_part]) if parts.day_part else DEFAULT
        assumed.append(f"at {default}, as no time of day was said")
        return [default]
    return [settled(clock, parts.day_part, assumed) for clock in parts.clocks]


def settled(clock: Clock, part: str | None, assumed: list[str]) -> Clock:
    """The clock on the 24-hour dial, with the part of the day that was said elsewhere."""
    if part and clock.bare:
        return clocks.in_part(clock, part)
    if part and not (clock.edge and part == "night") and clocks.in_part(clock, part) != clock:
        raise Unclear(f"“{clock}” is not in the {part}")
    if clock.bare and 1 <= clock.hour <= 6:
        said = str(clock.hour) if not clock.minute else f"{clock.hour}:{clock.minute:02}"
        assumed.append(f"I took {said} as {clock}; say “{said} pm” for the afternoon")
    return Clock(clock.hour, clock.minute, edge=clock.edge)
