"""The phrases of the time grammar, by matter."""

from agents.planner.times.phrase import Phrase
from agents.planner.times.rules import (
    bounds,
    dates,
    hours,
    monthdays,
    often,
    places,
    unsaid,
    weekdays,
)

PHRASES: tuple[Phrase, ...] = (
    *often.RULES,
    *weekdays.RULES,
    *monthdays.RULES,
    *dates.RULES,
    *hours.RULES,
    *places.RULES,
    *bounds.RULES,
    *unsaid.RULES,
)
