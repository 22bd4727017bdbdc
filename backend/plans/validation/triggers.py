"""V5: schedules, zones, moments and conditions of the triggers."""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import timedelta

from backend.contracts.errors import Fix, Invalid, Issue
from backend.contracts.events import EVENT_TYPES
from backend.contracts.plans import (
    AtTrigger,
    CronTrigger,
    EventTrigger,
    Trigger,
    WebhookTrigger,
)
from backend.expressions import parse
from backend.plans.cron import cron, five_fields, schedules
from backend.plans.firings import due_scope, instant, next_firing, zone, zones
from backend.plans.validation.guards import looks, put, spelled
from backend.plans.validation.order import Order
from backend.plans.validation.spelling import expressions, labelled
from backend.plans.validation.subject import Subject, did_you_mean


def triggers(subject: Subject, _: Order) -> Iterator[Issue]:
    for index, trigger in enumerate(subject.document.events):
        where = f"events/{index}"
        if isinstance(trigger, EventTrigger) and trigger.type in EVENT_TYPES:
            yield _inner(trigger.type, f"{where}/type")
        zone_issue = _zone(subject, trigger, where)
        if zone_issue is not None:
            yield zone_issue
            continue
        match trigger:
            case CronTrigger():
                yield from _cron(subject, trigger, where)
            case AtTrigger():
                yield from _at(subject, trigger, where)
            case WebhookTrigger(filter=str(text)) | EventTrigger(filter=str(text)):
                yield from _condition(text, "event", f"{where}/filter", _Anything())


def _zone(subject: Subject, trigger: Trigger, where: str) -> Issue | None:
    name = getattr(trigger, "timezone", None) or subject.timezone
    try:
        zone(name)
    except Invalid as error:
        cities = {known.rpartition("/")[2]: known for known in sorted(zones(), reverse=True)}
        wanted = name.rpartition("/")[2].replace(" ", "_")
        near = subject.nearest(name, zones(), 1) or tuple(
            cities[city] for city in subject.nearest(wanted, cities, 1)
        )
        return Issue(
            code=error.code,
            message=error.message,
            path=f"{where}/timezone",
            suggestion=did_you_mean(near) or "Use a name like “Europe/Paris”.",
            available=near,
            fix=Fix(path=f"{where}/timezone", value=near[0], label=f"Use “{near[0]}”")
            if near
            else None,
        )
    return None


def _cron(subject: Subject, trigger: CronTrigger, where: str) -> Iterator[Issue]:
    if not schedules(trigger):
        yield Issue(
            code="PLAN_CRON_INVALID",
            message="This trigger has no schedule.",
            path=f"{where}/schedule",
            suggestion="For example “0 9 * * 1-5”: weekdays at 09:00.",
        )
    paths = [f"{where}/schedule"] if trigger.schedule else []
    paths += [f"{where}/schedules/{index}" for index in range(len(trigger.schedules or ()))]
    sound = bool(paths)
    for path, schedule in zip(paths, schedules(trigger), strict=True):
        issue = _schedule(subject, schedule, path)
        if issue is not None:
            sound = False
            yield issue
    if trigger.only_if is None:
        return
    known = due_scope(subject.now.date())["due"]
    conditions = list(_condition(trigger.only_if, "due", f"{where}/only_if", known))
    conditions += [] if conditions else list(_verdict(trigger.only_if, subject, where))
    yield from conditions
    if sound and not conditions and next_firing(trigger, subject.now, subject.timezone) is None:
        yield _never(f"{where}/only_if")


def _schedule(subject: Subject, schedule: str, path: str) -> Issue | None:
    try:
        cron(schedule)
    except Invalid as error:
        plain = five_fields(schedule)
        return Issue(
            code=error.code,
            message=error.message,
            path=path,
            suggestion=f"Did you mean “{plain}”?" if plain else error.hint,
            fix=Fix(path=path, value=plain, label=f"Use “{plain}”") if plain else None,
        )
    alone = CronTrigger(name="event.alone", kind="cron", schedule=schedule)
    if next_firing(alone, subject.now, "UTC") is None:
        return _never(path)
    return None


def _inner(type: str, path: str) -> Issue:
    return Issue(
        code="PLAN_EVENT_UNKNOWN",
        message=f"“{type}” is said inside only: no plan is started by it.",
        path=path,
        severity="warning",
        suggestion="Listen to an event that comes from outside, like “email.received”.",
    )


def _never(path: str) -> Issue:
    return Issue(
        code="PLAN_CRON_INVALID",
        message="This never comes: there is no such day.",
        path=path,
        suggestion="Check the day and the month.",
    )


def _at(subject: Subject, trigger: AtTrigger, where: str) -> Iterator[Issue]:
    try:
        when = instant(trigger.timestamp, trigger.timezone or subject.timezone)
        past = when <= subject.now
        far = when > subject.now + timedelta(days=100 * 366)
    except OverflowError:
        past, far = False, True
    if past or far:
        yield Issue(
            code="PLAN_TIME_PAST" if past else "PLAN_TIME_TOO_FAR",
            message="This time is already past."
            if past
            else "This time is more than a hundred years away.",
            path=f"{where}/timestamp",
            suggestion="Choose a time that is still to come.",
        )


def _condition(text: str, root: str, path: str, fields: Container[str]) -> Iterator[Issue]:
    try:
        unknown = sorted(parse(text).names - {root})
    except Invalid as error:
        meant = next((each for each in expressions(text) if _knows_only(each, root)), None)
        yield Issue(
            code=error.code,
            message=error.message,
            path=path,
            suggestion=error.hint,
            fix=_use(path, meant),
        )
        return
    if unknown:
        yield Issue(
            code="PLAN_REFERENCE_UNKNOWN",
            message=f"This condition knows “{root}”, not “{unknown[0]}”.",
            path=path,
            suggestion=f"Write it like “{root}.{_EXAMPLES[root]}”.",
            available=(root,),
            fix=_use(path, _rooted(text, root, fields)),
        )


def _knows_only(text: str, root: str) -> bool:
    try:
        return parse(text).names <= {root}
    except Invalid:
        return False


def _rooted(text: str, root: str, fields: Container[str]) -> str | None:
    """The condition with `root` in front of each of its fields; None when it knows other names too."""
    loose = [look for look in looks(text) if look.chain[0] != root]
    if not all(look.chain[0] in fields for look in loose):
        return None
    meant = put(text, [(look, f"{root}.{spelled(look.chain)}") for look in loose])
    return meant if _knows_only(meant, root) else None


def _use(path: str, value: str | None) -> Fix | None:
    return Fix(path=path, value=value, label=f"Use “{labelled(value)}”") if value else None


class _Anything(Container[str]):
    """The fields of an outside event: nobody knows them before it comes."""

    def __contains__(self, name: object) -> bool:
        return True


_EXAMPLES = {"due": "day == due.last_workday", "event": "status == 'open'"}


def _verdict(text: str, subject: Subject, where: str) -> Iterator[Issue]:
    """A condition on the due date is tried on today: it must say yes or no."""
    scope = due_scope(subject.now.date())
    try:
        answer = parse(text).evaluate(scope)
    except Invalid as error:
        yield Issue(
            code="PLAN_EXPRESSION_INVALID",
            message=error.message,
            path=f"{where}/only_if",
            suggestion="Write it like “due.day == due.last_workday”.",
            available=tuple(f"due.{name}" for name in scope["due"]),
        )
        return
    if not isinstance(answer, bool):
        yield Issue(
            code="PLAN_EXPRESSION_INVALID",
            message="This condition gives a number, not yes or no.",
            path=f"{where}/only_if",
            suggestion="Compare it, like “due.day == due.last_workday”.",
        )
