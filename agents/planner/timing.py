"""Our time grammar over a model's schedule: what the person said wins."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from agents.planner.entities import Text
from agents.planner.spoken import when_said
from agents.planner.times import Refused, When, parse_when
from agents.planner.times.words import DAY, MONTH
from backend.contracts.plans import TIMED_KINDS, Trigger
from backend.plans.firings import words

BY_HAND = re.compile(r"\b(?:only when i start it|only by hand|by hand|manually)\b", re.IGNORECASE)
_TRIGGER: TypeAdapter[Trigger] = TypeAdapter(Trigger)
# per cron field: the words that name a change of it, and the value that needs no word
_FIELDS = (
    (r"\bminutes?\b", 0),
    (r"\bhour(?:s|ly)?\b", -1),
    (r"\bmonth(?:s|ly)?\b|\bdaily\b|\bevery day\b", -1),
    (rf"\b{MONTH}", -1),
    (rf"\b{DAY}s?\b|\bweek(?:days?|ends?)\b|\bdaily\b|\bevery day\b", -1),
)
_SPELLED = {"noon": 12, "midnight": 0, "half": 30, "quarter": 15} | {
    word: number
    for number, word in enumerate(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        1,
    )
}
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def said_time(text: str, now: datetime, timezone: str) -> When | Refused | None:
    """The time in a request; addresses and quotations are no prose."""
    return when_said(Text.of(text), now, timezone).when


def overrule(
    document: Mapping[str, Any], said: When | Refused | None, *, revises: bool
) -> dict[str, Any]:
    """`document` with the time the person said, where the model's differs or is missing.

    A revision that only names an hour ("make it 8") changes a habit the model has kept; there the
    grammar's "once, at 8" is no objection.
    """
    timed = [event for event in document["events"] if event.get("kind") in TIMED_KINDS]
    if not isinstance(said, When) or (said.kind == "at" and _waits(document)):
        return dict(document)  # a moment may be what a step waits for; a habit never is
    if revises and said.kind == "at" and any(e["kind"] in ("cron", "interval") for e in timed):
        return dict(document)
    if timed and _same(timed, said):
        return dict(document)
    replaced = timed or [e for e in document["events"] if e.get("kind", "manual") == "manual"]
    if not replaced:
        return dict(document)
    name = replaced[0]["name"]
    gone = {event["name"] for event in replaced}
    events = [said.trigger(name), *(e for e in document["events"] if e["name"] not in gone)]
    steps = [
        {**step, "on": list(dict.fromkeys(name if on in gone else on for on in step["on"]))}
        for step in document["steps"]
    ]
    return {**document, "events": events, "steps": steps}


def explained(before: Sequence[Any], after: Sequence[Any], text: str) -> bool:
    """Whether the words of a revision ("make it 8") account for every field that a model has changed
    in a cron: its numbers were said, its days and its wildcards named."""
    crons = (
        [e for e in before if e.get("kind") == "cron"],
        [e for e in after if e["kind"] == "cron"],
    )
    if any(len(events) != 1 or not events[0].get("schedule") for events in crons):
        return False
    old, new = (events[0]["schedule"].split() for events in crons)
    if len(after) != 1 or len(old) != len(new) or len(new) != len(_FIELDS):
        return False
    words = text.lower()
    numbers = {int(n) for n in re.findall(r"\d+", words)}
    numbers |= {value for word, value in _SPELLED.items() if re.search(rf"\b{word}\b", words)}
    numbers |= {n + 12 for n in numbers if n < 12}
    return all(
        was == now
        or (re.search(named, words) is not None)
        or (bool(digits := re.findall(r"\d+", now)) and {*map(int, digits)} <= numbers | {zero})
        for was, now, (named, zero) in zip(old, new, _FIELDS, strict=True)
    )


def by_hand(document: Mapping[str, Any]) -> dict[str, Any]:
    """`document` with its timed triggers made manual."""
    events = [
        {"name": e["name"], "kind": "manual"} if e.get("kind") in TIMED_KINDS else e
        for e in document["events"]
    ]
    return {**document, "events": events}


def offered(document: Mapping[str, Any], timezone: str) -> tuple[str, ...]:
    """The timed triggers of `document` in words that our grammar reads back."""
    found = []
    for event in document["events"]:
        if event.get("kind") not in TIMED_KINDS:
            continue
        try:
            said = words(_TRIGGER.validate_python(event), timezone)
        except ValueError:  # what the model made of it is no time at all
            continue
        if isinstance(parse_when(said, _SOME_DAY, timezone), When):
            found.append(said)
    return tuple(found)


def _same(timed: list[Any], said: When) -> bool:
    if len(timed) != 1 or timed[0]["kind"] != said.kind:
        return False
    wanted = said.trigger(timed[0]["name"])
    return all(timed[0].get(key) == value for key, value in wanted.items())


def _waits(document: Mapping[str, Any]) -> bool:
    return any(step.get("action") == "wait.until" for step in document["steps"])
