"""What a person says for an argument in words: a prompt, a question, a message, a subject."""

from __future__ import annotations

import re

from agents.planner import lexicon, sayings
from agents.planner.entities import MASKED, Text

Span = tuple[int, int]
_NAMED_THING = re.compile(
    r"(?<!\S)(?:(?:the|this|my)\s+)?(?:(?:web\s?page|page|article|site|website|post|file|"
    r"text|content of)\s+)*"
    r"(?:at\s+|from\s+|of\s+)?[\ue001\ue003]+"
)
_KNOWN = {w for many in sayings.SYNONYMS.values() for phrase in many for w in phrase.split()}


def as_written(text: Text, start: int, end: int) -> str:
    """The words as said, but blank where a time was taken out."""
    pairs = zip(text.plain[start:end], text.said[start:end], strict=True)
    return "".join(" " if plain == " " else said for plain, said in pairs)


def original(text: Text, start: int, end: int) -> str:
    """The words as said, without what stands blank at the edges."""
    return re.sub(r"\s+", " ", as_written(text, start, end)).strip().strip(".,;:!").strip()


def prompt(text: Text, start: int, end: int) -> tuple[str, Span]:
    """What a model is asked: the words from the verb on, with "the text" for what was read."""
    lead = re.compile(r"\W*(?:(?:please|then|and|also|to)\s+)*").match(text.plain, start, end)
    start = lead.end() if lead else start
    value, place = "", start
    many = len(list(_NAMED_THING.finditer(text.plain, start, end)))
    for index, named in enumerate(_NAMED_THING.finditer(text.plain, start, end)):
        thing = "the text" if many == 1 else f"text {index + 1}"
        value += as_written(text, place, named.start()) + thing
        place = named.end()
    value = re.sub(r"\s+", " ", value + as_written(text, place, end)).strip(" .,;:!")
    return value[:1].upper() + value[1:], (start, end)


def instruction(text: Text, start: int, end: int) -> tuple[str, Span] | None:
    """What to extract, where it is none of the kinds that are known."""
    pattern = re.compile(r"\b(?:extract|pull out|pick out|find|collect)\s+(?P<said>[^,;]+)")
    found = pattern.search(text.plain, start, end)
    if found is None:
        return None
    listed = re.findall(r"[a-z-]+", re.sub(r"\b(?:from|in|out of)\b.*", "", found["said"]))
    if not [w for w in listed if w not in lexicon.FILLER | _KNOWN | {"numbers", "addresses"}]:
        return None
    begin, finish = found.span("said")
    value = original(text, begin, finish)
    named = MASKED.search(text.plain, begin, finish)
    value = original(text, begin, named.start()) if named else value
    cut = re.split(r"\s+(?:from|out of|in|on)(?:\s+(?:it|them|the|this|that)\b.*)?$", value)[
        0
    ].strip()
    return (cut, (begin, begin + len(cut))) if cut else None


def by_name(text: Text, name: str, start: int, end: int) -> tuple[str, Span] | None:
    """A text of a tool we have no words for: what stands behind its name, or behind "for", "in"."""
    label = re.escape(name.replace("_", " "))
    for pattern in (
        rf"\b{label}\s*(?:is|=|:|of)?\s+(?P<said>[^,;]+)",
        r"\b(?:in|for|of|about|named|called|to)\s+(?P<said>[^,;]+)",
    ):
        found = re.compile(pattern).search(text.plain, start, end)
        if found and (value := original(text, *found.span("said"))):
            return value, found.span()
    return None


def written(text: Text, name: str, start: int, end: int) -> tuple[str, list[Span]] | None:
    """What is said for an argument we have words for: "subject Hello", "about costs"."""
    pattern = sayings.SAID.get(name)
    found = pattern.search(text.plain, start, end) if pattern else None
    if found is None:
        return None
    begin, finish = next(found.span(name) for name in found.re.groupindex if found[name])
    if quoted := text.between(begin, finish, "quoted"):
        entity = quoted[0]
        return entity.value, [found.span(), (entity.start, entity.end)]
    value = original(text, begin, finish)
    return (value, [found.span()]) if value else None


def is_known(name: str) -> bool:
    return name in sayings.SAID
