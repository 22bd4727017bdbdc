"""Cron expressions of five fields, with `#` and `L`."""

from __future__ import annotations

import re
from datetime import datetime

from croniter import croniter
from croniter.croniter import CroniterError

from backend.contracts.errors import Invalid
from backend.contracts.plans import CronTrigger

_FIELD = re.compile(r"[0-9A-Za-z*,/#-]+")
# croniter also takes R (random) and H (hashed), which would fire whenever they like.
_NAMES = frozenset({"l"}) | {
    *("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
    *("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
}

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def schedules(trigger: CronTrigger) -> tuple[str, ...]:
    """All cron expressions of a trigger."""
    return (*([trigger.schedule] if trigger.schedule else ()), *(trigger.schedules or ()))


def cron(schedule: str) -> croniter:
    """A cron expression of five fields. Raises `Invalid` (PLAN_CRON_INVALID)."""
    fields = schedule.split()
    if len(fields) != 5:
        raise _bad_cron(f"“{schedule[:80]}” must have five fields: minute hour day month weekday.")
    for field in fields:
        words = re.findall(r"[A-Za-z]+", field.lower())
        if not _FIELD.fullmatch(field) or not _NAMES.issuperset(words):
            raise _bad_cron(f"“{field[:40]}” does not belong in a cron expression.")
    try:
        return croniter(schedule, datetime(2000, 1, 1), ret_type=datetime)  # noqa: DTZ001
    except (CroniterError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _bad_cron(f"“{schedule}” is not a cron expression.") from error


def five_fields(schedule: str) -> str:
    """What a schedule in another dialect of cron means in five fields, "" where that is not certain:
    `@daily`; seconds in front, as Spring and Quartz have it ("0 0 9 * * 1-5"), or a year behind, as
    on AWS ("0 9 ? * MON-FRI *"). `?` marks which of the two it is. Quartz and AWS number weekdays
    from Sunday 1, so their numbered weekdays are not certain."""
    fields = schedule.split()
    if len(fields) == 1:
        return ALIASES.get(fields[0].lower(), "")
    marks = {index for index, field in enumerate(fields) if field == "?"}
    match len(fields), fields:
        case 7, ["0", *rest, "*"] if marks <= {3, 5}:
            plain = rest
        case 6, ["0", *rest] if marks <= {3, 5}:
            plain = rest
        case 6, [*rest, "*"] if marks and marks <= {2, 4}:
            plain = rest
        case 5, rest if marks:
            plain = rest
        case _:
            return ""
    if marks and re.search(r"[0-9]", plain[4]):
        return ""
    meant = " ".join("*" if field == "?" else field for field in plain)
    try:
        cron(meant)
    except Invalid:
        return ""
    return meant


def _bad_cron(message: str) -> Invalid:
    hint = "For example “0 9 * * 1-5”: weekdays at 09:00."
    return Invalid(message, code="PLAN_CRON_INVALID", hint=hint)
