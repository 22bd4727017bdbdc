"""Work done for each item of a list: where a request says so, and which list it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from agents.planner import schema
from agents.planner.drafts import Draft
from agents.planner.entities import Text
from agents.planner.lexicon import WORDS
from agents.planner.made import Made
from agents.planner.sayings import SYNONYMS
from agents.planner.times.words import listed
from agents.planner.wiring import stage_of
from backend.plans.validation.schema import Shape

Span = tuple[int, int]
ItemKind = Literal["entry", "url", "email", "file", "text", "data"]
Insert = Callable[[str, Mapping[str, Any], Sequence[str], str], Made | None]

_TIME = (
    r"(?:day|days|week|weeks|month|months|year|years|hour|hours|minute|minutes|second|seconds|"
    r"morning|evening|"
    r"night|afternoon|weekday|weekdays|weekend|time|other|mon|tues|wednes|thurs|fri|satur|sun|\d|"
    r"few|couple)"
)
_LEADING = re.compile(
    rf"for\s+(?:each|every|all(?:\s+of)?(?:\s+the)?)(?:\s+(?:single|one))?(?:\s+of(?:\s+(?:the|"
    rf"these|those|them|its)\b)?)?"
    rf"(?:\s+(?:new|latest|other|such))?(?:\s+(?!{_TIME})(?P<noun>[a-z]+))?(?:\s+(?:in|of|on|from)"
    rf"\s+(?:it\b|them\b|there\b|(?:the\s+)?(?:feed|page|file|"
    r"list)\b(?!\s*[\ue001\ue003])))?[,:]?"
)
_BEGINS = re.compile(r"(?:[\s,]|\b(?:and|then|please|also)\b)*")
_INLINE = re.compile(
    rf"\b(?:about\s+)?(?:each|every)(?:\s+(?:single|one))?(?:\s+of(?:\s+(?:the|these|those|them|"
    rf"its)\b)?)?"
    rf"(?:\s+(?:new|latest|other|such|text|markdown|json|csv|html|single|of\s+my))*(?:\s+(?!{_TIME})(?P<noun>[a-z]+))?"
)
_APART = re.compile(
    r"\b(?:one\s+by\s+one|one\s+at\s+a\s+time|one\s+after\s+(?:the\s+)?(?:other|another)|"
    r"individually|separately|"
    r"each\s+(?:on\s+(?:its|their)\s+own|separately)|(?:one|an?(?:\s+separate)?|its\s+own)"
    r"\s+(?:mail|e-?mail|message|"
    r"file|request|post|notification)\s+(?:for\s+(?:each|every)|per|each)(?:\s+(?P<noun>[a-z]+))?|"
    r"per\s+(?P<noun2>entry|item|article|post|story|link|page|file|line))\b"
)
_LISTED = frozenset(
    schema.stem(w)
    for w in listed(
        "entry item article post story headline link url page address one thing file document "
        "line row "
        "record email phone date amount price number result title person user name element website "
        "site "
        "webpage paper newsletter episode product order contact note recipient guest subscriber member "
        "task customer document ticket member"
    )
)
_PLURAL = re.compile(
    r"\b(?:them|all|everything|these|those|results|summaries|texts|pages|answers|both|together|"
    r"translations|list)\b"
)
_SINGULAR = re.compile(r"\b(?:it|its|that|this|him|her)\b")
_PAGES = frozenset(schema.stem(w) for w in listed("page site website webpage article link url"))
_OF_ITEM = re.compile(r"\b(?:their|its|his|her)\s+(?P<field>[a-z_]\w*)")
PEOPLE = frozenset(
    schema.stem(w)
    for w in listed(
        "address person people recipient guest subscriber member contact customer email"
    )
)
_KINDS = {schema.stem(word): kind for kind, words in SYNONYMS.items() for word in words}


# "each of the addresses in guests.txt": where they are
_WITHIN = re.compile(
    r"\s*(?:(?:that\s+are\s+)?(?:listed|named|found|given|stored)\s+)?(?:in|of|on|from|at)\s+(?:the\s+|my\s+|this\s+)?(?:(?:feed|file|page|list|folder)\s+)?"
    r"(?P<place>[\ue001\ue003]+|it\b|there\b)"
)
_ALL = re.compile(
    r"\ball\s+(?:of\s+)?(?:the\s+|my\s+|those\s+|these\s+)?(?:\.?[a-z]+\s+)??(?P<noun>files|documents|"
    r"(?<=mail\sall\s)(?:addresses|people|members|guests|subscribers|contacts|customers|recipients))\b"
)


@dataclass(frozen=True, slots=True)
class Marker:
    """ "each entry": the noun, the places of such words. `leading` when the
    clause begins with it ("for each …"); `place`: where an address or file stands that holds them."""

    noun: str
    spans: tuple[Span, ...]
    leading: bool = False
    place: Span | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """Over the list at `reference`, an output of the step `made`; `kind` is what its items are."""

    reference: str
    made: str
    kind: ItemKind

    def value(self, words: str = "") -> str:
        """An item, or the part of it that the words name."""
        if self.kind == "data" and (named := _OF_ITEM.search(words)):
            return f"${{item.{named['field']}}}"
        if self.kind != "entry":
            return "${item}"
        parts = [
            name
            for name, said in (
                ("title", r"titles?"),
                ("link", r"links?|urls?"),
                ("author", r"authors?"),
            )
            if re.search(rf"\b(?:the|its|their|and|only|just)\s+(?:{said})\b", words)
        ]
        return ": ".join(f"${{item.{part}}}" for part in parts) or "${item}"

    @property
    def address(self) -> str:
        """An item's web address; empty when it has none."""
        return {"entry": "${item.link}", "url": "${item}"}.get(self.kind, "")

    @property
    def label(self) -> str:
        """What an item is called."""
        return "${item.title}" if self.kind == "entry" else "${item}"

    @property
    def person(self) -> str:
        """Whom a mail for the item goes to; empty when an item is nobody's address."""
        return "${item}" if self.kind == "email" else ""

    @property
    def path(self) -> str:
        return "${item.path}" if self.kind == "file" else ""


def marker(text: Text, start: int, end: int) -> Marker | None:
    """Where a clause says that something is done for each of many."""
    plain = text.plain
    lead = _BEGINS.match(plain, start, end)
    if found := _LEADING.match(plain, lead.end() if lead else start, end):
        return _within(plain, end, Marker(found["noun"] or "", (found.span(),), leading=True))
    nouns: list[str] = []
    spans: list[Span] = []
    for found in _APART.finditer(plain, start, end):
        nouns.append(found["noun"] or found["noun2"] or "")
        spans.append(found.span())
    for found in (*_ALL.finditer(plain, start, end), *_INLINE.finditer(plain, start, end)):
        noun = found["noun"] or ""
        known = not noun or schema.stem(noun) in _LISTED
        if not known and "every" in found.group():
            continue
        nouns.append(noun if known else "")
        # "give each a title": the noun is none of the list
        spans.append(found.span() if known else (found.start(), found.start("noun")))
    if not spans:
        return None
    return _within(plain, end, Marker(next((noun for noun in nouns if noun), ""), tuple(spans)))


def _within(plain: str, end: int, found: Marker) -> Marker:
    """With the place where the things stand."""
    for at, span in enumerate(found.spans):
        if within := _WITHIN.match(plain, span[1], end):
            spans = [*found.spans]
            spans[at] = (span[0], within.end())
            place = within.span("place") if within["place"][0] in "\ue001\ue003" else None
            return replace(found, spans=tuple(spans), place=place)
    return found


def goes_on(plain: str, before: Marker, stage: str) -> bool:
    """Whether a clause behind a repeated one is done for each item too."""
    if _PLURAL.search(plain):
        return False
    singular = _SINGULAR.search(plain) is not None
    if before.leading:
        return singular or stage in ("out", "ask")
    return singular and stage in ("change", "source")


class Lists:
    """Finds, or makes, the list that a marker means."""

    def __init__(self, draft: Draft, insert: Insert) -> None:
        self._draft = draft
        self._insert = insert

    def of(self, noun: str, earlier: Sequence[Made]) -> Loop | None:
        """The nearest list whose items may be called so."""
        telling = [m for m in reversed(earlier) if not m.goes_out and not m.quiet]
        for made in telling:
            if made.listed:
                output = schema.output_for(made.spec, "text", {})
                if output:
                    return Loop(f"${{{made.name}.{output[0]}}}", made.name, "text")
        for made in telling:
            if found := self._in(made, schema.stem(noun), noun):
                return found
        return None

    def _in(self, made: Made, stem: str, noun: str) -> Loop | None:
        tool, args = made.spec.id, self._args(made)
        kind = "urls" if stem in _PAGES else _KINDS.get(stem)
        if tool == "feed.read":
            return Loop(f"${{{made.name}.entries}}", made.name, "entry")
        if tool == "watch.changed":
            entries = any(m.spec.id == "feed.read" for m in self._draft.made)
            return Loop(f"${{{made.name}.added}}", made.name, "entry" if entries else "text")
        if tool == "file.list":
            return Loop(f"${{{made.name}.files}}", made.name, "file")
        if tool == "text.extract":
            kinds = args.get("kinds") or ()
            wanted = kind if kind in kinds else next(iter(kinds)) if len(kinds) == 1 else ""
            if wanted:
                return Loop(f"${{{made.name}.data.{wanted}}}", made.name, _item(wanted))
            return None
        if tool == "json.query":
            kind_of: ItemKind = "url" if args.get("query") == "[].link" else "data"
            return Loop(f"${{{made.name}.result}}", made.name, kind_of)
        if tool == "http.get" or (tool == "file.read" and str(args.get("path")).endswith(".json")):
            return self._picked(made, noun)
        if stage_of(made.spec) == "source" and tool in WORDS:
            return self._extracted(made, stem, kind)
        return self._declared(made)

    def _picked(self, made: Made, noun: str) -> Loop | None:
        """The list inside an answer: by its name, or the answer itself."""
        plural = noun if noun.endswith("s") else f"{noun}s" if noun and noun != "one" else "items"
        query = {"data": f"${{{made.name}.json}}", "query": f"{plural} || @"}
        picked = self._insert("json.query", query, [made.name], "")
        return Loop(f"${{{picked.name}.result}}", picked.name, "data") if picked else None

    def _extracted(self, made: Made, stem: str, kind: str | None) -> Loop | None:
        """What stands in a text: its links, its lines."""
        text = schema.output_for(made.spec, "text", {})
        if text is None:
            return None
        args: dict[str, Any] = {"text": f"${{{made.name}.{text[0]}}}"}
        if kind is not None:
            args["kinds"] = [kind]
            path = f"data.{kind}"
        elif stem in (schema.stem("line"), schema.stem("row")):
            args["pattern"] = "[^\\r\\n]+"
            path = "data.matches"
        else:
            return None
        found = self._insert("text.extract", args, [made.name], "")
        if found is None:
            return None
        return Loop(f"${{{found.name}.{path}}}", found.name, _item(kind))

    def _declared(self, made: Made) -> Loop | None:
        """The one list that a tool of any kind says it gives."""
        outputs = made.spec.outputs.get("properties") or {}
        lists = [n for n, s in outputs.items() if Shape(s, made.spec.outputs).kinds == {"array"}]
        if len(lists) != 1:
            return None
        return Loop(f"${{{made.name}.{lists[0]}}}", made.name, "data")

    def _args(self, made: Made) -> Mapping[str, Any]:
        return next((s["args"] for s in self._draft.steps if s["name"] == made.name), {})


def _item(kind: str | None) -> ItemKind:
    """What the items of extracted data are."""
    return "url" if kind == "urls" else "email" if kind == "emails" else "text"
