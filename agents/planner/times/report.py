"""What a phrase means as a time, as data: its kind, its fields, its next firings, or why not."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from agents.planner.times.carriers import unexplained
from agents.planner.times.scan import Refused, find_when, parse_when
from agents.planner.times.when import When
from agents.planner.times.zones import zone_info
from backend.contracts.plans import Trigger
from backend.plans.firings import firings

FIRINGS = 5
_TRIGGER: TypeAdapter[Trigger] = TypeAdapter(Trigger)


def report(phrase: str, now: datetime, timezone: str) -> dict[str, Any]:
    """`kind` (cron, interval, at, refused), `cron` lines, `every_s`, `at`, `zone`, the `next` five
    firings after `now` (fewer when there are no more; one of an `at`) and, when refused, the `reason`.

    The phrase is all time ("every weekday at 9") or a sentence with one ("remind me every weekday at
    9"). `now` is aware; moments are ISO in the zone's offset. A step that divides the hour or the
    day is on the clock: "every 2 hours" is due at even hours. Every other interval counts from `now`,
    to the minute. What is not in an answer is null or [].
    """
    if zone_info(timezone) is None:
        return _answer(reason=f"There is no time zone “{timezone[:64]}”.", zone=None)
    when = understood(phrase, now, timezone)
    if isinstance(when, Refused):
        return _answer(reason=_reason(when), zone=timezone)
    here = ZoneInfo(when.timezone)
    trigger = _TRIGGER.validate_python(when.trigger("when"))
    due = [moment.astimezone(here) for moment in firings(trigger, now, when.timezone, FIRINGS)]
    if not due:
        return _answer(reason="That never comes.", zone=when.timezone)
    return _answer(
        kind=when.kind,
        cron=list(when.cron),
        every_s=when.every_s or None,
        at=due[0].isoformat() if when.kind == "at" else None,
        zone=when.timezone,
        next=[moment.isoformat() for moment in due],
    )


def understood(phrase: str, now: datetime, timezone: str) -> When | Refused:
    """The time of a phrase, or of a sentence with one."""
    whole = parse_when(phrase, now, timezone)
    if isinstance(whole, When):
        return whole
    found = find_when(phrase, now, timezone)
    if not isinstance(found.when, When):
        return found.when if found.when and not whole.choices else whole
    left = unexplained(phrase, found.spans)
    return (
        Refused(f"I do not understand “{left[:80]}” beside the time", phrase)
        if left
        else found.when
    )


def _reason(refused: Refused) -> str:
    said = refused.reason[:1].upper() + refused.reason[1:]
    said = said if said.endswith((".", "?", "!")) else f"{said}."
    if not refused.choices:
        return said
    return f"{said} Say {' or '.join(f'“{choice}”' for choice in refused.choices)}."


def _answer(**said: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"kind": "refused", "cron": [], "every_s": None, "at": None}
    return answer | {"zone": None, "next": [], "reason": None} | said
