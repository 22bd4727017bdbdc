"""Fill a tool's arguments from a clause and from what earlier steps give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.planner import lexicon, picks, said, sayings, schema
from agents.planner.counted import counted
from agents.planner.entities import Entity, Kind, Text, counts
from agents.planner.filled import Filled, Item, Span
from agents.planner.lexicon import WORDS
from agents.planner.made import EVENT, Made, narrowed
from agents.planner.wording import data, question
from backend.contracts.events import MAIL_RECEIVED, MAIL_SENDER
from backend.contracts.tools import ToolSpec
from backend.plans.validation.schema import Shape

SAID, DEFAULT = "said", "default"
_EACH = re.compile(
    r"\b(?:each|every)(?:\s+(?:one\s+)?of\s+(?:the|these|those|them|its)\b(?:\s+(?!whether|if)\w+)?|"
    r"\s+(?!whether|if)\w+)?[,\s]*",
    re.IGNORECASE,
)
_IT = re.compile(
    r"^\W*[a-z]+\s+(?:this|these|those)\b|\b(?:it|them)\b(?!\s+(?:rains?|snows?|was|were))"
)
PRONOUN = re.compile(r"\b(?:it|them|this|that|these|those|everything|result|results|both|all)\b")
_SENDER = re.compile(r"\b(?:the|its)\s+sender\b")
_TARGET = re.compile(
    r"\b(?:to|into|as|called|named)\s+(?:(?:an?|the|my)\s+)?(?:(?:new|text|web)\s+)?(?:file\s+|"
    r"webhook\s+|url\s+|api\s+|"
    r"address\s+)?(?:called\s+|named\s+|at\s+)?$"
)


class Filling:
    """One tool, one clause. `reserved` are places other tools of the clause have used; `item` is what
    there is one of for each time that the step is done."""

    def __init__(
        self,
        spec: ToolSpec,
        text: Text,
        span: Span,
        earlier: tuple[Made, ...],
        reserved: tuple[Span, ...],
        item: Item | None = None,
    ) -> None:
        self._spec = spec
        self._text = text
        self._start, self._end = span
        self._earlier = earlier
        self._reserved = reserved
        self._item = item
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
        if "material" in wanted and not self._out.missing and self._of_nothing():
            self._out.missing.append("material")
        if "instruction" in self._out.args:
            self._out.args.pop("kinds", None)  # in words, more is asked for than addresses
        self._out.args = {name: self._out.args[name] for name in wanted if name in self._out.args}
        return self._out

    def _of_nothing(self) -> bool:
        """Whether "it" is spoken of, and there is nothing yet that it could be."""
        return not self._earlier and _IT.search(self._plain) is not None

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
            if not any(a < e.end and e.start < b for a, b in taken)
        )

    def _entity(self, name: str, kind: Kind) -> None:
        free = self._free(kind)
        if free:
            entity = self._targeted(free)
            self._out.put(name, entity.value, SAID, (entity.start, entity.end))
        elif self._item is not None and not self._writes:
            value = self._item.address if kind == "url" else self._item.path
            if value:
                self._repeat(name, value)

    @property
    def _writes(self) -> bool:
        word = WORDS.get(self._spec.id)
        return word is not None and word.stage == "out"

    def _targeted(self, free: tuple[Entity, ...]) -> Entity:
        """What is read stands as it is, what is written behind "to", "as", "called"."""
        fits = [
            e for e in free if bool(_TARGET.search(self._text.plain, 0, e.start)) == self._writes
        ]
        return (fits or free)[-1 if self._writes else 0]

    def _recipients(self, name: str, wanted: Mapping[str, Any]) -> None:
        free = self._free("email")
        if name != "from" and not free and self._item is not None and self._item.person:
            self._repeat(name, self._item.person)
        if name == "to" and not free and (said_so := _SENDER.search(self._plain)):
            self._answered(self._place(said_so))
        if name == "from" or not free:
            return
        values = list(dict.fromkeys(e.value for e in free))
        many = len(values) > 1 and schema.takes_list(wanted)
        self._out.put(name, values if many else values[0], SAID, *((e.start, e.end) for e in free))

    def _answered(self, place: Span) -> None:
        """To whoever sent the mail that starts the plan, as a reply to it."""
        if any(made.spec.id == f"event:{MAIL_RECEIVED}" for made in self._earlier):
            self._out.put("to", f"${{event.{MAIL_SENDER}}}", EVENT, place)
            self._out.put("subject", 'Re: ${event.subject ?? "your mail"}', EVENT)
            self._out.refers.append(EVENT)

    def _choice(self, name: str, wanted: Mapping[str, Any]) -> None:
        for option in schema.options(wanted):
            found = re.search(rf"\b{re.escape(option.lower())}\b", self._plain)
            if found:
                self._out.put(name, option, SAID, self._place(found))
                return

    def _choices(self, name: str, wanted: Mapping[str, Any]) -> None:
        chosen: list[str] = []
        for option in schema.options(wanted):
            for word in sayings.SYNONYMS.get(option, (option,)):
                found = re.search(rf"\b{re.escape(word)}\b", self._plain)
                if found and option not in chosen:
                    chosen.append(option)
                    self._out.spans.append(self._place(found))
        if chosen:
            self._out.put(name, chosen, SAID)

    def _number(self, name: str, wanted: Mapping[str, Any]) -> None:
        for count in counts(self._text.plain, self._start, self._end):
            number = counted(self._spec, self._plain, name, wanted, count)
            taken = any(a < count.end and count.start < b for a, b in self._reserved)
            if number is not None and not taken:
                self._out.put(name, number, SAID, (count.start, count.end))
                return
        top = picks.TOP.search(self._plain) or picks.ONE.search(self._plain)
        if top and name in lexicon.LIMIT_NAMES:
            self._out.put(name, picks.amount(top), SAID, self._place(top))

    # --- in words ---------------------------------------------------------------------------------

    def _words(self, name: str, needed: bool) -> None:
        if said.is_known(name):
            found = said.written(self._text, name, self._start, self._end)
            if found is not None:
                self._out.put(name, found[0], SAID, *found[1])
        elif name == "prompt":
            value, place = said.prompt(self._text, self._start, self._end)
            if value:
                self._out.put(name, value, SAID, place)
        elif name == "instruction":
            named = said.instruction(self._text, self._start, self._end)
            if named is not None:
                self._out.put(name, named[0], SAID, named[1])
        elif name == "query":
            self._query(name)
        elif needed and self._spec.id not in WORDS:
            self._unknown(name)

    def _query(self, name: str) -> None:
        if self._spec.id == "json.query":
            part = picks.parts(self._text, (self._start, self._end), self._earlier)
            if part is not None:
                self._out.put(name, part[0], SAID, *part[1])

    def _unknown(self, name: str) -> None:
        if quoted := self._free("quoted"):
            self._out.put(name, quoted[0].value, SAID, (quoted[0].start, quoted[0].end))
        elif named := said.by_name(self._text, name, self._start, self._end):
            self._out.put(name, named[0], SAID, named[1])

    def _question(self, name: str) -> None:
        found = sayings.QUESTION.search(self._plain)
        if name == "choices" or found is None:
            if name == "choices" and found and found["yes"]:
                self._out.put(name, ["yes", "no"], DEFAULT)
            return
        start, end = self._place(found)
        if quoted := self._text.between(start, end, "quoted"):
            self._out.put(name, quoted[0].value, SAID, (start, end))
            return
        begin, finish = (self._start + at for at in found.span("said"))
        value = re.sub(r"\s+", " ", said.as_written(self._text, begin, finish)).strip(" .,;:!?")
        if self._item is not None:
            value = _EACH.sub("", value)
            value = re.sub(r"(?i)^(?:whether|if)\s+(?:to\s+)?", "", value)
        if not value and self._item is not None:
            self._repeat(name, f"What about {self._item.label}?", SAID)
            self._out.spans.append((start, end))
        if value:
            asks = found["yes"] or re.search(r"\b(?:whether|if)\b", found["said"])
            text = question(value, yes_or_no=bool(asks))
            if self._item is not None:
                self._repeat(name, f"{text} {self._item.label}", SAID)
                self._out.spans.append((start, end))
            else:
                self._out.put(name, text, SAID, (start, end))

    # --- from what is there -------------------------------------------------------------------------

    def _content(self, name: str, wanted: Mapping[str, Any], needed: bool) -> None:
        found = sayings.MESSAGE.search(self._plain)
        if found is not None:
            quoted = self._text.between(self._start + found.start("said"), self._end, "quoted")
            begin, finish = (self._start + at for at in found.span("said"))
            value = quoted[0].value if quoted else said.original(self._text, begin, finish)
            if value:
                spans = [(e.start, e.end) for e in quoted]
                value = value[0].upper() + value[1:]
                self._out.put(name, value, SAID, self._place(found), *spans)
                return
        quoted = self._free("quoted")
        if quoted and not (PRONOUN.search(self._plain) and self._earlier):
            value = data(quoted[0].value) if schema.takes_object(wanted) else quoted[0].value
            self._out.put(name, value, SAID, (quoted[0].start, quoted[0].end))
            return
        named = self._item is not None and bool(self._item.person)
        if self._item is not None and not named and (needed or name in {"material", "body"}):
            self._repeat(name, self._item.value(self._plain))
            return
        if (needed or name in {"material", "body"}) and self._earlier:
            self._from_step(name, wanted)

    def _repeat(self, name: str, value: str, source: str = "") -> None:
        assert self._item is not None
        self._out.put(name, value, source or f"step {self._item.made}")
        self._out.refers.append(self._item.made)
        self._out.repeats = True

    def _from_step(self, name: str, wanted: Mapping[str, Any]) -> None:
        nouns = frozenset(re.findall(r"[a-z]+", self._plain))
        listed = self._item.made if self._item is not None else ""
        telling = [m for m in self._earlier if m.spec.id != "wait.until" and not m.quiet]
        telling = [m for m in telling if m.name != listed]
        if not telling:
            return
        found_by_name = self._named(nouns, telling)
        near = [m for m in reversed(telling) if not m.goes_out]
        told = next((m for m in reversed(telling) if m.told), None)
        if told and not near:
            self._out.put(name, told.told, SAID)
            self._out.again = told.name
            return
        made = found_by_name or next((m for m in near if not m.aside), (near or telling)[0])
        made = narrowed(made, self._earlier)
        if made.name == EVENT and self._out.sources.get("to") == EVENT:
            return  # nobody gets their own mail back as the answer
        if made.name == EVENT:
            self._out.put(name, "${event}", "event")
            self._out.refers.append(EVENT)
            return
        found = schema.output_for(made.spec, name, wanted, nouns)
        if found is None:
            return
        output, fits = found
        fits = schema.takes_list(wanted) if made.listed else fits
        reference = f"${{{made.name}.{output}}}"
        if made.scalar and "number" not in Shape(wanted).kinds:
            reference, fits = f"{made.scalar}: {reference}", True
        self._out.put(name, reference if fits else f"{output}: {reference}", f"step {made.name}")
        self._out.refers.append(made.name)

    def _named(self, nouns: frozenset[str], telling: list[Made]) -> Made | None:
        """The step whose result a file, an address or a noun of the clause names."""
        for made in reversed(telling):
            outputs = made.spec.outputs.get("properties") or {}
            own = set(WORDS[self._spec.id].nouns) if self._spec.id in WORDS else set()
            if made.goes_out:
                continue
            names = set(WORDS[made.spec.id].nouns if made.spec.id in WORDS else ()) | (
                set(outputs)
                - {"title", "url", "link", "method", "count", "status", "text", "first"}
            )
            if names & nouns - own - {"result", "results"}:
                return made
        return None

    # --- places -------------------------------------------------------------------------------------

    def _place(self, found: re.Match[str]) -> Span:
        return self._start + found.start(), self._start + found.end()
