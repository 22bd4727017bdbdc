"""A plan's one-sentence purpose: what happens to the person's things, each with its condition."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents.planner import schema
from agents.planner.guard_words import guard_words, item_words
from agents.planner.lexicon import WORDS
from backend.contracts.tools import ToolSpec

Step = Mapping[str, Any]
Tools = Mapping[str, ToolSpec]
MAX_PURPOSE = 900
_CONTAINS = re.compile(r"contains\([^,]+, '(?P<what>(?:[^'\\]|\\.)+)'\)")
_ITEMS = (
    (r"\.entries\b", "entry"),
    (r"\.files\b", "file"),
    (r"\.urls\b", "link"),
    (r"\.emails\b", "address"),
    (r"\.added\b", "new one"),
    (r"\.matches\b", "line"),
    (r"\.(?:summary|text|content)\b", "one"),
)


def purpose(document: Mapping[str, Any], tools: Tools) -> str:
    """ "Reads the feed <url> and mails each entry that mentions rust to <address>." """
    steps: Sequence[Step] = [
        s for s in document["steps"] if not _looked_at_only(s, document["steps"])
    ]
    doings = [_doing(step, steps, tools) for step in steps]
    if not doings:
        return ""
    sentence = ", ".join(doings[:-1]) + (" and " if len(doings) > 1 else "") + doings[-1]
    lead = _occasion(document)
    sentence = f"{lead}{sentence}"
    return cut(sentence[:1].upper() + sentence[1:], MAX_PURPOSE) + "."


def thing(step: Step) -> str:
    """What a repeated step is done for each of; empty for one that is done once."""
    each = str(step.get("for_each") or "")
    return (
        next((noun for pattern, noun in _ITEMS if re.search(pattern, each)), "item") if each else ""
    )


def kept_about(args: Mapping[str, Any]) -> str:
    """What a query keeps the mentions of; empty for others."""
    query = str(args.get("query", ""))
    found = _CONTAINS.search(query)
    return found["what"] if found and not query.startswith("[?!") else ""


def condition(step: Step) -> str:
    """When a step acts, in words; empty when always. What is said of the items is not among it."""
    failed = [on.split(".")[1] for on in step["on"] if re.fullmatch(r"step\.\w+\.error", on)]
    if failed:
        return f"if “{failed[0]}” fails"
    guard = str(step.get("guard") or "")
    return guard_words(guard) if guard and not _of_items(guard) else ""


def cut(text: str, longest: int) -> str:
    """The text in one line, cut between words."""
    line = re.sub(r"\s+", " ", text).strip()
    if len(line) <= longest:
        return line
    head = line[:longest].rsplit(" ", 1)[0] if " " in line[:longest] else line[: longest - 1]
    return head.rstrip(" ,;:.") + "…"


def filled(pattern: str, args: Mapping[str, Any]) -> str:
    """ "mails it to {to}" with the arguments put in."""

    def value(match: re.Match[str]) -> str:
        found = args.get(match.group(1), "")
        text = ", ".join(map(str, found)) if isinstance(found, list) else str(found)
        return cut(text, 120) or "it"

    return re.sub(r"\{(\w+)\}", value, pattern)


def _doing(step: Step, steps: Sequence[Step], tools: Tools) -> str:
    word = WORDS.get(str(step["action"]))
    spec = tools.get(str(step["action"]))
    if word is None or not word.does:
        said = spec.name.lower() if spec else str(step["action"])
    else:
        said = _narrows(step) or _each(step, word.does) or _once(step, word.does, spec, steps)
    if step.get("approval") == "required":
        said = f"{said} after your yes"
    when = condition(step)
    return f"{said} {when}" if when else said


def _narrows(step: Step) -> str:
    """A query that keeps some of the entries, or sorts them."""
    query = str(step["args"].get("query", ""))
    if step["action"] != "json.query":
        return ""
    if about := kept_about(step["args"]):
        return f"keeps only those that mention {about}"
    if found := _CONTAINS.search(query):
        return f"leaves out those that mention {found['what']}"
    if found := re.match(r"(?:reverse\()?sort_by\(@, &(?P<field>\w+)\)", query):
        return f"sorts it by {found['field']}"
    return ""


def _each(step: Step, does: str) -> str:
    noun = thing(step)
    if not noun:
        return ""
    guard = str(step.get("guard") or "")
    which = f" {item_words(guard)}" if _of_items(guard) else ""
    each = f"each {noun}{which}"
    args = step["args"]
    if "${item" in str(args.get("to", "")):
        return f"mails it to {each}"
    for name in ("url", "path"):
        if "${item" in str(args.get(name, "")):
            return f"reads the page of {each}" if noun == "entry" else f"reads {each}"
    said = filled(does, args)
    return (
        re.sub(r"\b(?:it|the data)\b", lambda _: each, said, count=1)
        if re.search(r"\b(?:it|the data)\b", said)
        else f"{said} about {each}"
    )


def _once(step: Step, does: str, spec: ToolSpec | None, steps: Sequence[Step]) -> str:
    said = filled(does, step["args"])
    given = [
        value
        for name, value in step["args"].items()
        if spec is not None
        and schema.role(name, schema.properties(spec).get(name, {})) == "content"
    ]
    if given and isinstance(given[0], str) and "${" not in given[0]:
        own = f"“{cut(given[0], 60)}”"
        return re.sub(r"\bit\b", lambda _: own, said, count=1)
    listed = {str(s["name"]) for s in steps if s.get("for_each")}
    named = {name for name in listed if f"${{{name}." in json.dumps(given)}
    many = named or (given and isinstance(given[0], list) and len(given[0]) > 1)
    return re.sub(r"\bit\b", "them", said, count=1) if many else said


def _looked_at_only(step: Step, steps: Sequence[Step]) -> bool:
    """Whether nothing but guards looks at what a step makes of other steps' results."""
    if step["action"] not in ("json.query", "watch.changed"):
        return False
    taken = json.dumps([[s["args"], s.get("for_each")] for s in steps if s is not step])
    return f"${{{step['name']}" not in taken


def _occasion(document: Mapping[str, Any]) -> str:
    events = document.get("events") or [{}]
    only = str(events[0].get("filter") or "")
    if events[0].get("type") != "email.received" or not only:
        return ""
    by = re.search(r'"([^"]+)" in lower\(default\(event\["from"\]', only)
    about = re.search(r'"([^"]+)" in lower\(default\(event\.subject', only)
    said = (f" from {by[1]}" if by else "") + (f" about {about[1]}" if about else "")
    return f"with each mail{said}: " if said else ""


def _of_items(guard: str) -> bool:
    return re.search(r"\bitem\b", guard) is not None
