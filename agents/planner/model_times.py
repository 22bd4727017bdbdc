"""What starts a plan, in the words a model hands on: a time, an event, or nothing but the person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from agents.planner.entities import Text
from agents.planner.made import Made
from agents.planner.occasions import occasion
from agents.planner.times import Refused, When, parse_when
from agents.planner.timing import said_time
from backend.contracts.plans import TIMED_KINDS, Trigger
from backend.contracts.ports import PlanRequest
from backend.plans.firings import words

START = "event.start"
_TRIGGER: TypeAdapter[Trigger] = TypeAdapter(Trigger)
_CRON = re.compile(r"(?:[\d*/,#L?-]+|[A-Za-z]{3}(?:-[A-Za-z]{3})?)(?:\s+[\w*/,#?-]+){4}")
_NOW = re.compile(
    r"\W*(?:now|at once|once|immediately|right away|manual(?:ly)?|start|none|by hand)?\W*", re.I
)


@dataclass(frozen=True, slots=True)
class Start:
    """Triggers of a document. `made` stands for what an event brings; `left` are words of it that are
    no time we know."""

    events: list[dict[str, Any]]
    when: When | None = None
    made: Made | None = None
    left: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return [event["name"] for event in self.events] or [START]


def started(said: str, request: PlanRequest, before: Mapping[str, Any] | None = None) -> Start:
    """The triggers that `said` stands for; those of `before`, where they stay."""
    if before is not None:
        events = [dict(event) for event in before.get("events", ())]
        happens = occasion(Text.of(request.text))
        return Start(events or _by_hand(), None, happens.made if happens else None)
    for text in (request.text, said):
        if (happens := occasion(Text.of(text))) is not None and request.previous is None:
            return Start([happens.trigger], None, happens.made)
    if _NOW.fullmatch(said):
        return Start(_by_hand())
    if _CRON.fullmatch(said.strip()):
        cron = {
            "name": START,
            "kind": "cron",
            "schedule": said.strip(),
            "timezone": request.timezone,
        }
        return Start([cron])
    when: When | Refused | None = parse_when(said, request.now, request.timezone)
    if not isinstance(when, When):
        when = said_time(said, request.now, request.timezone)
    if isinstance(when, When):
        return Start([when.trigger(START)], when)
    own = said.strip().lower() in request.text.lower()
    return Start(_by_hand(), left=(said.strip(),) if own else ())


def when_of(events: Sequence[Mapping[str, Any]], timezone: str) -> str:
    """Triggers in words; our grammar reads times back from them."""
    told = [_told(event, timezone) for event in events if event.get("kind", "manual") != "manual"]
    return ", ".join(told)


def _told(event: Mapping[str, Any], timezone: str) -> str:
    if event["kind"] == "webhook":
        return "when the webhook is called"
    if event["kind"] == "event":
        mail = event.get("type") == "email.received"
        return "when an email arrives" if mail else f"on the event {event.get('type')}"
    if event["kind"] not in TIMED_KINDS:
        return str(event["kind"])
    try:
        return words(_TRIGGER.validate_python(event), timezone)
    except ValueError:
        return str(event.get("schedule") or event.get("timestamp") or "")


def _by_hand() -> list[dict[str, Any]]:
    return [{"name": START, "kind": "manual"}]
