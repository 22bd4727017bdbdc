"""Inputs and triggers as declarations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from backend.contracts.plans import (
    AtTrigger,
    CronTrigger,
    EventTrigger,
    Input,
    IntervalTrigger,
    ManualTrigger,
    PlanDocument,
    Trigger,
    WebhookTrigger,
)
from backend.plans.pipe.literals import condition, exact, period, quoted
from backend.plans.pipe.syntax import NAME, TRIGGER_NAMES

_ALONE = ManualTrigger(name=TRIGGER_NAMES["manual"], kind="manual")


def declarations(document: PlanDocument, *, started: bool) -> Iterator[str]:
    """`started`: a chain begins with whatever triggers there are, so that starting by hand, alone,
    goes without saying."""
    for name, declared in document.inputs.items():
        yield f"@input({', '.join(_input(name, declared))})"
    if started and document.events == [_ALONE]:
        return
    counts = Counter(trigger.name for trigger in document.events)
    for trigger in document.events:
        derived = TRIGGER_NAMES[trigger.kind] == trigger.name and counts[trigger.name] == 1
        said = ", ".join(_trigger(trigger))
        brackets = f"({said})" if said or trigger.kind == "cron" else ""
        yield f"{'' if derived else trigger.name + ': '}@{trigger.kind}{brackets}"


def _input(name: str, declared: Input) -> Iterator[str]:
    default = "" if declared.default is None else f" = {exact(declared.default)}"
    yield f"{name}: {declared.type}{default}"
    if declared.description:
        yield quoted(declared.description)
    if declared.format is not None:
        word = NAME.fullmatch(declared.format)
        yield f"format={declared.format if word else quoted(declared.format)}"
    if declared.enum is not None:
        yield f"enum={exact(declared.enum)}"


def _trigger(trigger: Trigger) -> Iterator[str]:
    match trigger:
        case CronTrigger():
            yield from _cron(trigger)
        case IntervalTrigger():
            yield period(trigger.every_s)
            if trigger.anchor is not None:
                yield _moment(trigger.anchor)
        case AtTrigger():
            yield _moment(trigger.timestamp)
            if trigger.timezone is not None:
                yield quoted(trigger.timezone)
        case WebhookTrigger():
            if trigger.secret is not None:
                yield f"secret={quoted(trigger.secret)}"
            if trigger.filter is not None:
                yield condition(trigger.filter)
        case EventTrigger():
            yield quoted(trigger.type)
            if trigger.filter is not None:
                yield condition(trigger.filter)


def _moment(when: datetime) -> str:
    return quoted(when.isoformat().replace("+00:00", "Z"))


def _cron(trigger: CronTrigger) -> Iterator[str]:
    if trigger.schedule is not None:
        yield quoted(trigger.schedule)
    elif trigger.schedules is not None:
        yield exact(trigger.schedules)
    if trigger.schedule is not None and trigger.schedules is not None:
        yield f"schedules={exact(trigger.schedules)}"
    if trigger.timezone is not None:
        named = "" if trigger.schedule is not None or trigger.schedules is not None else "timezone="
        yield named + quoted(trigger.timezone)
    if trigger.only_if is not None:
        yield condition(trigger.only_if)
