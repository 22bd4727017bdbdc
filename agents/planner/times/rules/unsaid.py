"""Words that sound like a time and name none: each is refused with its own reason."""

from __future__ import annotations

from agents.planner.times import clocks, words
from agents.planner.times.parts import Parts, Unclear
from agents.planner.times.phrase import EVERY, Phrases, Said

RULES = Phrases(joins=True)
_ABOUT = r"(?:about|around|approximately|approx\.?|roughly|circa|before|after|by|no\s+later\s+than)"


@RULES.phrase(rf"(?:at\s+)?{_ABOUT}\s+{clocks.pattern()}|or\s+so|approximately|ish", strong=False)
def _about(parts: Parts, said: Said) -> None:
    raise Unclear(f"“{said.group()}” is not one exact time")


@RULES.phrase(r"(?:right\s+)?now|immediately|at\s+once|straight\s+away", strong=False)
def _now(parts: Parts, said: Said) -> None:
    raise Unclear(f"“{said.group()}” needs no schedule; say when, or start it by hand")


@RULES.phrase(
    r"bi-?weekly|bi-?monthly|bi-?annual(?:ly)?|bi-?yearly|bi-?daily|semi-?weekly|semi-?monthly|semi-?annual(?:ly)?|"
    r"half[- ]yearly"
)
def _twice_or_every_other(parts: Parts, said: Said) -> None:
    word = said.group().replace("-", "")
    unit = "week" if "week" in word else "month" if "month" in word else "year"
    if word.startswith("bi"):
        raise Unclear(
            f"“{said.group()}” means twice a {unit} to some and every two {unit}s to others",
            f"every other {unit}",
        )
    raise Unclear(f"“{said.group()}” does not say on which days")


@RULES.phrase(
    r"(?:(?:at|around|before|after|by)\s+)?(?:sun(?:rise|set|up|down)|dawn|dusk|daybreak|twilight|nightfall|first\s+light)",
    strong=False,
)
def _sun(parts: Parts, said: Said) -> None:
    raise Unclear(f"when “{said.group()}” is changes from day to day; say a time of day")


@RULES.phrase(
    r"(?:at|before|after|around|over|during)\s+(?:(?:the|my)\s+)?"
    r"(?:breakfast|lunch(?:\s?time)?|dinner(?:\s?time)?|(?:office|business|working)\s+hours|bed\s?time|"
    r"usual\s+time)|(?:before|after|during)\s+work",
    strong=False,
)
def _daily_life(parts: Parts, said: Said) -> None:
    raise Unclear(f"“{said.group()}” is not the same for everyone; say a time of day")


@RULES.phrase(
    r"soon|later|as\s+soon\s+as\s+possible|asap|regularly|often|frequently|occasionally|sometimes?|(?:every\s+)?once\s+in\s+a\s+while|"
    rf"from\s+time\s+to\s+time|every\s+(?:now\s+and\s+then|so\s+often)|{EVERY}\s+(?:few|couple\s+of|several|some)\s+{words.UNIT}|"
    rf"in\s+(?:a\s+)?(?:few|bit|while|couple\s+of|several|some)(?:\s+{words.UNIT})?|whenever|all\s+the\s+time|always|never",
    strong=False,
)
def _vague(parts: Parts, said: Said) -> None:
    raise Unclear(f"“{said.group()}” is not an exact time", "every hour", "every day at 9:00")


@RULES.phrase(
    rf"(?:{EVERY}|in|during|this|next)\s+(?:the\s+)?(?:spring|summer|autumn|fall|winter|season)s?|"
    rf"(?:{EVERY}|on|at)\s+(?:easter|thanksgiving|christmas(?:\s+(?:eve|day))?|new\s+year'?s(?:\s+(?:eve|day))?|"
    rf"halloween|ramadan|(?:my|his|her|your)\s+birthday|(?:the\s+)?(?:full|new|blue)\s+moon)(?:\s+day)?",
    strong=False,
)
def _feast(parts: Parts, said: Said) -> None:
    raise Unclear(f"the date of “{said.group()}” is not known here; say the day and the month")
