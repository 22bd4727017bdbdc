"""What a time phrase says, piece by piece, before it becomes one time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any


class Unclear(Exception):
    """The words cannot be taken as one exact time; the message says why, `choices` what to say."""

    def __init__(self, reason: str, *choices: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.choices = choices


class Twice(Unclear):
    """The same kind of piece is said a second time: a second schedule, or a contradiction."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. `bare` is an hour said without am, pm or minutes; `edge` is "midnight" or
    "24:00", which stand between two days."""

    hour: int
    minute: int = 0
    bare: bool = False
    edge: str = ""

    def __str__(self) -> str:
        return f"{self.hour:02}:{self.minute:02}"


@dataclass(slots=True)
class Parts:
    """Each field is one thing a phrase may say, and may say only once (clocks may be listed).

    How often: `every` is the repeating unit, `step` (n, unit), `per` how many times a unit, `past` the
    minute of a repeated hour, `begin` the time of day that steps start at, `quarter` that days of a
    month are days of a quarter, `leap` only leap years, `once` that it is no habit.
    Days: `weekdays` Monday 0 to Sunday 6, `recurring` that they are a habit, `both` that they must
    meet the days of the month, `nth` ordinals of the weekdays in a month (-1 the last, -2 the last
    but one), `monthdays` and `workdays` likewise.
    One day: `date` (year | None, month | None, day), `coming` the next such weekday, `which` whether
    "this" or "next" was said of it, `days_later` days behind it, `days_ahead`, `week_ahead` and
    `month_ahead` from today, `offset` (n, unit) from now, `stamp` a moment with its offset.
    Limits: `window` (from, to) in the day, `since` and `until` days, `lasting` (n, unit).
    `assumes` is what is taken so though it is not said.
    """

    every: str | None = None
    step: tuple[int, str] | None = None
    per: tuple[int, str] | None = None
    past: int | None = None
    weekdays: tuple[int, ...] | None = None
    recurring: bool = False
    excluded: tuple[int, ...] | None = None
    both: bool = False
    nth: tuple[int, ...] | None = None
    monthdays: tuple[int, ...] | None = None
    months: tuple[int, ...] | None = None
    workdays: tuple[int, ...] | None = None
    quarter: bool = False
    leap: bool = False
    once: bool = False
    month_ahead: int | None = None
    week_ahead: int | None = None
    date: tuple[int | None, int | None, int] | None = None
    days_ahead: int | None = None
    coming: int | None = None
    assumes: tuple[str, ...] = ()
    which: str | None = None
    days_later: int | None = None
    stamp: datetime | None = None
    offset: tuple[int, str] | None = None
    clocks: tuple[Clock, ...] | None = None
    day_part: str | None = None
    window: tuple[Clock, Clock] | None = None
    begin: Clock | None = None
    zone: str | None = None
    since: Parts | None = None
    until: Parts | None = None
    lasting: tuple[int, str] | None = None

    def put(self, name: str, value: Any) -> None:
        """Set what has not been said yet. Raises Twice when it was said otherwise."""
        old = getattr(self, name)
        if old is not None and old is not False and old != value:
            raise Twice(
                f"two different times are said ({_WORDS.get(name, name.replace('_', ' '))})"
            )
        setattr(self, name, value)

    def merge(self, other: Parts) -> None:
        """Add what the other says. Raises Twice."""
        for name in other.given:
            self.put(name, getattr(other, name))

    @property
    def given(self) -> list[str]:
        """The fields that are said; 0 is a value, Monday for one."""
        values = {field.name: getattr(self, field.name) for field in fields(Parts)}
        return [
            name
            for name, value in values.items()
            if value is not None and value is not False and value != ()
        ]

    @property
    def said(self) -> bool:
        """Whether anything of weight is said: a zone or "the morning" alone is no time."""
        weighty = (
            *(self.every, self.step, self.per, self.weekdays, self.nth, self.monthdays),
            *(self.workdays, self.date, self.coming, self.stamp, self.offset, self.clocks),
            *(self.since, self.until, self.month_ahead),
        )
        near = self.days_ahead is not None and (self.days_ahead > 0 or self.day_part is not None)
        return near or self.quarter or any(value is not None for value in weighty)

    @property
    def repeats(self) -> bool:
        """Whether the phrase names a habit rather than one moment."""
        if self.month_ahead is not None:
            return bool(self.every or self.step or self.per or self.recurring)
        return bool(
            self.every
            or self.step
            or self.per
            or self.recurring
            or self.nth
            or self.monthdays
            or self.workdays
            or self.excluded
        )

    @property
    def timed(self) -> bool:
        """Whether it is said at what time of day, or how often."""
        return bool(self.clocks or self.day_part or self.window or self.often)

    @property
    def often(self) -> bool:
        """Whether it repeats within the day."""
        return self.step is not None and self.step[1] in {"second", "minute", "hour"}


_WORDS = {
    "clocks": "times of day",
    "weekdays": "days of the week",
    "every": "how often",
    "step": "how often",
    "monthdays": "days of the month",
    "nth": "days of the month",
    "workdays": "days of the month",
    "date": "dates",
    "days_ahead": "days",
    "day_part": "times of day",
    "zone": "time zones",
    "coming": "days",
    "per": "how often",
}
