"""The zone: "New York time", "UTC", "Europe/Paris", "my time"."""

from __future__ import annotations

import re

from agents.planner.times.parts import Parts, Unclear
from agents.planner.times.phrase import Phrases, Said
from agents.planner.times.zones import AMBIGUOUS, zone_named

RULES = Phrases()


def _zone_name(said: Said) -> str | None:
    words_said = said["iana"] or said["utc"] or said["letters"] or said["city"]
    return zone_named(re.sub(r"^(?:in|the) ", "", words_said)) if words_said else None


def _is_zone(said: Said, parts: Parts) -> bool:
    return bool(said["own"] or said["abbr"] or _zone_name(said))


@RULES.phrase(
    r"(?:in\s+)?(?:the\s+)?(?P<iana>[a-z]+/[a-z_]+(?:/[a-z_]+|[+-]\d{1,2})?)(?:\s+time)?|"
    r"(?P<utc>(?:utc|gmt)(?:\s*[+-]\s*\d{1,2}(?::?(?:00|30|45))?)?|z)(?:\s+time)?|(?P<letters>et|pt|jst|kst|sgt|hkt|msk|hst|(?:us\s+)?(?:eastern|pacific)(?!\s+\w))(?:\s+time)?|"
    r"(?P<own>(?:(?:in\s+)?my|local)\s+time(?:\s*zone)?)|"
    r"(?:in\s+)?(?P<city>[^\W\d]+(?:[ -][^\W\d]+){0,2})(?:'s)?\s+time(?:zone|\s+zone)?|"
    rf"(?P<abbr>{'|'.join(sorted(AMBIGUOUS))})(?:\s+time)?",
    strong=False,
    fits=_is_zone,
)
def _zone(parts: Parts, said: Said) -> None:
    if said["abbr"]:
        name = said["abbr"].upper()
        raise Unclear(f"“{name}” means several zones; name the city, as in “New York time”")
    if not said["own"]:
        parts.put("zone", _zone_name(said))
