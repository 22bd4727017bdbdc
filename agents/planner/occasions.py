"""What starts a plan other than a time: a mail that arrives, a webhook, an event by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from agents.planner.entities import Text
from agents.planner.guard import literal
from agents.planner.made import EVENT, Made
from backend.contracts.events import MAIL_RECEIVED, MAIL_SENDER
from backend.contracts.tools import ToolSpec

Span = tuple[int, int]
_WHEN = (
    r"\b(?:when(?:ever)?|every\s+time(?:\s+that)?|each\s+time(?:\s+that)?|any\s+time|"
    r"as\s+soon\s+as|once|if|always\s+when)"
)
_ON = r"\b(?:on|upon|for|with)\s+(?:(?:every|each|any|all|an?|the|my)\s+)*(?:new\s+|incoming\s+)?"
_WITH = (
    r"(?:\s+with\s+(?:an?\s+|the\s+)?(?P<field>[a-z_]\w*)\s*(?:==?|is|being|set\s+to|of|:)\s*"
    r"(?P<value>\ue004+|[\w-]+))?"
)
_WITH_2 = _WITH.replace("field", "field2").replace("value", "value2")
_WEBHOOK = re.compile(
    rf"(?:{_WHEN}\s+(?:(?:my|the|an?|this|our)\s+)?web\s?hook(?:\s+(?:call|request|event))"
    rf"?\s+(?:(?:is|gets)\s+(?:an?\s+)?(?:called|call|request|hit|triggered|"
    r"fired|invoked|received)|comes(?:\s+in)?|fires|triggers|arrives|receives\s+(?:something|data|"
    r"a\s+call|a\s+request)|"
    rf"calls(?:\s+me)?|rings|runs){_WITH}"
    r"|^\W*(?:(?:my|the)\s+)?web\s?hook\s+(?:(?:is|gets|was)\s+)?(?:called|hit|triggered|fired|fires|"
    rf"comes\s+in){_WITH_2}(?=\W|\s+then)"
    rf"|{_ON}web\s?hook(?:\s+(?:calls?|events?|requests?))?"
    rf"|{_WHEN}\s+(?:something|someone|anything|anyone)\s+(?:calls|hits|posts\s+to|"
    rf"is\s+posted\s+to|comes\s+to)\s+(?:my|the)\s+"
    r"web\s?hook"
    rf"|{_WHEN}\s+(?:(?:the|my|our|an?)\s+)?(?:[a-z][\w-]*\s+){{1,3}}?(?:calls|hits|pings|triggers|fires|posts\s+to|invokes|"
    r"knocks\s+on)\s+(?:(?:my|the|our|this)\s+)?web\s?hook)\s*[,:]?"
)
_SAYS = re.compile(
    rf"{_WHEN}\s+(?:my|the|this|our)\s+web\s?hook\s+(?:says|sends|contains|mentions|reports)\b"
)
_MAILED = (
    r"(?:(?:arrives?|comes?(?:\s+in)?|is\s+received|gets\s+here|lands|reaches\s+me|shows\s+up)"
    r"(?:\s+in\s+my\s+(?:inbox|mailbox))?)"
)
_FROM = r"(?:\s+(?:from|by)\s+(?:(?P<from{0}>[\ue002]+)|(?:my\s+)?(?P<name{0}>[a-z][\w-]*)))?"
_TOPIC = (
    r"(?:\s+(?:about|with|mentioning|containing|titled|called|on)\s+(?:the\s+)?(?:subject\s+|"
    r"words?\s+)?"
    r"(?P<topic{0}>\ue004+|(?!(?:my|an?)\b)[\w-]+(?:\s+(?!in\b|arriv|comes?|is\b)[\w-]+)?)"
    r"(?:\s+in\s+(?:the|its)\s+(?:subject|title))?)?"
)
_MAIL = re.compile(
    rf"(?:{_WHEN}\s+(?:(?:an?|any|the|my|some)\s+)?(?:new\s+)?(?:e-?mails?|mails?)"
    rf"{_FROM.format(1)}{_TOPIC.format(1)}\s+{_MAILED}"
    rf"{_FROM.format(2)}{_TOPIC.format(2)}"
    rf"|{_WHEN}\s+(?:i|we)\s+(?:get|receive|have)\s+(?:(?:an?|any|some)\s+)?(?:new\s+)"
    rf"?(?:e-?mails?|mails?){_FROM.format(3)}{_TOPIC.format(3)}"
    rf"|{_WHEN}\s+(?:(?P<from4>[\ue002]+)|(?P<name4>someone|somebody|anyone|[a-z]+))\s+(?:e-?mails|"
    rf"mails|writes(?:\s+to)?)\s+me{_TOPIC.format(4)}"
    rf"|\b(?:every|each|any|all)\s+(?:new\s+|incoming\s+)?(?:e-?mails?|mails?){_FROM.format(7)}{_TOPIC.format(7)}"
    rf"\s+(?:(?:that|which)\s+)?(?:{_MAILED}|i\s+(?:get|receive))"
    rf"|{_ON}(?:e-?mails?|mails?)\s+(?:that\s+{_MAILED}|i\s+(?:get|receive)){_FROM.format(5)}"
    rf"|\b(?:on|upon|for|with)\s+(?:(?:every|each|any|all|an?|the|my)\s+)*(?:new|incoming)"
    rf"\s+(?:e-?mails?|mails?){_FROM.format(6)}"
    rf"|^\W*(?:each|every|any|all)\s+(?:new\s+|incoming\s+)?(?:e-?mails?|mails?){_FROM.format(10)}{_TOPIC.format(10)}"
    r"(?=\s*(?::|->|=>))"
    rf"|\b(?:on|upon|after|when)\s+(?:receiving|getting|(?:the\s+)?(?:arrival|receipt)\s+of)\s+(?:(?:an?|any|new|the)\s+)*"
    rf"(?:e-?mails?|mails?){_FROM.format(8)}{_TOPIC.format(8)}"
    rf"|\b(?:an?|any|every|each)\s+(?:new\s+|incoming\s+)?(?:e-?mail|mail)(?=\s+(?:from|by|about|with|titled|mentioning)\b)"
    rf"{_FROM.format(9)}{_TOPIC.format(9)}(?=\s+to\s+me\b))\s*,?"
)
_NAMED = re.compile(
    rf"(?:{_WHEN}\s+|\bon\s+(?:every\s+|each\s+)?)(?:(?:the|an?)\s+)?(?:event\s+)?(?P<type>\ue004+|"
    rf"[a-z]\w*(?:\.[a-z]\w*)+)(?:\s+event)?"
    r"(?:\s+(?:happens|comes(?:\s+in)?|arrives|fires|occurs|is\s+(?:received|sent|fired|emitted)|"
    r"events?))?\s*,?"
)
_IS_EVENT = re.compile(r"\bevent\b|happens|comes|arrives|fires|occurs|received|sent|fired|emitted")
_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
_QUOTES = " \"'“”‘’"
SENT = "Something has to send that event: a program can, by POST /api/events."
CALLED = "Once you approve it, the card shows the web address that starts it."


@dataclass(frozen=True, slots=True)
class Occasion:
    """`trigger` of the plan document; `made` stands for what the event brings; `spans` are its words;
    `note` is what the person must know."""

    trigger: dict[str, Any]
    made: Made
    spans: tuple[Span, ...] = ()
    note: str = ""


def occasion(text: Text) -> Occasion | None:
    """The event that a request waits for, or None."""
    if found := _WEBHOOK.search(text.plain):
        return _hooked((found.span(),), _filter(text, found))
    if _SAYS.search(text.plain):
        return _hooked(())
    if found := _MAIL.search(text.plain):
        return _mailed(text, found)
    for found in _NAMED.finditer(text.plain):
        type_ = text.said[slice(*found.span("type"))].strip("\"'“”‘’").lower()
        if _TYPE.fullmatch(type_) and _IS_EVENT.search(found.group()):
            name = f"event.{type_.rsplit('.', 1)[-1]}"
            trigger = {"name": name, "kind": "event", "type": type_}
            return Occasion(trigger, _made(type_, ("event", "data")), (found.span(),), SENT)
    return None


def _filter(text: Text, found: re.Match[str]) -> str:
    """ "with action = opened": which of the calls."""
    for n in ("", "2"):
        if found[f"field{n}"]:
            field, value = (
                text.said[slice(*found.span(f"{part}{n}"))] for part in ("field", "value")
            )
            return f'default(event.{field}, "") == {literal(value.strip(_QUOTES))}'
    return ""


def _hooked(spans: tuple[Span, ...], only: str = "") -> Occasion:
    trigger = {"name": "event.webhook", "kind": "webhook"} | ({"filter": only} if only else {})
    return Occasion(
        trigger, _made("webhook", ("webhook", "data", "request", "call")), spans, CALLED
    )


def _mailed(text: Text, found: re.Match[str]) -> Occasion:
    trigger = {"name": "event.mail", "kind": "event", "type": MAIL_RECEIVED}
    tests: list[str] = []
    for name, place in _groups(text, found):
        if name == "topic":
            tests.append(f'{literal(place.lower())} in lower(default(event.subject, ""))')
        elif place.lower() not in ("someone", "somebody", "anyone"):
            tests.append(f'{literal(place.lower())} in lower(default(event["{MAIL_SENDER}"], ""))')
    if tests:
        trigger["filter"] = " and ".join(tests)
    note = f"It starts with each event “{MAIL_RECEIVED}”. {SENT}"
    return Occasion(
        trigger, _made(MAIL_RECEIVED, ("mail", "email", "message")), (found.span(),), note
    )


def _groups(text: Text, found: re.Match[str]) -> list[tuple[str, str]]:
    """Who it is from and what it is about, as written."""
    said = []
    for name in found.re.groupindex:
        if found[name] is None:
            continue
        value = text.said[slice(*found.span(name))].strip(" \"'“”‘’,")
        said.append((name.rstrip("0123456789"), value))
    return said


def _made(type_: str, nouns: tuple[str, ...]) -> Made:
    spec = ToolSpec(
        id=f"event:{type_}",
        name=type_,
        description=" ".join(nouns),
        outputs={"type": "object", "properties": {noun: {} for noun in nouns}},
        purity="pure",
    )
    return Made(EVENT, spec)
