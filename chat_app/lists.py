"""What the commands answer: plans, schedules, runs and tools as tables with ways to their threads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend.contracts.security import Principal
from backend.contracts.views import PlanView
from backend.lightning import Lightning
from chat_app import words
from chat_app.results import cut

ROWS = 15
MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~])")
RUN_WORDS = {
    "running": "running",
    "waiting": "waits for you",
    "completed": "done",
    "failed": "failed",
    "cancelled": "stopped",
    "stalled": "stuck",
}
PLAN_WORDS = {"proposed": "waits for you", "rejected": "turned down", "archived": "ended"}


class Lists:
    """Each method gives markdown; times are in the zone given."""

    def __init__(self, lightning: Lightning) -> None:
        self._lightning = lightning

    async def plans(self, who: Principal, zone: str) -> str:
        found, more = await self._lightning.plans(who, limit=ROWS)
        rows = [
            [_link(plan), PLAN_WORDS.get(plan.status, plan.status), _plain(plan.when or "once")]
            for plan in found
        ]
        empty = "You have no plans yet. Say what should happen, and I propose one."
        return _table(("Plan", "State", "When"), rows, empty, more=bool(more))

    async def schedules(self, who: Principal, zone: str) -> str:
        now = self._lightning.now()
        found = await self._lightning.schedules(who)
        rows = []
        for schedule in found[:ROWS]:
            plan = await self._lightning.plan(who, schedule.plan_id)
            due = words.clock(schedule.next_due, zone, now) if schedule.next_due else "never"
            rows.append(
                [
                    _link(plan),
                    _plain(plan.when),
                    "paused" if schedule.status == "paused" else _whole(due),
                ]
            )
        empty = "Nothing is scheduled. Say a time with what should happen: “every weekday at 9 …”."
        return _table(("Plan", "When", "Next"), rows, empty, more=len(found) > ROWS)

    async def runs(self, who: Principal, zone: str) -> str:
        now = self._lightning.now()
        found, more = await self._lightning.runs(who, limit=ROWS, called=False)
        rows = []
        for run in found:
            plan = await self._lightning.plan(who, run["plan_id"])
            rows.append([_link(plan), RUN_WORDS[run["status"]], *_times(run, zone, now)])
        empty = "Nothing has run yet. Approve a plan, and it runs."
        return _table(("Plan", "Result", "Started", "Took"), rows, empty, more=bool(more))

    async def tools(self, who: Principal, zone: str) -> str:
        catalogue = await self._lightning.catalogue(who)
        rows = []
        for id, tool in sorted(catalogue.tools.items()):
            lacks = catalogue.missing.get(id)
            says = cut(tool.description.splitlines()[0], 160)
            note = f" *Set {', '.join(lacks)} first.*" if lacks else ""
            rows.append([_plain(tool.name), f"`{id}`", f"{_plain(says)}{note}"])
        return _table(("Tool", "Name", "What it does"), rows, "There are no tools.", more=False)


def _times(run: dict[str, Any], zone: str, now: datetime) -> list[str]:
    if not run.get("started_at"):
        return ["", ""]
    started = datetime.fromisoformat(run["started_at"])
    ended = datetime.fromisoformat(run["ended_at"]) if run.get("ended_at") else None
    took = _took((ended - started).total_seconds()) if ended else ""
    return [_whole(words.clock(started, zone, now)), _whole(took)]


def _took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else words.duration(seconds)


def _whole(text: str) -> str:
    """A time is not broken over lines."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _link(plan: PlanView) -> str:
    title = _plain(cut(words.titled(plan.document.plan_name), 60))
    return f"[{title}](/thread/{plan.thread_id})" if plan.thread_id else title


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str, *, more: bool) -> str:
    if not rows:
        return empty
    lines = [heads, ["---"] * len(heads), *rows]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\nThese are the newest {ROWS}." if more else text


def _plain(text: str) -> str:
    """Names are people's words, never markup."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))
