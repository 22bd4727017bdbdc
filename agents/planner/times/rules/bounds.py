"""From when on, and until when: "starting next Monday", "until 3 March", "for three weeks"."""

from __future__ import annotations

from agents.planner.times import words
from agents.planner.times.amounts import AMOUNT, amount
from agents.planner.times.parts import Parts, Unclear
from agents.planner.times.phrase import Phrases, Said

RULES = Phrases()
_LATER = (
    rf"(?=\s+(?:on\s+)?(?:tomorrow|today|next\b|this\b|the\b|{words.MONTH}\s|{words.DAY}\b|\d))"
)


@RULES.phrase(
    r"(?:starting|beginning|commencing|effective|as\s+of)(?:\s+(?:from|on))?", bound="since"
)
def _since(parts: Parts, said: Said) -> None:
    """The day that follows is put by whoever reads the phrases in a row."""


@RULES.phrase(rf"from{_LATER}", strong=False, bound="since")
def _from(parts: Parts, said: Said) -> None:
    """As above."""


@RULES.phrase(
    r"(?:and\s+)?(?:(?:ending\s+(?:on\s+)?)|(?:up\s+)?(?:until|till|til)(?:\s+and\s+including)?|up\s+to)",
    bound="until",
)
def _until(parts: Parts, said: Said) -> None:
    """As above."""


@RULES.phrase(
    rf"between(?=\s+(?:the\s+)?(?:{words.MONTH}\s|\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{words.MONTH}|\d{{4}}-))",
    strong=False,
    bound="since",
)
def _between(parts: Parts, said: Said) -> None:
    """As above."""


@RULES.phrase(
    r"to|through|and",
    strong=False,
    bound="until",
    fits=lambda said, parts: parts.since is not None and parts.until is None,
)
def _to(parts: Parts, said: Said) -> None:
    """As above."""


@RULES.phrase(
    r"on\s?wards?|and\s+on", strong=False, fits=lambda said, parts: parts.since is not None
)
def _onwards(parts: Parts, said: Said) -> None:
    """It only repeats what "from" says."""


@RULES.phrase(
    r"(?:the\s+)?end\s+of\s+(?:(?:the|this)\s+)?(?:(?P<ahead>next\s+)?month|(?P<year>year))|"
    r"(?:the\s+)?year'?s\s+end",
    day=True,
    fits=lambda said, parts: False,
)
def _end(parts: Parts, said: Said) -> None:
    """Behind "until"; elsewhere "the end of the month" may be a habit."""
    if "month" in said.group():
        parts.put("monthdays", (-1,))
        parts.put("month_ahead", 1 if said["ahead"] else 0)
    else:
        parts.put("date", (None, 12, 31))


@RULES.phrase(r"for\s+the\s+(?:next|coming|following)\s+(?P<unit>week|month|year)", strong=False)
def _lasting_one(parts: Parts, said: Said) -> None:
    parts.put("lasting", (1, said["unit"]))


@RULES.phrase(
    rf"for\s+(?:(?:the\s+)?(?:next|following|coming)\s+)?(?P<amount>{AMOUNT})", strong=False
)
def _lasting(parts: Parts, said: Said) -> None:
    n, unit = amount(said["amount"])
    if unit not in {"day", "week", "month", "year"}:
        raise Unclear(f"a schedule cannot say “{said.group()}”")
    parts.put("lasting", (n, unit))
