"""Addresses in a plan must be the person's own: a model's guess is offered, never used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.planner.lexicon import RECIPIENT_NAMES

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"\bhttps?://[^\s\"'<>]+", re.IGNORECASE)
_WWW = re.compile(r"(?<![\w.])www\.")
_REFERENCE = re.compile(r"\$\{[^}]*\}")
_FROM_EVENT = re.compile(r"\$\{\s*event\.(?P<field>[\w.]+)[^}]*\}")
_ANSWERED = re.compile(
    r"\b(?:repl(?:y|ies)|answers?|respond|write\s+back|get\s+back|senders?|authors?|"
    r"who(?:ever)?\s+(?:sent|wrote|mailed)|back\s+to)\b"
)
_MARK = "\ue000"  # stands for a reference
_MIXED_MAIL = re.compile(rf"[\w.+{_MARK}-]+@[\w.{_MARK}-]+")
_MIXED_HOST = re.compile(r"\bhttps?://[^\s\"'<>/?#]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guess:
    """An address nobody said: the step and argument that hold it."""

    step: str
    argument: str
    kind: str
    value: str


def guesses(
    document: Mapping[str, Any], said: str, *, known: Mapping[str, Any] | None = None
) -> tuple[Guess, ...]:
    """The mail addresses and URLs of a plan document that do not stand in `said`, nor in the same
    argument of the same tool in the plan `known`: what stands elsewhere in it may be anybody's."""
    words = _WWW.sub("", said.lower())
    before = {place for _, place in _places(known)} if known else set()
    found = (
        guess
        for guess, place in _places(document)
        if not _stands_in(words, _bare(guess.value)) and place not in before
    )
    kept = {str(step) for step in known["steps"]} if known else set()
    sent = (
        guess
        for guess in _senders(document, words)
        if not any(guess.value in step for step in kept)
    )
    return tuple(dict.fromkeys([*found, *sent]))


def _places(document: Mapping[str, Any]) -> Iterator[tuple[Guess, tuple[str, str, str]]]:
    for step in document["steps"]:
        for name, text in _texts(step.get("args", {})):
            for kind, value in _addresses(text):
                place = (str(step.get("action")), name, _bare(value))
                yield Guess(step["name"], name, kind, value), place


def _stands_in(said: str, address: str) -> bool:
    # whole: "e@example.co" does not stand in "me@example.com"
    pattern = rf"(?<![\w.+@-]){re.escape(address)}(?![\w@-]|\.\w)"
    return re.search(pattern, said) is not None


def _addresses(text: str) -> Iterator[tuple[str, str]]:
    yield from _grown(text)
    literal = _REFERENCE.sub(" ", text)
    for url in _URL.findall(literal):
        yield "URL", url.rstrip(".,;)")
    for mail in _MAIL.findall(_URL.sub(" ", literal)):
        yield "address", mail


def _senders(document: Mapping[str, Any], said: str) -> Iterator[Guess]:
    """Recipients that the event which starts a run brings, where nobody spoke of answering it, nor of
    the field that holds them."""
    if _ANSWERED.search(said):
        return
    for step in document["steps"]:
        for name, text in _texts(step.get("args", {})):
            found = _FROM_EVENT.fullmatch(text.strip()) if name in RECIPIENT_NAMES else None
            if found and not re.search(rf"\b{re.escape(found['field'])}\b", said):
                yield Guess(step["name"], name, "address", text.strip())


def _grown(text: str) -> Iterator[tuple[str, str]]:
    """Addresses that go on in a reference: what it brings makes another's of one that was said, as in
    "me@example.com${page.text}"."""
    marked = _REFERENCE.sub(_MARK, text)
    for kind, pattern in (("address", _MIXED_MAIL), ("URL", _MIXED_HOST)):
        for found in pattern.finditer(marked):
            if _MARK in found.group():
                yield kind, _unmarked(marked, found, text)


def _unmarked(marked: str, found: re.Match[str], text: str) -> str:
    """What was found, with its references as they are written."""
    before = marked[: found.start()].count(_MARK)
    references = iter(_REFERENCE.findall(text)[before:])
    return re.sub(_MARK, lambda _: next(references), found.group())


def _texts(args: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in args.items():
        for text in _strings(value):
            yield name, text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def _bare(value: str) -> str:
    """As people write it: without scheme, www and the last slash."""
    return _WWW.sub("", re.sub(r"^https?://", "", value.lower())).rstrip("/")
