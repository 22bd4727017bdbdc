"""Times of day and what lies between two of them."""

from __future__ import annotations

from agents.planner.times import clocks, words
from agents.planner.times.parts import Clock, Parts, Unclear
from agents.planner.times.phrase import EVERY, Phrases, Said

RULES = Phrases()
_NUM = words.NUMBER
_COUNTED = r"(?!\s*(?:%|percent|degrees|euros?|dollars?|times|pages)\b)"
# "and 5 pages", "and 10 new entries"
_NO_COUNT = (
    rf"(?!\s+(?!in\b|at\b|on\b|utc\b|gmt\b|(?:{words.DAY}|weekday|weekend|workday|morning|evening)s\b)\w+s\b)"
    r"(?!\s+(?:new|more|other|others|top|latest|first|last|best|most|of\s+(?:the|its|them))\b)"
)
_FIVES = r"(?:five|ten|twenty|twenty[- ]five)"
_BASE = rf"(?:{_NUM}|noon|midnight)(?!\w)"
_EXACT = r"\d{1,2}(?::\d{2}|(?::\d{2})?\s*(?:am|pm|a\.m\.?|p\.m\.?)(?!\w))"


@RULES.phrase(
    rf"(?:(?:in\s+)?between\s+(?:the\s+hours\s+of\s+)?{clocks.pattern('A')}\s+(?:and|to|-)\s+{clocks.pattern('B')}|"
    rf"from\s+{clocks.pattern('C')}\s*(?:to|until|till|-|through)\s*{clocks.pattern('D')})",
    strong=False,
    joins=True,
)
def _window(parts: Parts, said: Said) -> None:
    first, last = ("A", "B") if "between" in said.group() else ("C", "D")
    parts.put("window", (clocks.clock(said, first), clocks.clock(said, last)))


@RULES.phrase(
    rf"{clocks.pattern('A')}\s*(?:to|-)\s*{clocks.pattern('B')}",
    strong=False,
    fits=lambda said, parts: parts.often,
)
def _bare_window(parts: Parts, said: Said) -> None:
    parts.put("window", (clocks.clock(said, "A"), clocks.clock(said, "B")))


@RULES.phrase(rf"(?:at|@)\s*(?:(?:exactly|precisely)\s+)?{clocks.pattern()}{_COUNTED}", joins=True)
def _at_clock(parts: Parts, said: Said) -> None:
    parts.put("clocks", (clocks.clock(said),))


# written so that it can only be a time of day
@RULES.phrase(
    rf"(?={_EXACT}|\d{{1,2}}\.\d{{2}}\s*(?:am|pm)(?!\w)|"
    rf"{_NUM}(?:\s+[\w-]+)?\s+(?:am|pm|a\.m\.?|p\.m\.?|o'?\s?clock|in\s+the\s+(?:morning|afternoon|evening)|at\s+night)|"
    rf"(?:half|(?:a\s+)?quarter|{_NUM}\s+minutes?)\s+(?:past|to|before|after)\s+{_BASE}|{_FIVES}\s+past\s+{_BASE}|"
    r"\d{1,2}h(?:\d\d)?\b)" + clocks.pattern(),
    joins=True,
)
def _plain_clock(parts: Parts, said: Said) -> None:
    parts.put("clocks", (clocks.clock(said),))


@RULES.phrase(
    rf"(?P<n>\d{{1,2}})(?=\s+on\s+(?:weekdays|weekends|{words.DAY}s?)\b)",
    strong=False,
    joins=True,
    fits=lambda said, parts: bool(parts.clocks),
)
def _clock_on(parts: Parts, said: Said) -> None:
    """ "at 9 on weekdays and 10 on weekends"."""
    parts.put("clocks", (clocks.hour_alone(said["n"]),))


@RULES.phrase(
    rf"(?=(?:{_FIVES}|(?:a\s+)?quarter|half)\s+(?:to|after|before)\s+{_BASE}){clocks.pattern()}",
    strong=False,
)
def _minutes_to(parts: Parts, said: Said) -> None:
    parts.put("clocks", (clocks.clock(said),))


@RULES.phrase(r"(?:(?:12|twelve)\s+)?(?P<named>noon|midday|midnight)", strong=False)
def _named_clock(parts: Parts, said: Said) -> None:
    parts.put("clocks", (clocks.named(said["named"]),))


@RULES.phrase(
    rf"{words.SEPARATOR}(?:again\s+)?(?:at\s+)?{clocks.pattern()}{_NO_COUNT}",
    strong=False,
    continues=True,
)
def _more_clocks(parts: Parts, said: Said) -> None:
    assert parts.clocks
    parts.clocks = _in_order((*parts.clocks, clocks.clock(said)), said)


def _in_order(found: tuple[Clock, ...], said: Said) -> tuple[Clock, ...]:
    """Bare hours before an am or pm are of the morning where only that is in order ("8 and 6 pm")."""
    *earlier, last = found
    bare = [clock for clock in earlier if clock.bare]
    minutes = [clock.hour * 60 + clock.minute for clock in found]
    if not bare or not (last.bare or said["mer"] or said["part"]):
        return found
    later = [m + 720 if c.bare and c.hour < 12 else m for c, m in zip(found, minutes, strict=True)]
    evening = last.hour >= 12 and later == sorted(later)
    if minutes != sorted(minutes) or (evening and not last.bare):
        named = ", ".join(str(clock.hour) for clock in (*bare, *([last] if last.bare else ())))
        raise Unclear(f"is it {named} am or pm?", f"{bare[0].hour} am", f"{bare[0].hour} pm")
    return found if last.bare else (*(Clock(c.hour, c.minute) for c in earlier), last)


@RULES.phrase(rf"(?:starting|beginning)\s+(?:at|from)\s+{clocks.pattern()}", strong=False)
def _begin(parts: Parts, said: Said) -> None:
    parts.put("begin", clocks.clock(said))


@RULES.phrase(
    r"(?:early\s+)?(?:in\s+the\s+)?(?P<part>morning|afternoon|evening)|(?:at\s+)?(?P<night>night)",
    strong=False,
)
def _day_part(parts: Parts, said: Said) -> None:
    if said.group().startswith("early"):
        raise Unclear(f"“{said.group()}” is not an exact time")
    parts.put("day_part", said["part"] or said["night"])


_PAST = rf"(?P<n>quarter|half|{_NUM})(?:\s+minutes?)?\s+(?:past|after)"


@RULES.phrase(
    rf"(?:at\s+)?(?:a\s+)?{_PAST}(?P<rest>\s+(?:the|{EVERY})\s+hour)|"
    rf"(?:at\s+)?the\s+top\s+of(?P<top>\s+(?:the|{EVERY})\s+hour)|"
    r"(?:at|on)\s+the\s+(?:(?P<mid>half[- ]hour)|hour)|"
    rf"at\s+minute\s+(?P<minute>\d{{1,2}})(?:\s+of\s+(?:the|{EVERY})\s+hour)?|"
    r"at\s+:(?P<colon>\d\d)",
    strong=False,
)
@RULES.phrase(rf"at\s+(?:a\s+)?{_PAST}", strong=False, fits=lambda said, parts: _hours(parts))
def _past_the_hour(parts: Parts, said: Said) -> None:
    found = said.groupdict()
    minute = {"half": 30, "quarter": 15}.get(found["n"] or "")
    if minute is None:
        number = found["n"] or found.get("minute") or found.get("colon")
        minute = words.number(number) if number else 30 if found.get("mid") else 0
    if minute > 59:
        raise Unclear(f"an hour has no minute {minute}")
    rest = found.get("rest") or found.get("top")
    if rest and ("every" in rest or "each" in rest) and parts.step is None:
        parts.put("step", (1, "hour"))
    parts.put("past", minute)


def _hours(parts: Parts) -> bool:
    return parts.step is not None and parts.step[1] == "hour"
