"""Where a request names one of a person's saved plans."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.planner.entities import Text
from agents.planner.shipped import is_template
from backend.contracts.tools import ToolSpec

NAMED, MENTIONED = 0.95, 0.8
KIND = r"(?:saved\s+)?(?:routine|plan|workflow|template|automation|job)"
_VERB = (
    r"(?:re-?run|run|start|execute|launch|trigger|perform|use|call|repeat|redo|schedule|set\s+up|"
    r"kick\s+off|fire(?:\s+off)?|do|make|give\s+me|send\s+me|get\s+me|show\s+me|mail\s+me|i\s+want)"
)
_WORD = re.compile(r"[^\W_]+")
_STRONG = re.compile(r"(?:re-?run|run|start|execute|launch|trigger|perform|repeat|redo|schedule)\b")


@dataclass(frozen=True, slots=True)
class Mention:
    """`span` are the words that call the plan, its verb among them; `lasting`: to be set up."""

    spec: ToolSpec
    span: tuple[int, int]
    confidence: float
    lasting: bool = False


def mention(text: Text, saved: Sequence[ToolSpec]) -> Mention | None:
    """The plan whose name is said as one, the longest name first."""
    said = text.said.lower() if len(text.said.lower()) == len(text.said) else text.plain
    heard = set(_WORD.findall(said))
    # most names are not said at all, which is seen without a pattern for each
    named = [
        (name, spec)
        for spec in saved
        for name in names(spec)
        if heard.issuperset(_WORD.findall(name))
    ]
    for name, spec in sorted(named, key=lambda pair: (-len(pair[0]), pair[1].id)):
        for found in _mentions(said, name, spec):
            return found
    return None


def names(spec: ToolSpec) -> set[str]:
    """What a saved plan is called: its name, its slug as words, its id."""
    slug = spec.id.partition(".")[2]
    found = {" ".join(_WORD.findall(words.lower())) for words in (spec.name, slug)}
    return {name for name in found if name} | {spec.id}


def _mentions(said: str, name: str, spec: ToolSpec) -> Iterator[Mention]:
    words = r"[\s_-]+".join(map(re.escape, name.split()))
    pattern = re.compile(
        rf"(?:\b(?P<verb>{_VERB})\s+)?(?P<mine>(?:my|our|the|this|that)\s+)?(?P<kind>{KIND}\s+)?"
        rf"[\"“'«]?(?<![\w@/])(?P<name>{words})(?![\w@/]|\.\w)[\"”'»]?(?P<after>\s+{KIND}\b)?"
    )
    for found in pattern.finditer(said):
        verb, mine = found["verb"] or "", (found["mine"] or "").startswith(("my", "our"))
        lasting = verb.startswith(("schedule", "set"))
        if is_template(spec):
            # shipped for everybody: meant only where it is called a template
            if "template" in f"{found['kind']} {found['after']}":
                yield Mention(spec, found.span(), NAMED, lasting=True)
            continue
        if name == spec.id or found["kind"] or found["after"] or _STRONG.match(verb):
            yield Mention(spec, found.span(), NAMED, lasting)
            continue
        # an everyday word may be a plan's name: one word alone is not enough to mean it
        alone = not re.search(r"\w", said[: found.start()] + said[found.end() :])
        if (verb and mine) or (" " in name and (mine or verb)) or alone:
            yield Mention(spec, found.span(), MENTIONED, lasting)
