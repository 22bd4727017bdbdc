"""Fill a tool's arguments from a clause and from what earlier steps give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.planner import lexicon, schema
from agents.planner.entities import Count, Entity, Kind, Text, counts
from agents.planner.lexicon import WORDS
from agents.planner.wording import data, question
from backend.contracts.tools import ToolSpec

_PRONOUN = re.compile(r"\b(?:it|them|this|that|these|those|everything|result|results)\b")
TOP = re.compile(
    r"\b(?:top|first|last|latest|newest|most recent|up to|at most|"
    r"max(?:imum)?(?: of)?|limit(?: of| to)?)\s+(?P<n>\d{1,4})\b"
    r"(?!\s+(?:second|minute|hour|day|week|month|year|sentence|word|line)s?\b)"
)
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
SAID, DEFAULT = "said", "default"

_TARGET = re.compile(
    r"\b(?:to|into|as|called|named)\s+(?:(?:an?|the|my)\s+)?(?:(?:new|text)\s+)?(?:file\s+)?(?:called\s+|named\s+)?$"
)
_NAMED_THING = re.compile(
    r"(?<!\S)(?:(?:the|this|my)\s+)?(?:(?:web\s?page|page|article|site|website|post|file|"
    r"text|content of)\s+)*"
    r"(?:at\s+|from\s+|of\s+)?[\ue001\ue003]+"
)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Made:
    """A step that stands before: what later ones may refer to."""

    name: str
    spec: ToolSpec

    @property
    def goes_out(self) -> bool:
        word = WORDS.get(self.spec.id)
        return word is not None and word.stage == "out"


@dataclass(slots=True)
class Filled:
    """Arguments with where each came from; `missing` are required ones nobody gave; `spans` the
    words that were used; `refers` the steps referred to."""

    args: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    refers: list[str] = field(default_factory=list)

    def put(self, name: str, value: Any, source: str, *spans: Span) -> None:
        self.args[name] = value
        self.sources[name] = source
        self.spans += spans


class Filling:
    """One tool, one clause. `reserved` are places other tools of the clause have used."""

    def __init__(
        self,
        spec: ToolSpec,
        text: Text,
        span: Span,
        earlier: tuple[Made, ...],
        reserved: tuple[Span, ...],
    ) -> None:
        self._spec = spec
        self._text = text
        self._start, self._end = span
        self._earlier = earlier
        self._reserved = reserved
        self._plain = text.plain[self._start : self._end]
        self._out = Filled()

    def fill(self) -> Filled:
        """Every argument the words, or the steps before, give a value."""
        wanted = schema.properties(self._spec)
        needed = schema.required(self._spec)
        order = sorted(
            wanted, key=lambda name: (self._late(name, wanted[name]), name not in needed)
        )
        for name in order:
            self._argument(name, wanted[name], name in needed)
        for name in order:
            if name in needed and name not in self._out.args:
                self._out.missing.append(name)
        self._out.args = {name: self._out.args[name] for name in wanted if name in self._out.args}
        return self._out

    def _late(self, name: str, wanted: Mapping[str, Any]) -> bool:
        """Content takes what is left when all else has found its words."""
        return schema.role(name, wanted) == "content"

    def _argument(self, name: str, wanted: Mapping[str, Any], needed: bool) -> None:
        kind = schema.role(name, wanted)
        if self._spec.id == "human.ask" and kind in {"content", "words"}:
            self._question(name)
        elif kind == "url":
            self._entity(name, "url")
        elif kind == "path":
            self._entity(name, "file")
        elif kind == "email":
            self._recipients(name, wanted)
        elif kind == "number":
            self._number(name, wanted)
        elif kind == "choice":
            self._choice(name, wanted)
        elif kind == "choices":
            self._choices(name, wanted)
        elif kind == "content":
            self._content(name, wanted, needed)
        elif kind == "words":
            self._words(name, needed)

    # --- named outright -------------------------------------------------------------------------

    def _free(self, kind: Kind) -> tuple[Entity, ...]:
        taken = (*self._reserved, *self._out.spans)
        return tuple(
            e
            for e in self._text.between(self._start, self._end, kind)
            if (e.start, e.end) not in taken
        )

    def _entity(self, name: str, kind: Kind) -> None:
        free = self._free(kind)
        if free:
            entity = self._file(free) if kind == "file" else free[0]
            self._out.put(name, entity.value, SAID, (entity.start, entity.end))

    def _file(self, free: tuple[Entity, ...]) -> Entity:
        """What is read stands as it is, what is written behind "to", "as", "called"."""
        word = WORDS.get(self._spec.id)
        writes = word is not None and word.stage == "out"
        fits = [e for e in free if bool(_TARGET.search(self._text.plain, 0, e.start)) == writes]
        return (fits or free)[-1 if writes else 0]

    def _recipients(self, name: str, wanted: Mapping[str, Any]) -> None:
        free = self._free("email")
        if name == "from" or not free:
            return
        values = list(dict.fromkeys(e.value for e in free))
        many = len(values) > 1 and schema.takes_list(wanted)
        self._out.put(name, values if many else values[0], SAID, *((e.start, e.end) for e in free))

    def _choice(self, name: str, wanted: Mapping[str, Any]) -> None:
        for option in schema.options(wanted):
            found = re.search(rf"\b{re.escape(option.lower())}\b", self._plain)
            if found:
                self._out.put(name, option, SAID, self._place(found))
                return

    def _choices(self, name: str, wanted: Mapping[str, Any]) -> None:
        chosen: list[str] = []
        for option in schema.options(wanted):
            for word in lexicon.SYNONYMS.get(option, (option,)):
                found = re.search(rf"\b{re.escape(word)}\b", self._plain)
                if found and option not in chosen:
                    chosen.append(option)
                    self._out.spans.append(self._place(found))
        if chosen:
            self._out.put(name, chosen, SAID)

    def _number(self, name: str, wanted: Mapping[str, Any]) -> None:
        for count in counts(self._text.plain, self._start, self._end):
            number = self._counted(name, wanted, count)
            if number is not None and (count.start, count.end) not in self._reserved:
                self._out.put(name, number, SAID, (count.start, count.end))
                return
        top = TOP.search(self._plain)
        if top and name in lexicon.LIMIT_NAMES:
            self._out.put(name, int(top["n"]), SAID, self._place(top))

    def _counted(self, name: str, wanted: Mapping[str, Any], count: Count) -> float | int | None:
        noun = schema.stem(count.noun)
        unit = _UNITS.get(count.noun.rstrip("s"))
        target = {"s": 1, "seconds": 1, "minutes": 60, "hours": 3600}.get(name.rsplit("_", 1)[-1])
        if unit and target:
            if name.startswith("max_age") and not re.search(r"\b(?:last|past)\b", self._plain):
                return None
            amount = count.number * unit / target
            return int(amount) if amount == int(amount) else amount
        if unit or target:
            return None
        about = f"{name.replace('_', ' ')} {wanted.get('description', '')}".lower()
        named = noun in {schema.stem(w) for w in re.findall(r"[a-z]+", about)}
        nouns = lexicon.LIMITED | set(WORDS[self._spec.id].nouns if self._spec.id in WORDS else ())
        limits = name in lexicon.LIMIT_NAMES and (count.noun in nouns or f"{count.noun}s" in nouns)
        return count.number if named or limits else None

    # --- in words ---------------------------------------------------------------------------------

    def _words(self, name: str, needed: bool) -> None:
        pattern = lexicon.SAID.get(name)
        found = pattern.search(self._plain) if pattern else None
        if found is not None:
            group = "said" if found["said"] else "said2"
            start, end = found.span(group)
            quoted = self._text.between(self._start + start, self._start + end, "quoted")
            if quoted:
                entity = quoted[0]
                self._out.put(
                    name, entity.value, SAID, self._place(found), (entity.start, entity.end)
                )
            elif value := self._original(start, end):
                self._out.put(name, value, SAID, self._place(found))
        elif name == "prompt":
            start = self._lead()
            if value := self._prompt(start):
                value = value[0].upper() + value[1:]
                self._out.put(name, value, SAID, (self._start + start, self._end))
        elif name == "instruction":
            self._instruction(name)
        elif name == "query" and any(made.spec.id == "feed.read" for made in self._earlier):
            self._entry_part(name)
        elif needed and pattern is None and self._spec.id not in WORDS:
            self._unknown(name)

    def _prompt(self, start: int) -> str:
        """The words as said, with "the text" for the address that an earlier step has read."""
        value, place = "", start
        for named in _NAMED_THING.finditer(self._plain, start):
            value += self._said(place, named.start()) + "the text"
            place = named.end()
        return re.sub(r"\s+", " ", value + self._said(place, len(self._plain))).strip(" .,;:!")

    def _said(self, start: int, end: int) -> str:
        """As written, but blank where a time was taken out."""
        pairs = zip(
            self._plain[start:end],
            self._text.said[self._start + start : self._start + end],
            strict=True,
        )
        return "".join(" " if plain == " " else said for plain, said in pairs)

    def _entry_part(self, name: str) -> None:
        """What a feed's entries are known to have."""
        found = re.search(r"\b(?P<part>title|link)s\b", self._plain)
        if found:
            self._out.put(name, f"[].{found['part']}", SAID, self._place(found))

    def _instruction(self, name: str) -> None:
        found = re.search(
            r"\b(?:extract|pull out|pick out|find|collect)\s+(?P<said>[^,;]+)", self._plain
        )
        if found is None:
            return
        start, end = found.span("said")
        words = re.findall(r"[a-z-]+", re.sub(r"\b(?:from|in|out of)\b.*", "", found["said"]))
        known = {w for many in lexicon.SYNONYMS.values() for phrase in many for w in phrase.split()}
        if [w for w in words if w not in lexicon.FILLER | known | {"numbers", "addresses"}]:
            value = self._original(start, end)
            cut = re.split(r"\s+(?:from|out of)\s+(?:it|them|the|this|that|https?:)", value)[
                0
            ].strip()
            if cut:
                self._out.put(
                    name, cut, SAID, (self._start + start, self._start + start + len(cut))
                )

    def _unknown(self, name: str) -> None:
        """A required text of a tool we have no words for: what is quoted, or named by its name."""
        if quoted := self._free("quoted"):
            self._out.put(name, quoted[0].value, SAID, (quoted[0].start, quoted[0].end))
            return
        label = re.escape(name.replace("_", " "))
        found = re.search(
            rf"\b{label}\s*(?:is|=|:|of)?\s+(?P<said>[^,;]+)", self._plain
        ) or re.search(r"\b(?:in|for|of|about|named|called|to)\s+(?P<said>[^,;]+)", self._plain)
        if found and (value := self._original(*found.span("said"))):
            self._out.put(name, value, SAID, self._place(found))

    def _question(self, name: str) -> None:
        found = lexicon.QUESTION.search(self._plain)
        if name == "choices" or found is None:
            if name == "choices" and found and found["yes"]:
                self._out.put(name, ["yes", "no"], DEFAULT)
            return
        start, end = self._place(found)
        if quoted := self._text.between(start, end, "quoted"):
            self._out.put(name, quoted[0].value, SAID, (start, end))
            return
        value = re.sub(r"\s+", " ", self._said(*found.span("said"))).strip(" .,;:!?")
        if value:
            self._out.put(name, question(value, yes_or_no=bool(found["yes"])), SAID, (start, end))

    # --- from what is there -------------------------------------------------------------------------

    def _content(self, name: str, wanted: Mapping[str, Any], needed: bool) -> None:
        said = lexicon.MESSAGE.search(self._plain)
        if said is not None:
            quoted = self._text.between(self._start + said.start("said"), self._end, "quoted")
            value = quoted[0].value if quoted else self._original(*said.span("said"))
            if value:
                spans = [(e.start, e.end) for e in quoted]
                self._out.put(name, value[0].upper() + value[1:], SAID, self._place(said), *spans)
                return
        quoted = self._free("quoted")
        if quoted and not (_PRONOUN.search(self._plain) and self._earlier):
            value = data(quoted[0].value) if schema.takes_object(wanted) else quoted[0].value
            self._out.put(name, value, SAID, (quoted[0].start, quoted[0].end))
            return
        if (needed or name in {"material", "body"}) and self._earlier:
            self._from_step(name, wanted)

    def _from_step(self, name: str, wanted: Mapping[str, Any]) -> None:
        nouns = frozenset(re.findall(r"[a-z]+", self._plain))
        telling = [m for m in self._earlier if m.spec.id != "wait.until"]
        if not telling:
            return
        made = self._named(nouns) or next(
            (m for m in reversed(telling) if not m.goes_out), telling[-1]
        )
        found = schema.output_for(made.spec, name, wanted, nouns)
        if found is None:
            return
        output, fits = found
        reference = f"${{{made.name}.{output}}}"
        self._out.put(name, reference if fits else f"{output}: {reference}", f"step {made.name}")
        self._out.refers.append(made.name)

    def _named(self, nouns: frozenset[str]) -> Made | None:
        """The step whose result a noun of the clause names."""
        for made in reversed(self._earlier):
            outputs = made.spec.outputs.get("properties") or {}
            own = set(WORDS[self._spec.id].nouns) if self._spec.id in WORDS else set()
            if made.goes_out:
                continue
            names = set(WORDS[made.spec.id].nouns if made.spec.id in WORDS else ()) | (
                set(outputs) - {"title", "url", "link", "method", "count", "status"}
            )
            if names & nouns - own:
                return made
        return None

    # --- places -------------------------------------------------------------------------------------

    def _place(self, found: re.Match[str]) -> Span:
        return self._start + found.start(), self._start + found.end()

    def _lead(self) -> int:
        found = re.match(r"\W*(?:(?:please|then|and|also)\s+)*", self._plain)
        return found.end() if found else 0

    def _original(self, start: int, end: int) -> str:
        """The words as said, without what stands blank (a time that was taken out) at the edges."""
        plain = self._plain[start:end]
        start += len(plain) - len(plain.lstrip())
        end -= len(plain) - len(plain.rstrip())
        said = self._text.said[self._start + start : self._start + end]
        return said.strip().strip(".,;:!").strip()
