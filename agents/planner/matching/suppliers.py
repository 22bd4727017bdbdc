"""Which tool supplies what another must be given first: the id of a thing that is known by its name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agents.planner.matching.acts import of_words
from agents.planner.matching.words import ACT_OF, STOP, main_act, spoken, stem, tokens
from backend.contracts.tools import ToolSpec

MAX_DESCRIPTION = 400
_ID = re.compile(r"(?:^|_|\b)(?:id|ids|identifier|uuid|guid)$|(?<=[a-z])(?:Id|ID|Ids)$")
_BY_ID = re.compile(
    r"\b(?:using|by|based on|via|with|from|given)\s+(?:(?:its|the|their|an?|his|her)\s+)?"
    r"(?:\w+\s+){0,2}?(?:ID|id|identifier)\b"
)
# "the cast of a movie", "a collection's images": one certain thing
_CERTAIN = re.compile(
    r"\b(?:of|for|about|to|from|on|retrieve)\s+(?:an?|(?:the |an? )?(?:specific|specified|particular|given|"
    r"certain))\s+((?:[A-Za-z]+\s?){1,3})|\b(?:an?|its)\s+((?:[A-Za-z]+\s?){1,2})'s",
    re.I,
)
_ENDS = of_words("using by based with from of for via in on at its and or to that which show shows")
_SEARCHES = frozenset(
    stem(w) for w in ("search", "find", "finder", "lookup", "query", "list", "locate")
)
_A_LIST = re.compile(r"\blist\b", re.I)
ENOUGH = 0.5


def suppliers(specs: Sequence[ToolSpec]) -> tuple[Mapping[int, float], ...]:
    """Per tool, the tools (by place) that bring what it needs, and how much of it, over `ENOUGH`.

    Where schemas are known, an output that has the name of an id it takes; else a tool that looks for
    the very thing its description speaks of. A tool's words never name another tool: whatever a
    description says, only one that looks for things is drawn in, by its own name.
    """
    words = [_Words(spec) for spec in specs]
    by_output: dict[str, list[int]] = defaultdict(list)
    by_object: dict[str, list[int]] = defaultdict(list)
    for place, own in enumerate(words):
        for output in own.outputs:
            by_output[output].append(place)
        if own.looks:
            for word in own.objects:
                by_object[word].append(place)
    return tuple(
        _by_schema(own, by_output, words, place)
        if own.ids
        else _by_words(own, by_object, words, place)
        for place, own in enumerate(words)
    )


def searches(spec: ToolSpec) -> bool:
    """Whether a tool says of itself that it finds things."""
    listed = _A_LIST.search(spec.description[:MAX_DESCRIPTION])
    return bool(_SEARCHES & set(tokens(spoken(spec.id)))) or listed is not None


class _Words:
    def __init__(self, spec: ToolSpec) -> None:
        name = spoken(spec.id)
        text = spec.description[:MAX_DESCRIPTION]
        own = tokens(name)
        inputs = _names(spec.inputs)
        self.inputs = set(inputs)
        self.ids = [key for key in inputs if _ID.search(key)]
        self.outputs = {_joined(key) for key in _names(spec.outputs) if _ID.search(key)}
        self.looks = (main_act(name) or main_act(" ".join(text.split()[:12]))) == "look"
        self.objects = {word for word in own if ACT_OF.get(word) != "look"}
        self.searches = searches(spec)
        self.by_id = bool(_BY_ID.search(text))
        certain = _certain(text)
        self.certain = certain
        named = certain & set(own)
        self.needs = (named or (certain if self.by_id else set())) if not inputs else set()


def _by_schema(
    own: _Words, by_output: Mapping[str, list[int]], words: Sequence[_Words], place: int
) -> dict[int, float]:
    found: dict[int, float] = {}
    for key in own.ids:
        wanted = _joined(key)
        for output, makers in by_output.items():
            if output in ("id", "ids") or not wanted.endswith(output):
                continue
            found.update(
                {
                    maker: 1.0
                    for maker in makers
                    if maker != place and key not in words[maker].inputs
                }
            )
    return found


def _by_words(
    own: _Words, by_object: Mapping[str, list[int]], words: Sequence[_Words], place: int
) -> dict[int, float]:
    if not own.needs or not (own.by_id or own.looks):
        return {}
    found: dict[int, float] = {}
    for maker in {m for word in own.needs for m in by_object.get(word, ())} - {place}:
        other = words[maker]
        if other.certain & own.needs or not (own.by_id or other.searches):
            continue
        share = len(own.needs & other.objects) / len(own.needs)
        if share >= ENOUGH:
            found[maker] = share
    return found


def _certain(text: str) -> set[str]:
    found: set[str] = set()
    for match in _CERTAIN.finditer(text):
        for word in (match[1] or match[2]).lower().split():
            if word in _ENDS:
                break
            if word not in STOP:
                found.add(stem(word))
    return found


def _names(schema: Mapping[str, Any]) -> Iterable[str]:
    found = schema.get("properties")
    return list(found) if isinstance(found, dict) else []


def _joined(name: str) -> str:
    return re.sub(r"[_\W]", "", name).lower()
