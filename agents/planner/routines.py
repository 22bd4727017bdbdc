"""What is asked about saved plans: keep this one, which are there, what became of one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Act = Literal["save", "list", "history", "forget", "rename", "templates"]

_PLEASE = r"^\W*(?:(?:please|ok(?:ay)?|now|then|and|can you|could you|i want to|i'd like to|let's)[\s,]+)*"
_THIS = r"(?:this|that|it|the\s+(?:last\s+|open\s+)?plan|my\s+plan|this\s+plan|that\s+plan)"
_KIND = r"(?:routine|template|saved\s+plan|workflow|plan|recipe)"
_QUOTED = r"[\"“'«]?(?P<name>[^\"”»\n]{1,80}?)[\"”'»]?"
_END = r"(?:[\s,]+(?:please|for\s+(?:me|later|next\s+time)))*\W*$"
_SAVE = (
    re.compile(
        rf"{_PLEASE}(?:save|keep|store|remember|bookmark)\s+{_THIS}"
        rf"(?:\s+(?:as|under)\s+(?:(?:a|an|my|the)\s+)?{_KIND})?"
        rf"(?:\s*,?\s*(?:and\s+)?(?:(?:call|name)\s+it|called|named|under\s+the\s+name(?:\s+of)?|with\s+the\s+name)"
        rf"\s+{_QUOTED})?{_END}",
        re.I,
    ),
    re.compile(
        rf"{_PLEASE}(?:save|keep|store|remember)\s+{_THIS}\s+as\s+(?:my\s+|the\s+)?{_QUOTED}{_END}",
        re.I,
    ),
    re.compile(
        rf"{_PLEASE}(?:make|turn)\s+{_THIS}\s+(?:into\s+)?(?:a|my)\s+{_KIND}"
        rf"(?:\s*,?\s*(?:(?:and\s+)?(?:call|name)\s+it|called|named)\s+{_QUOTED})?{_END}",
        re.I,
    ),
)
# "it" alone may be the result as well
_BARE = re.compile(
    rf"{_PLEASE}(?:save|keep|store|remember)\s+(?:this|that|it)(?:\s+please)?\W*$", re.I
)
# formats and places: then it is the result that is to be saved, not the plan
_RESULT = re.compile(
    r"\.\w{1,5}$|/|^(?:an?\s+)?(?:pdf|csv|json|html?|text|txt|markdown|md|word|excel|file|draft|note|image|picture)s?"
    r"(?:\s+file)?$|\b(?:every|each|tomorrow|at\s+\d)",
    re.I,
)
_PLURAL = r"(?:routines|saved\s+plans|workflows|templates)"
_LIST = re.compile(
    rf"{_PLEASE}(?:(?:what|which)(?:\s+of)?(?:\s+my)?\s+(?P<a>{_PLURAL})\b.*|(?:show|list|see|give)(?:\s+me)?\s+"
    rf"(?:all\s+)?(?:of\s+)?(?:my\s+|the\s+|your\s+)?(?P<b>{_PLURAL})|(?:do\s+i\s+have|are\s+there)\s+(?:any\s+)?"
    rf"(?P<c>{_PLURAL})(?:\s+saved)?|(?:my\s+)?(?P<d>{_PLURAL})|what\s+have\s+i\s+saved)\W*$",
    re.I,
)
_HISTORY = re.compile(
    rf"{_PLEASE}(?:show|list|see|give|what\s+is|what's)(?:\s+me)?\s+(?:the\s+)?(?:version\s+)?"
    rf"(?:history|revisions|versions)\s+of\s+(?:my\s+|the\s+)?(?:{_KIND}\s+)?{_QUOTED}(?:\s+{_KIND})?{_END}",
    re.I,
)
# a plan is ended on its card; only a name is forgotten here
_KEPT = r"(?:routine|saved\s+plan|template|recipe)"
_FORGET = re.compile(
    rf"{_PLEASE}(?:forget|delete|remove|unsave|drop)\s+(?:my\s+|the\s+)?(?:{_KEPT}\s+{_QUOTED}"
    rf"|[\"“'«]?(?P<other>[^\"”»\n]{{1,80}}?)[\"”'»]?\s+{_KEPT}){_END}",
    re.I,
)
_RENAME = re.compile(
    rf"{_PLEASE}rename\s+(?!(?:it|this|that|them)\s)"
    rf"(?:my\s+|the\s+)?(?:{_KIND}\s+)?{_QUOTED}(?:\s+{_KIND})?\s+(?:to|as|into)\s+"
    rf"[\"“'«]?(?P<to>[^\"”»\n]{{1,80}}?)[\"”'»]?{_END}",
    re.I,
)


@dataclass(frozen=True, slots=True)
class RoutineRequest:
    """`name` is the plan's, "" where none was said; `to` its new one."""

    act: Act
    name: str = ""
    to: str = ""


def routine_request(text: str) -> RoutineRequest | None:
    """What a message asks about saved plans, or None. The message is that and nothing else."""
    text = " ".join(text.split())
    if len(text) > 300:
        return None
    name = saving_request(text)
    if name is not None:
        return RoutineRequest("save", name)
    if found := _LIST.match(text):
        kinds = [value for value in found.groupdict().values() if value]
        templates = bool(kinds) and kinds[0].lower() == "templates"
        return RoutineRequest("templates" if templates else "list")
    if found := _HISTORY.match(text):
        return RoutineRequest("history", _called(found["name"]))
    if found := _RENAME.match(text):
        return RoutineRequest("rename", _called(found["name"]), _called(found["to"]))
    if found := _FORGET.match(text):
        return RoutineRequest("forget", _called(found["name"] or found["other"]))
    return None


def saving_request(text: str) -> str | None:
    """The name under which the plan at hand is to be kept, "" where none is said; None when something
    else is asked for: "save it as notes.md" is work for a plan."""
    text = " ".join(text.split())
    if _BARE.match(text):
        return None
    for pattern in _SAVE:
        if found := pattern.match(text):
            name = _called(found["name"] or "")
            return None if _RESULT.search(name) else name
    return None


def _called(name: str) -> str:
    return re.sub(rf"^(?:an?|my|the)\s+|\s+{_KIND}$", "", name.strip(" ,.;:!?"), flags=re.I)
