"""One value in the place of another, wherever it stands in an open plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from agents.planner.condition_forms import MORE
from agents.planner.entities import Text
from agents.planner.slots import SAID
from backend.contracts.ports import PlanAnswer

if TYPE_CHECKING:
    from agents.planner.planning import Planning

Document = dict[str, Any]
Outcome = tuple[Document, dict[str, str]] | PlanAnswer | None

_VERB = (
    r"(?:(?:make|use|take|have|put|set|do|let|change|switch|send|mail|save)\s+(?:it|this|that|them)?|"
    r"(?:it|this|that|they)\s+(?:should|must|has\s+to|ought\s+to)\s+(?:go|be\s+(?:sent|mailed|"
    r"saved)|be|arrive))\s*"
    r"(?:to\s+|be\s+|in\s+|into\s+)?"
)
_SWAPS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^(?:{_VERB})?(?:(?:in|to|as|the)\s+)?(?P<new>[^,;]{{1,80}}?),?\s+(?:rather\s+than|"
        rf"instead\s+of|and\s+not|not)\s+"
        r"(?:in\s+|to\s+|as\s+)?(?P<old>[^,;]{1,80})$",
        rf"^(?:{_VERB})?not\s+(?P<old>[^,;]{{1,80}}?),?\s+but\s+(?P<new>[^,;]{{1,80}})$",
        r"^(?:replace|swap|exchange)\s+(?:the\s+)?(?P<old>[^,;]{1,80}?)\s+(?:with|by|for)"
        r"\s+(?P<new>[^,;]{1,80})$",
        r"^(?:change|switch|turn|move)\s+(?:the\s+)?(?P<old>[^,;]{1,80}?)\s+(?:to|into)"
        r"\s+(?P<new>[^,;]{1,80})$",
    )
)
_THAN = re.compile(
    r"^(?P<op>below|under|less\s+than|fewer\s+than|above|over|more\s+than|at\s+least|at\s+most)\s+(?=\d)"
)
_BOUND = re.compile(
    r"^(?:(?:raise|lower|increase|decrease|reduce|set|change|move|put|make)\s+)?(?:the\s+)?"
    r"(?:(?<=raise\s)(?:it|that|this)|(?<=lower\s)(?:it|that|this)|(?<=increase\s)(?:it|that|this)|"
    r"(?<=reduce\s)(?:it|that|this)|(?<=decrease\s)(?:it|that|this)|limit|threshold|bound|border|"
    r"number|value|level|bar)\s+(?:to|is|at|should\s+be|=|:)\s*(?P<n>-?\d{1,12}(?:\.\d{1,9})?)$"
)
_NUMBER = re.compile(r"(?:[<>]=?|[=!]=)\s*(?P<n>-?\d+(?:\.\d+)?)")
_UNITS = re.compile(
    r"\s+(?:degrees?|euros?|dollars?|percent|entries|sentences|items|hours|minutes|characters)$"
)


def swapped(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "35 degrees, not 30", "german rather than french": a value said before, wherever it stands."""
    for pattern in _SWAPS:
        found = pattern.match(text.plain)
        if found is None:
            continue
        old, new = (_bare(text.said[slice(*found.span(name))]) for name in ("old", "new"))
        if not old or not new or old.lower() == new.lower():
            continue
        sources = _swap(document, old, new)
        if sources:
            _compared(document, _THAN.match(text.plain[slice(*found.span("new"))].strip()), new)
            return document, sources
    return None


def bounded(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "raise the limit to 20": the one number that a condition compares with."""
    found = _BOUND.match(text.plain.strip())
    guards = [
        (s, m) for s in document["steps"] for m in _NUMBER.finditer(str(s.get("guard") or ""))
    ]
    if found is None or len(guards) != 1:
        return None
    step, old = guards[0]
    step["guard"] = f"{step['guard'][: old.start('n')]}{found['n']}{step['guard'][old.end('n') :]}"
    return document, {f"{step['name']}.guard": SAID}


def _compared(document: Document, said: re.Match[str] | None, new: str) -> None:
    """ "above 10, not 5": compared as it is said now."""
    operator = MORE[re.sub(r"\s+", " ", said["op"])] if said else ""
    for step in document["steps"]:
        if operator and isinstance(step.get("guard"), str):
            step["guard"] = re.sub(rf"[<>]=?(?=\s*{re.escape(new)}\b)", operator, step["guard"])


def _bare(words: str) -> str:
    words = re.sub(r"^(?:the|an?)\s+", "", words.strip(" .!?\"'“”‘’"))
    return _UNITS.sub("", _THAN.sub("", words))


def _swap(document: Document, old: str, new: str) -> dict[str, str]:
    """Put `new` in the place of `old` in arguments and guards; what was changed."""
    # who is called by a name has an address that begins with it
    host = r"(?:@[\w.-]+)?" if "@" in new and "@" not in old else ""
    whole = re.compile(rf"(?<![\w.$/@-]){re.escape(old)}{host}(?![\w/@-]|\.[\w])", re.IGNORECASE)
    changed: dict[str, str] = {}
    for step in document["steps"]:
        for name, value in step.get("args", {}).items():
            put = _replaced(value, whole, new)
            if put != value:
                step["args"][name] = put
                changed[f"{step['name']}.{name}"] = SAID
        guard = step.get("guard")
        if isinstance(guard, str) and whole.search(guard):
            step["guard"] = whole.sub(lambda _: _as_in_guard(new), guard)
            changed[f"{step['name']}.guard"] = SAID
    return changed


def _as_in_guard(new: str) -> str:
    return new.lower().replace("\\", "").replace('"', "")


def _replaced(value: Any, whole: re.Pattern[str], new: str) -> Any:
    if isinstance(value, str):
        parts = re.split(r"(\$\{[^}]*\})", value)
        parts[::2] = [whole.sub(lambda m: _like(m.group(), new), part) for part in parts[::2]]
        return "".join(parts)
    if isinstance(value, list):
        return [_replaced(each, whole, new) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float) and whole.fullmatch(str(value)):
        return type(value)(new) if re.fullmatch(r"-?\d+(?:\.\d+)?", new) else value
    return value


def _like(old: str, new: str) -> str:
    """Written large where the old one was."""
    return new[:1].upper() + new[1:] if old[:1].isupper() else new
