"""Work that a person says is not wanted: kept out of the plan, and held against it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agents.planner import sayings, schema
from agents.planner.drafts import Draft, Span
from agents.planner.entities import Text
from agents.planner.lexicon import WORDS

_SAID = re.compile(
    r"(?:\b(?:but|and|so)\s+)?(?:\bplease\s+)?\b(?:don't|do\s+not|dont|never|no\s+need\s+to|without|no|not)\s+"
    r"(?:the\s+|a\s+|an\s+|any\s+)?(?P<work>[a-z-]+)"
    r"(?:\s+(?:it|them|that|this|anything|me|anyone|anybody|anywhere|(?:the|any)\s+[a-z]+))?"
    r"(?:\s+(?:anywhere|to\s+any(?:one|body)|at\s+all|yet|either|needed|necessary|please|though))*"
    r"(?=\s*(?:$|[,.;:!?]|\band\b|\bbut\b))"
)
_NOUNS = frozenset(
    schema.stem(noun)
    for word in WORDS.values()
    if word.stage in ("change", "out")
    for noun in (word.title, *word.nouns)
    if noun
    and noun
    not in ("text", "data", "result", "results", "file", "links", "dates", "answer", "message")
)


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The stems of the work that is not wanted, and where that is said."""

    stems: frozenset[str]
    spans: tuple[Span, ...]

    def broken_by(self, draft: Draft) -> Span | None:
        """Where the work of one of these steps is ruled out; None when they all keep to it."""
        done = {
            schema.stem(word)
            for made in draft.made
            if (known := WORDS.get(made.spec.id)) and known.stage != "source"
            for word in (*known.verbs.split(), known.title, *known.nouns[:1])
        }
        return self.spans[0] if done & self.stems else None


def unwanted(text: Text, verbs: Iterable[str]) -> Unwanted | None:
    """What is ruled out by words that say nothing else. "Don't send it if …" is a condition instead."""
    message = sayings.MESSAGE.search(text.plain)
    end = message.start("said") if message else len(text.plain)
    work = {schema.stem(verb) for verb in verbs} | _NOUNS
    found = [
        m for m in _SAID.finditer(text.plain, 0, end) if schema.stem(m["work"]) in work - _OTHERWISE
    ]
    if not found:
        return None
    stems = frozenset(schema.stem(m["work"]) for m in found)
    return Unwanted(stems, tuple(m.span() for m in found))


_OTHERWISE = frozenset(
    schema.stem(w) for w in ("change", "open", "list", "report", "need", "set", "forget")
)
