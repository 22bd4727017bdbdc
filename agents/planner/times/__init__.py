"""Phrases to times: our own small grammar, which refuses rather than guesses (P5)."""

from agents.planner.times.adjust import adjust_when
from agents.planner.times.scan import Found, Refused, find_when, parse_when
from agents.planner.times.when import When

__all__ = ["Found", "Refused", "When", "adjust_when", "find_when", "parse_when"]
