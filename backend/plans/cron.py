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


def _bad_cron(message: str) -> Invalid:
    hint = "For example “0 9 * * 1-5”: weekdays at 09:00."
    return Invalid(message, code="PLAN_CRON_INVALID", hint=hint)
