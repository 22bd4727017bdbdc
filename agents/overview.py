"""A person's plans, runs and schedules in a few lines of markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backend.contracts.security import Principal
from backend.lightning import Lightning

LINES = 10


async def overview(lightning: Lightning, who: Principal, asked: str, timezone: str) -> str:
    """What `asked` names of plans, runs and schedules; all three when it names none."""
    words = asked.lower()
    parts = {
        "schedules": re.search(r"\b(schedul|when|next)", words),
        "runs": re.search(r"\b(runs?|ran|running|results?|last time)\b", words),
        "plans": re.search(r"\bplans?\b", words),
    }
    wanted = [name for name, found in parts.items() if found] or ["plans", "schedules", "runs"]
    sections = []
    if "plans" in wanted:
        sections.append(await _plans(lightning, who))
    if "schedules" in wanted:
        sections.append(await _schedules(lightning, who, timezone))
    if "runs" in wanted:
        sections.append(await _runs(lightning, who, timezone))
    return "\n\n".join(sections)


async def _plans(lightning: Lightning, who: Principal) -> str:
    found, _ = await lightning.plans(who, limit=LINES)
    return section(
        "Plans",
        (
            f"**{plain(plan.document.plan_name)}** · {plan.status}"
            + (f" · {plain(plan.when)}" if plan.when else "")
            for plan in found
        ),
        "You have no plans yet. Say what should happen, and I will propose one.",
    )


async def _schedules(lightning: Lightning, who: Principal, timezone: str) -> str:
    found = (await lightning.schedules(who))[:LINES]
    lines = []
    for schedule in found:
        plan = await lightning.plan(who, schedule.plan_id)
        due = f"next {_local(schedule.next_due, timezone)}" if schedule.next_due else "no next time"
        state = "paused" if schedule.status == "paused" else due
        lines.append(f"**{plain(plan.document.plan_name)}** · {plain(plan.when)} · {state}")
    return section("Schedules", lines, "Nothing is scheduled.")


async def _runs(lightning: Lightning, who: Principal, timezone: str) -> str:
    found, _ = await lightning.runs(who, limit=LINES, called=False)
    lines = []
    for run in found:
        plan = await lightning.plan(who, run["plan_id"])
        started = run.get("started_at")
        when = f" · {_local(datetime.fromisoformat(started), timezone)}" if started else ""
        lines.append(f"**{plain(plan.document.plan_name)}** · {run['status']}{when}")
    return section("Runs", lines, "Nothing has run yet. Approve a plan, and it runs.")


def section(title: str, lines: Iterable[str], empty: str) -> str:
    listed = [f"- {line}" for line in lines]
    return f"{title}\n\n" + "\n".join(listed) if listed else empty


def _local(moment: datetime, timezone: str) -> str:
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return moment.astimezone(zone).strftime("%a %d %b %H:%M")


def plain(text: str) -> str:
    """Names are people's words, never markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", text.replace("\n", " "))
