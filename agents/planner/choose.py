"""Which tools a clause speaks of, and how surely."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.planner import lexicon, sayings, schema
from agents.planner.clauses import Clause, working_span
from agents.planner.entities import Entity, Text
from agents.planner.lexicon import STAGES, WORDS
from agents.planner.mentions import mention
from agents.planner.phrases import TARGETS
from agents.planner.pieces import lead_end
from agents.planner.rules import RULES
from backend.contracts.tools import ToolSpec

MAX_CLAUSE = 600
_REPEATED = re.compile(r"([\ue001-\ue004])\1+")
_OPENS = re.compile(
    r"\b(?:open|read|fetch|visit|load|get|follow|download|scrape|crawl|go\s+to|look\s+at)"
    r"\s+(?:up\s+)?(?:it|them|that|"
    r"each|every|all|its|the\s+(?:links?|pages?|articles?|urls?|files?|full\s+\w+))"
    r"\b(?![^.]*\b(?:feeds?|rss)\b)"
)
_LINKS = re.compile(r"\b(?:links?|urls?)\b")
_READERS_OF = {"file": {"file.read"}, "url": {"feed.read", "web.read", "http.get"}}
_PAGE = re.compile(r"\b(?:page|article|site|website|post|story)\b")


@dataclass(frozen=True, slots=True)
class Choice:
    """A tool for a clause; `implied` when only the words of another tool ask for it; `leads` when the
    clause begins with the words that do."""

    spec: ToolSpec
    confidence: float
    implied: bool = False
    leads: bool = False


def by_words(
    clause: Clause, text: Text, tools: Mapping[str, ToolSpec], used: frozenset[str]
) -> tuple[Choice, ...]:
    """The tools our own words know in a clause, in working order: at most one a stage; or the saved plan
    that it calls by its name.

    `used` are tools of earlier clauses: named again as a noun ("the summary") they are not meant anew.
    """
    start, end = working_span(clause)
    if called := _saved(text, start, end, tools):
        return (called,)
    lead = lead_end(text.plain, start)
    end = _quoting(text, start, end)
    # a masked address is as long as it was; one character of it says the same, much faster
    words = _REPEATED.sub(r"\1", text.plain[start:end])[:MAX_CLAUSE]
    found: dict[str, float] = {}
    leading: set[str] = set()
    for rule in RULES:
        match = rule.pattern.search(words)
        if match is None or rule.tool not in tools:
            continue
        begins = start + match.start() + len(match.group()) - len(match.group().lstrip()) <= lead
        if (
            rule.tool in used
            and not begins
            and lead > 0
            and not _named(text, start, end, rule.tool)
        ):
            continue
        weight = rule.weight + (0.02 if begins else 0)
        leading |= {rule.tool} if begins else set()
        found[rule.tool] = max(found.get(rule.tool, 0), weight)
    _settle(found, text, start, end)
    for alone in ("human.ask", "wait.until"):
        if alone in found:
            found = {alone: found[alone]}
    chosen: list[Choice] = []
    for stage in STAGES:
        rivals = [(w, t) for t, w in found.items() if WORDS[t].stage == stage]
        verbs = [r for r in rivals if r[1] in leading]
        if stage == "change" and verbs and max(rivals) not in verbs:
            # "translate the summary": the noun's work comes first, then the verb's
            chosen.append(Choice(tools[max(rivals)[1]], 0.85, implied=True))
            rivals = verbs
        if rivals:
            weight, tool = max(rivals)
            chosen.append(Choice(tools[tool], min(weight, 1.0), leads=tool in leading))
    return _with_readers(chosen, text, start, end, tools)


def done_by(specs: Sequence[ToolSpec], tools: Mapping[str, ToolSpec]) -> frozenset[str]:
    """The tools whose work these have done; a saved plan that gives a summary has summarised."""
    ids = {spec.id for spec in specs}
    given = {name for s in specs if s.type == "plan" for name in s.outputs.get("properties") or ()}
    return frozenset(ids | {id for id, spec in tools.items() if given & set(spec.produces)})


def _saved(text: Text, start: int, end: int, tools: Mapping[str, ToolSpec]) -> Choice | None:
    saved = [spec for spec in tools.values() if spec.type == "plan"]
    if not saved:
        return None
    named = mention(Text(text.said[start:end], text.plain[start:end], ()), saved)
    return Choice(named.spec, named.confidence) if named else None


def _quoting(text: Text, start: int, end: int) -> int:
    """The end of the work in a clause: what is only to be said ("remind me to mail Bob") is none."""
    message = sayings.MESSAGE.search(text.plain[start:end])
    return start + message.start("said") if message else end


def _named(text: Text, start: int, end: int, tool: str) -> bool:
    """Whether the clause brings new material for a tool that was used before."""
    stage = WORDS[tool].stage
    if stage == "out":
        return True
    return (
        bool(text.between(start, end, "url") or text.between(start, end, "file"))
        and stage == "source"
    )


def _settle(found: dict[str, float], text: Text, start: int, end: int) -> None:
    """Where words speak for several tools, let what is named decide."""
    plain = text.plain[start:end]
    urls = [e.value for e in text.between(start, end, "url")]
    files = text.between(start, end, "file")
    if "file.append" in found:
        found.pop("file.write", None)
    if "file.read" in found and len(files) < 2 and {"file.write", "file.append"} & set(found):
        found.pop("file.read")
    for page in ("web.read", "feed.read"):
        if page in found and files and not urls and "file.read" in found:
            found.pop(page)
    if "web.read" in found and urls and not _PAGE.search(plain):
        reader = reader_of(urls[0], plain)
        if reader != "web.read":
            found[reader] = max(found.get(reader, 0), found.pop("web.read"))
    if "text.extract" in found and "web.read" in found and _LINKS.search(plain):
        # a page's text has no links in it any more
        found["http.get"] = found.pop("web.read")
    _settle_requests(found, text, start, end, urls)


def _settle_requests(
    found: dict[str, float], text: Text, start: int, end: int, urls: list[str]
) -> None:
    if "http.request" in found and "email.send" in found:
        found.pop("http.request" if text.between(start, end, "email") else "email.send")
    if "http.request" in found:
        if not urls:
            found.pop("http.request")
        elif len(urls) < 2:
            for getter in ("http.get", "web.read", "feed.read"):
                found.pop(getter, None)


def _with_readers(
    chosen: list[Choice], text: Text, start: int, end: int, tools: Mapping[str, ToolSpec]
) -> tuple[Choice, ...]:
    """Add what reads an address or a file that no chosen tool takes as it is."""
    for kind, reader in lexicon.READERS:
        entities = text.between(start, end, "file" if kind == "file" else "url")
        takers = sum(
            any(
                schema.role(n, p) == ("path" if kind == "file" else "url")
                for n, p in schema.properties(c.spec).items()
            )
            for c in chosen
        )
        entities = entities[: len(entities) - max(0, len(targets(text, start, end)) - 1)]
        if not entities or takers >= len(entities):
            continue
        if any(c.spec.id in _READERS_OF[kind] for c in chosen):
            continue
        tool = reader_of(entities[0].value, text.plain[start:end]) if kind == "url" else reader
        links = _LINKS.search(text.plain[start:end]) and tool == "web.read"
        if links and any(c.spec.id == "text.extract" for c in chosen) and "http.get" in tools:
            tool = "http.get"
        if tool in tools:
            chosen.insert(0, Choice(tools[tool], 0.85, implied=True))
    return tuple(chosen)


def targets(text: Text, start: int, end: int) -> list[Entity]:
    """The files that something is written to, where they are several: "as one.md and two.md"."""
    found = TARGETS.search(text.plain, start, end)
    return list(text.between(found.start(), found.end(), "file")) if found else []


def opened(words: str, tools: Mapping[str, ToolSpec], looping: bool) -> Choice | None:
    """ "open each", "fetch it": the reading of an address, or a file, that a list holds."""
    if not looping or not _OPENS.search(words):
        return None
    tool = "file.read" if re.search(r"\bfiles?\b|\bdocuments?\b", words) else "web.read"
    return Choice(tools[tool], 0.85, implied=True) if tool in tools else None


def stage_said(words: str, tools: Mapping[str, ToolSpec]) -> str:
    """The first stage of work that the words speak of; "out" when they speak of none."""
    said = {WORDS[r.tool].stage for r in RULES if r.tool in tools and r.pattern.search(words)}
    return next((stage for stage in ("change", "ask", "out", "source") if stage in said), "out")


def reader_of(url: str, plain: str) -> str:
    """The tool that reads an address, from its look and the words around it."""
    if lexicon.FEED_WORDS.search(plain) or lexicon.FEED_URL.search(url):
        return "feed.read"
    return "http.get" if lexicon.DATA_URL.search(url) else "web.read"
