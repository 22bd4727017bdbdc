"""Times of day as people say them: "9", "9 in the morning", "half past nine", "21:30", "noon"."""

from __future__ import annotations

import re

from agents.planner.times import words
from agents.planner.times.parts import Clock, Unclear

_N = words.NUMBER
MERIDIEM = r"(?:\s*(?P<mer{k}>a\.m\.?|p\.m\.?|am|pm)(?![\w]))"
PART = r"(?:\s+(?:(?:early\s+)?in\s+the\s+(?P<part{k}>morning|afternoon|evening)|at\s+(?P<late{k}>night)))"

# {k} keeps the group names of two clocks in one pattern apart
_EXACT = (
    r"(?:(?P<iso{k}>\d{{1,2}})(?P<sep{k}>[:.h])(?P<min{k}>\d{{2}})(?::(?P<sec{k}>\d{{2}}))?"
    r"(?:\s*h(?:rs|ours)?\b)?)"
)
_SAID = (
    r"(?:(?P<rel{k}>half|quarter|a\s+quarter|"
    + _N
    + r"(?:\s+minutes?)?)\s+(?P<dir{k}>past|to|after|before)\s+(?P<base{k}>"
    + _N
    + r"|noon|midnight))"
)
_HOUR = (
    r"(?:(?P<hour{k}>"
    + _N
    + r")(?:\s+(?P<wmin{k}>(?:oh\s+(?:one|two|three|four|five|six|seven|eight|nine)|ten|eleven|twelve|"
    r"thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|"
    r"(?:twenty|thirty|forty|fifty)(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?)))?"
    r"(?P<oclock{k}>\s+o'?\s?clock|\s*h\b|\s+hours\b|\s*uhr\b)?)"
)
_NAMED = r"(?:(?:12|twelve)\s+)?(?P<named{k}>noon|midday|midnight)"


_GROUPS = re.findall(r"\?P<(\w+)\{k\}>", _EXACT + _SAID + _HOUR + _NAMED + MERIDIEM + PART)


def pattern(key: str = "") -> str:
    """A pattern for one clock; its groups end in `key`."""
    body = "(?:" + "|".join((_EXACT, _SAID, _NAMED, _HOUR)) + ")" + MERIDIEM + "?" + PART + "?"
    return body.replace("{k}", key).replace("{{", "{").replace("}}", "}")


def clock(match: re.Match[str], key: str = "") -> Clock:
    """The clock that `pattern(key)` matched. Raises Unclear for times that do not exist."""
    group = {name: match.group(name + key) for name in _GROUPS}
    part = group["part"] or group["late"]
    if group["named"]:
        if part or group["mer"]:
            raise Unclear(f"“{match.group().strip()}” contradicts itself")
        return named(group["named"])
    if group["rel"]:
        hour, minute = _relative(group["rel"], group["dir"], group["base"])
        bare = True
    elif group["iso"]:
        hour, minute, bare = int(group["iso"]), int(group["min"]), len(group["iso"]) == 1
        if int(group["sec"] or 0):
            raise Unclear("times are exact to the minute")
    else:
        hour, minute = words.number(group["hour"]), _word_minutes(group["wmin"])
        bare = not group["oclock"] or hour <= 12
        if re.fullmatch(r"\d{3,5}", group["hour"]):
            if not re.fullmatch(r"[012]\d{3}", group["hour"]) or group["mer"]:
                raise Unclear(f"“{match.group().strip()}” is not a time of day")
            hour, minute, bare = int(group["hour"][:2]), int(group["hour"][2:]), False
        elif group["hour"].startswith("0"):
            bare = False
    return _placed(hour, minute, bare, group["mer"], part, match.group().strip())


def _placed(
    hour: int, minute: int, bare: bool, meridiem: str | None, part: str | None, said: str
) -> Clock:
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        raise Unclear(f"“{said}” is not a time of day")
    if meridiem:
        if not 1 <= hour <= 12:
            raise Unclear(f"“{said}” is not a time of day")
        hour = hour % 12 + (12 if meridiem[0] == "p" else 0)
        bare = False
        if part and _in_part(hour, part, said) != hour:
            raise Unclear(f"“{said}” contradicts itself")
    elif part:
        hour = _in_part(hour, part, said)
        bare = False
    return Clock(hour % 24, minute, bare and hour <= 12, "24:00" if hour == 24 else "")


def hour_alone(word: str) -> Clock:
    """A bare number as a time of day."""
    return _placed(int(word), 0, True, None, None, word)


def named(word: str) -> Clock:
    """Noon or midnight."""
    return Clock(0, edge="midnight") if word == "midnight" else Clock(12)


def in_part(clock: Clock, part: str) -> Clock:
    """A bare hour in that part of the day. Raises Unclear when it is not in it."""
    return Clock(_in_part(clock.hour, part, f"{clock} in the {part}") % 24, clock.minute)


def _in_part(hour: int, part: str, said: str) -> int:
    if part == "morning" and 1 <= hour <= 11:
        return hour
    if part in {"afternoon", "evening"}:
        later = hour + 12 if 1 <= hour <= 11 else hour
        earliest, latest = (12, 18) if part == "afternoon" else (16, 23)
        if earliest <= later <= latest:
            return later
    if part == "night":
        if hour in (12, 24):
            return 0
        if 1 <= hour <= 4 or 18 <= hour <= 23:
            return hour
        if 6 <= hour <= 11:
            return hour + 12
    raise Unclear(f"“{said}” contradicts itself")


def _relative(distance: str, direction: str, base: str) -> tuple[int, int]:
    hour = {"noon": 12, "midnight": 24}.get(base) or words.number(base)
    if "half" in distance:
        if direction not in {"past", "after"}:
            raise Unclear(f"“half {direction} {base}” is not a time of day")
        minutes = 30
    elif "quarter" in distance:
        minutes = 15
    else:
        minutes = words.number(re.sub(r"\s+minutes?$", "", distance))
    if not 0 < minutes < 60 or not 0 <= hour <= 24:
        raise Unclear(f"“{distance} {direction} {base}” is not a time of day")
    if direction in {"past", "after"}:
        return hour % 24, minutes
    return (hour - 1) % 24, 60 - minutes


def _word_minutes(word: str | None) -> int:
    if not word:
        return 0
    return words.number(re.sub(r"^oh\s+", "", word))
