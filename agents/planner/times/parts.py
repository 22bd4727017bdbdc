"""What a time phrase says, piece by piece, before it becomes one time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class Unclear(Exception):
    """The words cannot be taken as one exact time; the message says why, `choices` what to say."""

    def __init__(self, reason: str, *choices: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.choices = choices


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. `bare` is an hour said without am, pm or minutes."""

    hour: int
    minute: int = 0
    bare: bool = False

    def __str__(self) -> str:
        return f"{self.hour:02}:{self.minute:02}"


@dataclass(slots=True)
class Parts:
    """Each field is one thing a phrase may say, and may say only once (clocks may be listed).

    `every` is the repeating unit, `step` (n, unit), `weekdays` Monday 0 to Sunday 6, `recurring`
    that weekdays were said as a habit, `nth` ordinals of the weekdays in a month (-1 the last),
    `monthdays` 1 to 31 (-1 the last), `workday` the "first" or "last" of the month, `date`
    (year | None, month | None, day), `offset` (n, unit) from now, `window` (from, to).
    """

    every: str | None = None
    step: tuple[int, str] | None = None
    weekdays: tuple[int, ...] | None = None
    recurring: bool = False
    excluded: tuple[int, ...] | None = None
    nth: tuple[int, ...] | None = None
    monthdays: tuple[int, ...] | None = None
    months: tuple[int, ...] | None = None
    workday: str | None = None
    date: tuple[int | None, int | None, int] | None = None
    days_ahead: int | None = None
    coming: int | None = None
    offset: tuple[float, str] | None = None
    clocks: tuple[Clock, ...] | None = None
    day_part: str | None = None
    window: tuple[Clock, Clock] | None = None
    zone: str | None = None

    def put(self, name: str, value: Any) -> None:
        """Set what has not been said yet; saying it twice is unclear unless it is the same."""
        old = getattr(self, name)
        if old is not None and old is not False and old != value:
            raise Unclear(f"two different times are said ({_words(name)})")
        setattr(self, name, value)

    @property
    def said(self) -> bool:
        """Whether anything of weight is said: a zone or "the morning" alone is no time."""
        return any(
            value is not None and value is not False
            for value in (
                self.every,
                self.step,
                self.weekdays,
                self.nth,
                self.monthdays,
                self.workday,
                self.date,
                self.coming,
                self.offset,
                self.clocks,
            )
        ) or (self.days_ahead is not None and (self.days_ahead > 0 or self.day_part is not None))

    @property
    def repeats(self) -> bool:
        """Whether the phrase names a habit rather than one moment."""
        return bool(
            self.every
            or self.step
            or self.recurring
            or self.nth
            or self.monthdays
            or self.workday
            or self.excluded
        )


def _words(name: str) -> str:
    return {
        "clocks": "times of day",
        "weekdays": "days of the week",
        "every": "how often",
        "step": "how often",
        "monthdays": "days of the month",
        "date": "dates",
        "days_ahead": "days",
        "zone": "time zones",
        "coming": "days",
    }.get(name, name.replace("_", " "))
