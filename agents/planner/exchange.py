"""Changes of an open plan that put one thing in the place of another, or beside it: a way out for a way
out, a second source, another language, which of the mails."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agents.planner import amend, schema, wiring
from agents.planner.entities import Text
from agents.planner.families import TONGUES
from agents.planner.occasions import occasion
from agents.planner.slots import SAID
from agents.planner.times import When, parse_when
from backend.contracts.ports import PlanAnswer

if TYPE_CHECKING:
    from agents.planner.planning import Planning

Document = dict[str, Any]
Outcome = tuple[Document, dict[str, str]] | PlanAnswer | None
Exchanged = tuple[Document, dict[str, str], tuple[str, ...]] | None

_FOR = tuple(
    re.compile(pattern)
    for pattern in (
        r"^(?P<new>[^;]+?),?\s+(?:instead\s+of|rather\s+than|in\s+place\s+of)\s+(?P<old>[^,;]+)$",
        r"^(?:stop|no\s+more|don't|do\s+not|without)\s+(?P<old>[^,;]+?)\s*[,;]\s*(?:(?:but|and|"
        r"rather|just|"
        r"only|instead)\s+)*(?P<new>[^;]+)$",
        r"^(?P<new>[^;]+?)\s*[,;]\s*(?:(?:and|but)\s+)?(?:don't|do\s+not|no\s+need\s+to|not)\s+"
        r"(?P<old>[^,;]+)$",
    )
)
_NOT_THEN = re.compile(
    r"^(?:not|no|no\s+need\s+(?:to\s+(?:run|check|do|look|send)\s*(?:it|this|that)?|"
    r"for))\s*(?P<old>[^,;]+?)\s*[,;]\s*"
    r"(?:(?:but|rather)\s+)?(?P<new>.+)$"
)
_SAME = re.compile(
    r"^(?:(?:do|use|run|add)\s+)?(?:exactly\s+)?(?:the\s+same|that|this|it)?(?:\s+"
    r"thing)?\s*(?:for|with|to)\s+"
    r"(?:the\s+)?(?:(?:feed|page|file|site|address)\s+)?(?P<other>[\ue001\ue003]+)$"
)
_WHICH = re.compile(
    r"^(?:only\s+)?(?:for\s+)?(?:(?:the\s+|those\s+)?(?:ones?|e-?mails?|messages?|those)|"
    r"(?:if|when)\s+(?:it's|it\s+is|they're|they\s+are|it\s+comes))\s+(?P<which>(?:from|by|about|"
    r"with)\s+.+)$"
)
_TONGUE = re.compile(rf"^(?:(?:make|translate)\s+it\s+)?(?:(?:in|into|to)\s+)?(?P<new>{TONGUES})$")


def exchanged(text: Text, document: Document, planning: Planning) -> Exchanged:
    """ "mail it instead of posting it": another way out for what a step sends, under its conditions; with
    the words that nothing expresses."""
    for pattern in _FOR:
        found = pattern.match(text.plain.strip())
        if found is None:
            continue
        old = _way_out(found["old"], document, planning)
        said = text.said.strip()[slice(*found.span("new"))]
        more = planning.added(Text.of(said), document) if old else None
        if old is None or more is None or isinstance(more, PlanAnswer):
            continue
        changed, sources, left = more
        names = {step["name"] for step in document["steps"]}
        new = [step for step in changed["steps"] if step["name"] not in names]
        if len(new) != 1 or wiring.stage_of(planning.tools[new[0]["action"]]) != "out":
            continue
        _in_its_place(changed, old, new[0], planning)
        return changed, sources, left
    return None


_SAY = re.compile(
    r"^(?:(?:it\s+|the\s+(?:message|text|mail|reminder)\s+)?(?:should|must)\s+|let\s+it\s+|make\s+"
    r"it\s+)?(?:say|read|write|tell\s+me|be)\s*:?\s*"
    r"(?P<said>\ue004+)$"
)


def other_words(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "say “Pills and water”": in the one message that is in words, not what a step gives."""
    if _SAY.match(text.plain.strip()) is None or len(text.entities) != 1:
        return None
    places = [
        (step, name)
        for step in document["steps"]
        if step.get("action") in planning.tools
        and wiring.stage_of(planning.tools[step["action"]]) == "out"
        and (name := _content(step, planning))
        and isinstance(step["args"][name], str)
        and "${" not in step["args"][name]
    ]
    if len(places) != 1:
        return None
    step, name = places[0]
    step["args"][name] = text.entities[0].value
    return document, {f"{step['name']}.{name}": SAID}


def other_time(text: Text, planning: Planning) -> Text:
    """ "at 6 instead of hourly": only the first is meant now."""
    request = planning.request
    for pattern in (_FOR[0], _NOT_THEN):
        found = pattern.match(text.plain.strip())
        old = found["old"] if found else ""
        if found and any(
            isinstance(parse_when(each, request.now, request.timezone), When)
            for each in (old, f"every day at {old}")
        ):
            return Text.of(text.said.strip()[slice(*found.span("new"))])
    return text


def _way_out(words: str, document: Document, planning: Planning) -> dict[str, Any] | None:
    """The one step that sends something out and is called so."""
    stems = {schema.stem(w) for w in re.findall(r"[a-z-]+", words)}
    out = [
        step
        for step in document["steps"]
        if (spec := planning.tools.get(str(step.get("action"))))
        and wiring.stage_of(spec) == "out"
        and stems & amend.own_words(step, planning.tools)
    ]
    return out[0] if len(out) == 1 else None


def _in_its_place(
    document: Document, old: Mapping[str, Any], new: dict[str, Any], planning: Planning
) -> None:
    for key in ("on", "join", "guard", "for_each", "max_parallel", "approval"):
        if key in old:
            new[key] = old[key]
    taken = _content(old, planning)
    given = _content(new, planning)
    if taken and given and "${" in json.dumps(old["args"][taken]):
        new["args"][given] = old["args"][taken]
    steps = [step for step in document["steps"] if step is not new]
    at = next(i for i, step in enumerate(steps) if step["name"] == old["name"])
    steps[at] = new
    for step in steps:
        step["on"] = [on.replace(f"step.{old['name']}", f"step.{new['name']}") for on in step["on"]]
    document["steps"] = steps


def _content(step: Mapping[str, Any], planning: Planning) -> str:
    wanted = schema.properties(planning.tools[str(step["action"])])
    return next(
        (name for name in step["args"] if schema.role(name, wanted.get(name, {})) == "content"), ""
    )


def same_for(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "do the same for <url>": a second source, taken together with the first."""
    if _SAME.match(text.plain.strip()) is None or len(text.entities) != 1:
        return None
    value = text.entities[0]
    role = {"url": "url", "file": "path"}[value.kind]
    sources = [
        (step, name)
        for step in document["steps"]
        if (spec := planning.tools.get(str(step.get("action"))))
        and wiring.stage_of(spec) == "source"
        for name, wanted in schema.properties(spec).items()
        if schema.role(name, wanted) == role and name in step["args"]
    ]
    if len(sources) != 1:
        return None
    first, name = sources[0]
    spec = planning.tools[first["action"]]
    second = json.loads(json.dumps(first)) | {
        "name": wiring.name_for(spec, {step["name"] for step in document["steps"]})
    }
    second["args"][name] = value.value
    for step in document["steps"]:
        if not _takes_both(step, first["name"], second["name"], planning):
            return None
    document["steps"].insert(document["steps"].index(first) + 1, second)
    return document, {f"{second['name']}.{name}": SAID}


def _takes_both(step: dict[str, Any], first: str, second: str, planning: Planning) -> bool:
    """Let a step that takes the first take both; whether it can."""
    named = re.compile(rf"\$\{{{re.escape(first)}\b")
    if re.search(
        rf"\b{re.escape(first)}\b", str([step.get("guard", ""), step.get("for_each", "")])
    ):
        return False
    for arg, value in step["args"].items():
        if not named.search(json.dumps(value)):
            continue
        wanted = schema.properties(planning.tools[str(step["action"])]).get(arg, {})
        if not isinstance(value, str) or not schema.takes_list(wanted):
            return False
        step["args"][arg] = [value, named.sub(f"${{{second}", value)]
        step["on"] = [*step["on"], f"step.{second}"]
    return True


def other_language(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "into dutch": where a text is translated already."""
    found = _TONGUE.match(text.plain.strip())
    if found is None:
        return None
    sources: dict[str, str] = {}
    for step in document["steps"]:
        prompt = step["args"].get("prompt")
        old = (
            re.search(rf"\b{TONGUES}\b", prompt, re.IGNORECASE) if isinstance(prompt, str) else None
        )
        if old is not None and isinstance(prompt, str):
            step["args"]["prompt"] = (
                prompt[: old.start()] + found["new"].capitalize() + prompt[old.end() :]
            )
            sources[f"{step['name']}.prompt"] = SAID
    return (document, sources) if len(sources) == 1 else None


def only_those(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "only the ones from <address>": which mails start the plan."""
    found = _WHICH.match(text.plain.strip())
    mailed = [e for e in document.get("events") or () if e.get("type") == "email.received"]
    if found is None or len(mailed) != 1:
        return None
    said = text.said.strip()[slice(*found.span("which"))]
    happens = occasion(Text.of(f"when an email {said} arrives"))
    only = happens.trigger.get("filter") if happens else None
    if not only:
        return None
    mailed[0]["filter"] = only
    return document, {str(mailed[0]["name"]): SAID}
