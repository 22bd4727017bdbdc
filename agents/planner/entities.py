"""What a request names outright: addresses, mail addresses, files, quotations, counted things."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from agents.planner.times import words

Kind = Literal["url", "email", "file", "quoted"]
# one private character a kind stands for every character of what is masked; see Text
MASKS: dict[Kind, str] = {"url": "\ue001", "email": "\ue002", "file": "\ue003", "quoted": "\ue004"}
MASKED = re.compile("[\ue001-\ue004]")
MAX_TEXT = 4_000

_EXTENSIONS = (
    "md|markdown|txt|text|csv|tsv|json|jsonl|html?|xml|ya?ml|pdf|docx?|xlsx?|log|ics|rst"
    "|py|toml|ini"
)
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("url", re.compile(r"<?\b(?P<value>(?:https?|ftp)://[^\s<>\"“”]{1,2000})>?", re.I)),
    (
        "email",
        re.compile(
            r"(?:mailto:)?(?P<value>[\w.+%-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})"
        ),
    ),
    ("url", re.compile(r"\b(?P<value>www\.[^\s<>\"“”]{3,2000})", re.I)),
    (
        "quoted",
        re.compile(
            r"(?P<value6>\{[^{}\n]{1,2000}\})|\"(?P<value>[^\"\n]{1,2000})\"|“(?P<value2>[^”\n]{1,2000})”|"
            r"„(?P<value3>[^“”\n]{1,2000})[“”]|«(?P<value4>[^»\n]{1,2000})»|"
            r"(?<!\w)['‘](?P<value5>[^'’\n]{1,2000})['’](?!\w)"
        ),
    ),
    (
        "file",
        re.compile(
            rf"(?<![\w/.@-])(?P<value>(?:[\w.-]{{1,80}}/){{0,8}}[\w.-]{{0,80}}\w\.(?:{_EXTENSIONS}))(?![\w/@])(?!\.\w)",
            re.I,
        ),
    ),
    (
        "url",
        re.compile(
            r"(?<![\w@./-])(?P<value>(?:[a-z0-9-]{1,63}\.){1,5}(?:com|org|net|io|dev|de|eu|fr|"
            r"uk|info|app|news|gov|edu|ai|co|ch|at|nl|tv|me|us|ca|in|jp|"
            r"blog)(?::\d{2,5})?(?:/[^\s<>\"“”]{0,2000})?)(?![\w@])",
            re.I,
        ),
    ),
)
_COUNT = re.compile(
    rf"\b(?P<count>{words.NUMBER})(?P<unit>[ -]+(?:of\s+(?:the|its|their)\s+)?"
    r"(?:(?:[a-z]+est|new|top|first|last|most\s+recent)\s+)?"
    r"(?P<noun>[a-z][a-z-]{2,30}))?"
)


@dataclass(frozen=True, slots=True)
class Entity:
    """A value a person wrote, with its place in their text."""

    kind: Kind
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Count:
    """ "five entries": the number, the noun behind it, the place of both."""

    number: int
    noun: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Text:
    """A request: as said, and in lower case with every entity's characters masked (same length)."""

    said: str
    plain: str
    entities: tuple[Entity, ...]

    @classmethod
    def of(cls, said: str) -> Text:
        said = said[:MAX_TEXT]
        left = list(said)
        found: list[Entity] = []
        for kind, pattern in _PATTERNS:
            for match in pattern.finditer("".join(left)):
                entity = _entity(kind, match, said)
                if kind == "quoted":
                    inner = [e for e in found if entity.start <= e.start < entity.end]
                    if len(inner) == 1 and said[inner[0].start : inner[0].end] == entity.value:
                        continue  # an address in quotation marks is an address
                    found = [e for e in found if e not in inner]
                found.append(entity)
                left[entity.start : entity.end] = MASKS[kind] * (entity.end - entity.start)
        found.sort(key=lambda e: e.start)
        return cls(said, words.normal("".join(left)), tuple(found))

    def without(self, spans: tuple[tuple[int, int], ...]) -> Text:
        """The same text with those places blank, and without what is named there."""
        plain = list(self.plain)
        for start, end in spans:
            plain[start:end] = " " * (end - start)
        kept = tuple(
            e for e in self.entities if not any(a <= e.start and e.end <= b for a, b in spans)
        )
        return Text(self.said, "".join(plain), kept)

    def between(self, start: int, end: int, kind: Kind) -> tuple[Entity, ...]:
        return tuple(e for e in self.entities if e.kind == kind and start <= e.start < end)


def counts(plain: str, start: int, end: int) -> tuple[Count, ...]:
    """Numbers in plain[start:end] with the noun that follows each."""
    return tuple(
        Count(words.number(m["count"]), m["noun"] or "", m.start(), m.end())
        for m in _COUNT.finditer(plain, start, end)
        if m["noun"]
    )


def _entity(kind: Kind, match: re.Match[str], said: str) -> Entity:
    group = next(name for name, value in match.groupdict().items() if value is not None)
    value = said[slice(*match.span(group))]
    start = match.start()
    end = match.end()
    if kind == "url":
        trimmed = value.rstrip(".,;:!?'")
        while trimmed.endswith((")", "]")):
            trimmed = trimmed[:-1].rstrip(".,;:!?'")
        if not match.group().endswith(">"):
            end -= len(value) - len(trimmed)
        value = trimmed
        if "://" not in value:
            value = f"https://{value}"
    return Entity(kind, value.strip() if kind == "quoted" else value, start, end)
