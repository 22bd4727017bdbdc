"""Wordings of the same times, built from pieces: clocks × days × order × the sentence around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

Clock = tuple[int, int]

CLOCKS: dict[Clock, tuple[str, ...]] = {
    (9, 0): (
        *(
            "at 9",
            "at 9:00",
            "at 09:00",
            "at 9 am",
            "at 9am",
            "9am",
            "at 9 a.m.",
            "at nine",
            "@ 9am",
        ),
        *(
            "at nine o'clock",
            "at 9 o'clock",
            "at 9 in the morning",
            "at nine in the morning",
            "at 0900",
        ),
        *("at 9h", "at 9:00 AM", "at 9 sharp"),
    ),
    (18, 30): (
        *("at 18:30", "at 6:30 pm", "at 6:30pm", "at half past six in the evening", "at 18h30"),
        *("at six thirty pm", "at 6:30 in the evening", "at 1830", "18:30"),
    ),
    (7, 45): (
        *("at 7:45", "at 07:45", "at quarter to eight", "at a quarter to 8", "at seven forty-five"),
        *("at 7:45 am", "at fifteen minutes to eight", "at 7:45 in the morning"),
    ),
    (12, 0): ("at noon", "at 12:00", "at 12 pm", "at midday", "noon", "at 12pm"),
    (0, 0): ("at midnight", "at 0:00", "at 00:00", "at 12 am", "at 12am"),
    (20, 20): (
        "at 20:20",
        "at twenty past eight in the evening",
        "at 8:20 pm",
        "at 8:20 in the evening",
    ),
}

# The last three fields of cron, and how people say them.
HABITS: dict[str, tuple[str, ...]] = {
    "* * *": ("every day", "daily", "each day", "every single day", "once a day", "Every Day"),
    "* * 1-5": (
        *(
            "every weekday",
            "on weekdays",
            "weekdays",
            "Monday to Friday",
            "Mon-Fri",
            "every working day",
        ),
        *(
            "every business day",
            "Monday through Friday",
            "every day except weekends",
            "each workday",
        ),
        *("every day except Saturday and Sunday", "from Monday to Friday", "daily except weekends"),
    ),
    "* * 0,6": (
        "on weekends",
        "weekends",
        "every weekend",
        "Saturdays and Sundays",
        "every Sat and Sun",
    ),
    "* * 1": (
        *("every Monday", "on Mondays", "Mondays", "each Monday", "weekly on Monday", "every Mon"),
        *("once a week on Monday", "every week on Monday"),
    ),
    "* * 1-4": (
        *("weekdays except Friday", "Monday to Thursday", "every weekday but Friday"),
        *("on Mondays, Tuesdays, Wednesdays and Thursdays", "every Mon, Tue, Wed and Thu"),
    ),
    "* * 2,4": ("every Tuesday and Thursday", "Tuesdays and Thursdays", "on Tuesdays & Thursdays"),
    "1 * *": (
        *("on the 1st of every month", "every month on the 1st", "monthly on the 1st", "every 1st"),
        *("on the first day of each month", "the first of every month", "once a month on the 1st"),
    ),
    "1,15 * *": (
        *("on the 1st and 15th of every month", "the 1st and the 15th of each month"),
        *("twice a month on the 1st and 15th", "every 1st and 15th"),
    ),
    "L * *": (
        *("on the last day of every month", "every month on the last day", "last day of the month"),
        "at the end of every month",
    ),
    "* * 1#1": (
        *(
            "on the first Monday of every month",
            "every first Monday",
            "the first Monday of the month",
        ),
        *(
            "monthly on the first Monday",
            "every month on the first Monday",
            "first Monday of each month",
        ),
    ),
    "* * L5": (
        *("on the last Friday of each month", "every last Friday", "last Friday of the month"),
        "monthly on the last Friday",
    ),
    "1 1,4,7,10 *": (
        *(
            "on the first day of every quarter",
            "quarterly on the 1st",
            "every quarter on the first day",
        ),
    ),
    "24 12 *": (
        *(
            "every year on 24 December",
            "every 24 December",
            "annually on December 24th",
            "each Dec 24",
        ),
        "once a year on 24 December",
    ),
}

# How far ahead, in days from a Wednesday, and how people say it.
MOMENTS: dict[int, tuple[str, ...]] = {
    1: (
        "tomorrow",
        "on Thursday",
        "on 2026-11-19",
        "on 19 November",
        "on the 19th",
        "this Thursday",
    ),
    2: (
        "the day after tomorrow",
        "on Friday",
        "in two days",
        "in 2 days",
        "Nov 20",
        "20 November 2026",
    ),
    5: ("on Monday", "next Monday", "this coming Monday", "Monday next week", "23.11.2026"),
    7: ("in a week", "next Wednesday", "in one week", "in 7 days", "on November 25th"),
    13: (
        "on 1 December",
        "on the 1st of December",
        "Dec 1st",
        "on the 1st of next month",
        "12/1/2026",
    ),
}

Frame = Callable[[str, str], str]
FRAMES: tuple[Frame, ...] = (
    lambda day, clock: f"{day} {clock}",
    lambda day, clock: f"{clock} {day}",
    lambda day, clock: f"{day}, {clock}",
    lambda day, clock: f"  {day}  {clock}.",
    lambda day, clock: f"remind me {day} {clock}",
    lambda day, clock: f"remind me {clock} {day} to stretch",
    lambda day, clock: f"please send me the report {day} {clock}",
    lambda day, clock: f"{day} {clock} read the feed and mail me a summary",
    lambda day, clock: f"Could you check the site {clock} {day}?",
    lambda day, clock: f"{day} {clock} Berlin time",
)


def wordings(days: tuple[str, ...], clock: Clock) -> Iterator[str]:
    """Every way the pieces say these days at this time."""
    for day, said, frame in product(days, CLOCKS[clock], FRAMES):
        yield frame(day, said)
