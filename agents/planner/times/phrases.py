"""The phrases of the time grammar: each recognises one piece at a place and adds it to the parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agents.planner.times import clocks, words
from agents.planner.times.parts import Clock, Parts, Unclear
from agents.planner.times.zones import AMBIGUOUS, zone_named

Said = re.Match[str]
_EVERY = r"(?:every|each)(?:\s+single)?"
_DAY, _DAYS, _MONTH, _SEP = words.DAY, words.DAY + "s?", words.MONTH, words.SEPARATOR
_ORD, _NUM, _UNIT = words.ORDINAL, words.NUMBER, words.UNIT
_WORKING = r"(?:week|work(?:ing)?[- ]?|business[- ])\s?days?"
_OF_MONTH = r"\s+(?:of|in)\s+(?P<whose>(?:the|every|each|a)\s+month|each\s+and\s+every\s+month)"


@dataclass(frozen=True, slots=True)
class Phrase:
    """`strong` phrases may begin a time inside a request; weak ones only continue one."""

    pattern: re.Pattern[str]
    take: Callable[[Parts, Said], None]
    strong: bool = True
    fits: Callable[[Said], bool] = lambda _: True


PHRASES: list[Phrase] = []


def phrase(
    pattern: str, *, strong: bool = True, fits: Callable[[Said], bool] = lambda _: True
) -> Callable[..., Callable[[Parts, Said], None]]:
    def register(take: Callable[[Parts, Said], None]) -> Callable[[Parts, Said], None]:
        whole = rf"(?:(?<![\w/@.-])|(?=[\s,&+]))(?:{pattern})(?![\w@/])(?!'s\b)(?!-\w)(?!\.\w)"
        PHRASES.append(Phrase(re.compile(whole), take, strong, fits))
        return take

    return register


# --- how often ------------------------------------------------------------------------------------


@phrase(rf"{_EVERY}\s+(?P<n>{_NUM})\s+(?P<unit>{_UNIT})")
def _every_n(parts: Parts, said: Said) -> None:
    n = words.number(said["n"])
    if n < 1:
        raise Unclear("“every 0” is never")
    parts.put("step", (n, words.unit(said["unit"])))


@phrase(
    rf"{_EVERY}\s+(?:other|second|alternate)\s+(?P<unit>minute|hour|day|week|month)|"
    r"(?P<fortnight>fortnightly|every\s+fortnight)"
)
def _every_other(parts: Parts, said: Said) -> None:
    parts.put("step", (2, said["unit"] or "week"))


@phrase(rf"{_EVERY}\s+(?:half[- ](?:an?\s+)?hour|(?P<quarter>quarter\s+(?:of\s+an\s+)?hour))")
def _every_fraction(parts: Parts, said: Said) -> None:
    parts.put("step", (15 if said["quarter"] else 30, "minute"))


@phrase(
    rf"{_EVERY}\s+(?P<unit>minute|hour|day|week|month|year)|"
    r"(?:once\s+(?:a|per)|per)\s+(?P<per>minute|hour|day|week|month|year)|"
    r"once\s+(?:every|each)\s+(?P<once>minute|hour|day|week|month|year)|"
    r"(?P<ly>hourly|daily|weekly|monthly|yearly|annually)|(?P<quarter>quarterly|every\s+quarter)"
)
def _every_unit(parts: Parts, said: Said) -> None:
    if said["quarter"]:
        parts.put("step", (3, "month"))
        return
    unit = said["unit"] or said["per"] or said["once"]
    if not unit:
        unit = {"daily": "day", "annually": "year"}.get(said["ly"], said["ly"][:-2])
    if unit in {"minute", "hour"}:
        parts.put("step", (1, unit))
    else:
        parts.put("every", unit)


@phrase(rf"(?:twice|(?:{_NUM})\s+times)\s+(?:a|per|each|every)\s+(?:hour|day|week|month|year)")
def _times_a(parts: Parts, said: Said) -> None:
    raise Unclear(f"“{said.group()}” does not say at which times", "at 9:00 and 17:00 every day")


@phrase(
    rf"{_EVERY}\s+(?P<part>morning|afternoon|evening|night)|(?P<nightly>nightly)|"
    r"in\s+the\s+(?P<plural>morning|afternoon|evening)s"
)
def _every_part(parts: Parts, said: Said) -> None:
    parts.put("every", "day")
    parts.put("day_part", said["part"] or said["plural"] or "night")


# --- days of the week -----------------------------------------------------------------------------


@phrase(rf"{_EVERY}\s+(?:other|second|alternate)\s+(?:{_DAYS}|{_WORKING}|weekend)")
def _other_weekday(parts: Parts, said: Said) -> None:
    raise Unclear(f"a schedule cannot say “{said.group()}” exactly")


@phrase(
    rf"(?:(?:on|{_EVERY}|weekly\s+on)\s+)?{_WORKING}(?P<part>\s+(?:morning|afternoon|evening|night)s?)?"
)
def _working_days(parts: Parts, said: Said) -> None:
    _habit(parts, (0, 1, 2, 3, 4), said["part"])


@phrase(rf"(?:(?:on|at|{_EVERY})\s+)?(?:the\s+)?weekends|{_EVERY}\s+weekend")
def _weekends(parts: Parts, said: Said) -> None:
    _habit(parts, (5, 6), None)


@phrase(
    rf"(?:(?P<every>{_EVERY}|weekly\s+on|once\s+a\s+week\s+on)|on|from)\s+(?P<days>{_DAYS}"
    rf"(?:(?:{_SEP}|\s*-\s*|\s+(?:to|through|thru|until|till)\s+)(?:on\s+|{_EVERY}\s+)?{_DAYS}){{0,12}})"
    r"(?P<part>\s+(?:morning|afternoon|evening|night)s?)?"
)
def _on_days(parts: Parts, said: Said) -> None:
    _days(parts, said, every=bool(said["every"]) or bool(re.search(r"every|each", said["days"])))


@phrase(
    rf"(?P<days>(?:{'|'.join(words.DAYS)})s(?:{_SEP}{_DAYS}){{0,12}}|"
    rf"{_DAY}(?:\s*-\s*|\s+(?:to|through|thru)\s+){_DAY}|"
    rf"(?:{'|'.join(words.DAYS)})(?:{_SEP}(?:{'|'.join(words.DAYS)})s)+)"
    r"(?P<part>\s+(?:morning|afternoon|evening|night)s?)?"
)
def _day_names(parts: Parts, said: Said) -> None:
    _days(parts, said, every=False)


@phrase(rf"(?P<days>{_DAY})(?P<part>\s+(?:morning|afternoon|evening|night))?", strong=False)
def _day_name(parts: Parts, said: Said) -> None:
    _days(parts, said, every=False)


def _days(parts: Parts, said: Said, *, every: bool) -> None:
    text = said["days"]
    names = re.findall(rf"{_DAYS}(?!\w)", text)
    spans = re.findall(
        rf"({_DAY})s?(?:\s*-\s*|\s+(?:to|through|thru|until|till)\s+)({_DAY})s?(?!\w)", text
    )
    days: list[int] = [words.day(name) for name in names]
    for first, last in spans:
        low, high = words.day(first), words.day(last)
        days += [(low + i) % 7 for i in range((high - low) % 7 + 1)]
    part = said["part"]
    plural = any(name.endswith("s") and name[:-1] in words.DAYS for name in names)
    if every or plural or spans or (part and part.endswith("s")):
        _habit(parts, tuple(sorted(set(days))), part)
        return
    parts.put("weekdays", tuple(sorted(set(days))))
    if part:
        parts.put("day_part", part.strip())


def _habit(parts: Parts, days: tuple[int, ...], part: str | None) -> None:
    parts.put("weekdays", days)
    parts.put("recurring", True)
    if part:
        parts.put("day_part", part.strip().rstrip("s"))


@phrase(
    rf"(?:,\s*)?(?:except|but\s+not|excluding|not|but|other\s+than)\s+(?:for\s+)?(?:on\s+)?(?:the\s+)?"
    rf"(?P<days>weekends?|{_DAYS}(?:{_SEP}(?:on\s+)?{_DAYS}){{0,12}})",
    strong=False,
)
def _except(parts: Parts, said: Said) -> None:
    if said["days"].startswith("weekend"):
        parts.put("excluded", (5, 6))
        return
    found = {words.day(name) for name in re.findall(rf"{_DAYS}(?!\w)", said["days"])}
    parts.put("excluded", tuple(sorted(found)))


# --- days of the month ----------------------------------------------------------------------------


@phrase(
    rf"(?:on\s+)?(?:the\s+|(?P<every>{_EVERY})\s+)?(?P<nth>(?:{_ORD}|last)(?:{_SEP}(?:the\s+)?(?:{_ORD}|last)){{0,12}})\s+"
    rf"(?P<days>{_DAY})(?:{_OF_MONTH})"
)
@phrase(rf"(?:on\s+)?(?P<every>{_EVERY})\s+(?P<nth>first|third|fourth|last)\s+(?P<days>{_DAY})")
def _nth_weekday(parts: Parts, said: Said) -> None:
    found = re.findall(rf"{_ORD}|last", said["nth"])
    nth = tuple(sorted({-1 if word == "last" else words.ordinal(word) for word in found}))
    if max(nth) > 4:
        raise Unclear("not every month has a fifth one; “the last” is in every month")
    parts.put("nth", nth)
    parts.put("weekdays", (words.day(said["days"]),))


@phrase(
    rf"(?:on\s+)?(?:the\s+)?(?P<which>first|last|final)\s+(?:working|business|work|week)[- ]?day{_OF_MONTH}"
)
def _workday_of_month(parts: Parts, said: Said) -> None:
    parts.put("workday", "first" if said["which"] == "first" else "last")


@phrase(rf"(?:on\s+|at\s+)?(?:the\s+)?(?:last|final)\s+day{_OF_MONTH}|(?:at\s+)?month[- ]end")
def _last_day(parts: Parts, said: Said) -> None:
    parts.put("monthdays", (-1,))


@phrase(
    rf"(?:on\s+)?(?:the\s+)?(?P<days>{_ORD}(?:{_SEP}(?:the\s+)?(?:{_ORD}|last)){{0,12}})(?:\s+days?)?{_OF_MONTH}|"
    rf"(?:on\s+)?day\s+(?P<number>\d{{1,2}}){_OF_MONTH.replace('whose', 'whose2')}|"
    rf"(?:every|each)\s+(?P<every>\d{{1,2}}(?:st|nd|rd|th))|"
    rf"(?:on\s+)?(?:the\s+)?first\s+of\s+(?:the|every|each)\s+month"
)
def _days_of_month(parts: Parts, said: Said) -> None:
    text = said["days"] or said["number"] or said["every"] or "first"
    found = re.findall(rf"{_ORD}|last|\d+", text)
    days = {-1 if w == "last" else int(w) if w.isdigit() else words.ordinal(w) for w in found}
    if max(days) > 31 or 0 in days:
        raise Unclear(f"no month has a {max(days)}th day")
    if max(days) > 28:
        raise Unclear(f"not every month has a day {max(days)}", "the last day of the month")
    parts.put("monthdays", tuple(sorted(days)))


@phrase(rf"(?:in|of|every|each)\s+(?P<months>{_MONTH}(?:{_SEP}{_MONTH}){{0,12}})", strong=False)
def _months(parts: Parts, said: Said) -> None:
    if said.group().startswith(("every", "each")):
        parts.put("recurring", True)
    found = re.findall(_MONTH, said["months"])
    parts.put("months", tuple(sorted({words.month(name) for name in found})))


# --- one day --------------------------------------------------------------------------------------


@phrase(
    r"(?:on\s+)?(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)[t ]"
    r"(?P<hour>\d\d):(?P<min>\d\d)(?::00(?:\.0+)?)?(?P<z>z)?"
)
def _iso_moment(parts: Parts, said: Said) -> None:
    _iso_date(parts, said)
    if int(said["hour"]) > 23 or int(said["min"]) > 59:
        raise Unclear(f"“{said.group()}” is not a time of day")
    parts.put("clocks", (Clock(int(said["hour"]), int(said["min"])),))
    if said["z"]:
        parts.put("zone", "UTC")


@phrase(r"(?:on\s+)?(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})")
@phrase(r"(?:on\s+)?(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})")
def _iso_date(parts: Parts, said: Said) -> None:
    parts.put("date", (int(said["y"]), int(said["m"]), int(said["d"])))


@phrase(r"(?:on\s+)?(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{4})")
def _slashed_date(parts: Parts, said: Said) -> None:
    a, b = int(said["a"]), int(said["b"])
    if a <= 12 and b <= 12 and a != b:
        raise Unclear(f"“{said.group()}” can be two dates", f"{said['y']}-{a:02}-{b:02}")
    parts.put("date", (int(said["y"]), min(a, b) if max(a, b) > 12 else a, max(a, b)))


@phrase(
    rf"(?:on\s+)?(?:the\s+)?(?P<d>{_ORD}|\d{{1,2}})\s+(?:of\s+)?(?P<m>{_MONTH})(?:,?\s+(?P<y>\d{{4}}))?"
)
@phrase(rf"(?:on\s+)?(?P<m>{_MONTH})\s+(?:the\s+)?(?P<d>{_ORD}|\d{{1,2}})(?:,?\s+(?P<y>\d{{4}}))?")
def _date(parts: Parts, said: Said) -> None:
    found = int(said["d"]) if said["d"].isdigit() else words.ordinal(said["d"])
    parts.put("date", (int(said["y"]) if said["y"] else None, words.month(said["m"]), found))


@phrase(r"on\s+the\s+(?P<d>\d{1,2}(?:st|nd|rd|th))")
def _day_number(parts: Parts, said: Said) -> None:
    parts.put("date", (None, None, words.ordinal(said["d"])))


@phrase(
    r"(?P<after>(?:on\s+)?(?:the\s+)?day\s+after\s+tomorrow)|(?P<tonight>tonight)|"
    r"(?P<today>today|this(?=\s+(?:morning|afternoon|evening)))|(?P<tomorrow>tomorrow)"
)
def _near_day(parts: Parts, said: Said) -> None:
    parts.put("days_ahead", 2 if said["after"] else 1 if said["tomorrow"] else 0)
    if said["tonight"]:
        parts.put("day_part", "night")


@phrase(
    rf"(?:on\s+)?(?:(?:the\s+)?(?:next|coming|following)|this(?:\s+coming)?)\s+(?P<day>{_DAY})"
    r"(?P<part>\s+(?:morning|afternoon|evening|night))?"
)
def _coming_day(parts: Parts, said: Said) -> None:
    parts.put("coming", words.day(said["day"]))
    if said["part"]:
        parts.put("day_part", said["part"].strip())


@phrase(
    r"(?:next|this|later\s+this)\s+(?:week|month|year|weekend)|(?:this|next)\s+(?:time|quarter)"
)
def _vague(parts: Parts, said: Said) -> None:
    raise Unclear(f"“{said.group()}” does not say which day")


@phrase(
    rf"in\s+(?P<n>half\s+an|an?|{_NUM})\s+(?P<unit>{_UNIT})(?P<half>\s+and\s+a\s+half)?|"
    rf"(?P<n2>an?|{_NUM})\s+(?P<unit2>{_UNIT})\s+from\s+now"
)
def _from_now(parts: Parts, said: Said) -> None:
    amount, unit = said["n"] or said["n2"], words.unit(said["unit"] or said["unit2"])
    n: float = 1 if amount in {"a", "an"} else 0.5 if amount.startswith("half") else 0
    n = (n or words.number(amount)) + (0.5 if said["half"] else 0)
    if n != int(n) and unit not in words.UNITS:
        raise Unclear(f"“{said.group()}” is not exact")
    parts.put("offset", (n, unit))


# --- time of day ----------------------------------------------------------------------------------


@phrase(
    rf"(?:between\s+(?:the\s+hours\s+of\s+)?{clocks.pattern('A')}\s+and\s+{clocks.pattern('B')}|"
    rf"from\s+{clocks.pattern('C')}\s*(?:to|until|till|-|through)\s*{clocks.pattern('D')})",
    strong=False,
)
def _window(parts: Parts, said: Said) -> None:
    first, last = ("A", "B") if said.group().startswith("between") else ("C", "D")
    parts.put("window", (clocks.clock(said, first), clocks.clock(said, last)))


@phrase(rf"(?:at|@)\s*{clocks.pattern()}(?!\s*(?:%|percent|degrees|euros?|dollars?|times|pages)\b)")
def _at_clock(parts: Parts, said: Said) -> None:
    parts.put("clocks", (clocks.clock(said),))


# written so that it can only be a time of day
@phrase(
    r"(?=\d{1,2}:\d{2}|\d{1,2}(?:[:.]\d{2})?\s*(?:am|pm|a\.m\.?|p\.m\.?)(?!\w)|"
    rf"{_NUM}\s+(?:am|pm|a\.m\.?|p\.m\.?|o'?\s?clock|in\s+the\s+(?:morning|afternoon|evening)|at\s+night)|"
    rf"(?:half|quarter)\s+(?:past|to)\s|\d{{1,2}}h(?:\d\d)?\b)" + clocks.pattern()
)
def _plain_clock(parts: Parts, said: Said) -> None:
    parts.put("clocks", (clocks.clock(said),))


@phrase(r"(?P<named>noon|midday|midnight)", strong=False)
def _named_clock(parts: Parts, said: Said) -> None:
    parts.put("clocks", (Clock(0 if said["named"] == "midnight" else 12),))


@phrase(
    rf"{words.SEPARATOR}(?:at\s+)?{clocks.pattern()}(?!\s+(?!in\b|at\b|on\b|utc\b|gmt\b)\w+s\b)",
    strong=False,
)
def _more_clocks(parts: Parts, said: Said) -> None:
    if not parts.clocks:
        raise Unclear(f"“{said.group()}” stands without a first time")
    *earlier, last = parts.clocks
    added = clocks.clock(said)
    if last.bare and not added.bare and added.hour >= 12 and last.minute == 0 and said["mer"]:
        raise Unclear(
            f"is it {last.hour} am or {last.hour} pm?", f"{last.hour} am", f"{last.hour} pm"
        )
    parts.clocks = (*earlier, last, added)


@phrase(
    r"(?:in\s+the\s+)?(?P<part>morning|afternoon|evening)|(?:at\s+)?(?P<night>night)", strong=False
)
def _day_part(parts: Parts, said: Said) -> None:
    parts.put("day_part", said["part"] or said["night"])


# --- zone -----------------------------------------------------------------------------------------


def _zone_name(said: Said) -> str | None:
    words_said = said["iana"] or said["utc"] or said["city"]
    return zone_named(re.sub(r"^in ", "", words_said)) if words_said else None


def _is_zone(said: Said) -> bool:
    return bool(said["own"] or said["abbr"] or _zone_name(said))


@phrase(
    r"(?:in\s+)?(?:the\s+)?(?P<iana>[a-z]+/[a-z_]+(?:/[a-z_]+)?)(?:\s+time)?|"
    r"(?P<utc>(?:utc|gmt)(?:\s*[+-]\s*\d{1,2}(?::?00)?)?|z)(?:\s+time)?|"
    r"(?P<own>(?:(?:in\s+)?my|local)\s+time(?:\s*zone)?)|"
    r"(?:in\s+)?(?P<city>[^\W\d]+(?:[ -][^\W\d]+){0,2})(?:'s)?\s+time(?:zone|\s+zone)?|"
    rf"(?P<abbr>{'|'.join(sorted(AMBIGUOUS))})",
    strong=False,
    fits=_is_zone,
)
def _zone(parts: Parts, said: Said) -> None:
    if said["abbr"]:
        raise Unclear(
            f"“{said['abbr'].upper()}” means several zones; name the city, as in “New York time”"
        )
    if not said["own"]:
        parts.put("zone", _zone_name(said))
