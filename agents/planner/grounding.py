"""Addresses in a plan must be the person's own: a model's guess is offered, never used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"\bhttps?://[^\s\"'<>]+", re.IGNORECASE)
_WWW = re.compile(r"(?<![\w.])www\.")
_REFERENCE = re.compile(r"\$\{[^}]*\}")


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
    return tuple(dict.fromkeys(found))


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
    literal = _REFERENCE.sub(" ", text)
    for url in _URL.findall(literal):
        yield "URL", url.rstrip(".,;)")
    for mail in _MAIL.findall(_URL.sub(" ", literal)):
        yield "address", mail


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
