"""What there is: plans, schedules and runs, or one plan, or one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from agents.commands.documents import indented
from agents.commands.people import person, plan_of, run_of
from agents.commands.show import moment, show_plan, when
from agents.commands.views import plan_as_json, schedule_as_json
from agents.commands.watch import steps_table
from agents.terminal import DONE, out, plain, settings, show_issues
from backend.api.shapes import run_as_json
from backend.bootstrap import open_system
from backend.contracts.errors import NotFound
from backend.contracts.runs import RunState
from backend.contracts.schedules import Schedule
from backend.contracts.security import Principal
from backend.contracts.views import PlanView
from backend.lightning import Lightning

MANY = 20
_STYLES = {"proposed": "yellow", "scheduled": "green", "completed": "green", "failed": "red"}


async def status(said: str, user_id: str, as_json: bool) -> int:
    """All that is recent; of an id, the plan or the run it names."""
    async with open_system(settings()) as system:
        lightning = system.lightning
        who = await person(lightning, user_id)
        if not said:
            await _everything(lightning, who, as_json)
            return DONE
        try:
            await _plan(lightning, who, await plan_of(lightning, who, said), as_json)
        except NotFound:
            await _run(lightning, who, await run_of(lightning, who, said), as_json)
    return DONE


async def _everything(lightning: Lightning, who: Principal, as_json: bool) -> None:
    plans, _ = await lightning.plans(who, limit=MANY)
    runs, _ = await lightning.runs(who, limit=MANY)
    schedules = await lightning.schedules(who)
    if as_json:
        found = {
            "plans": [plan_as_json(view) for view in plans],
            "runs": runs,
            "schedules": [schedule_as_json(each) for each in schedules],
        }
        typer.echo(indented(found).decode())
        return
    if not plans and not runs:
        out.print("Nothing yet. Start with: lightning-planner generate")
        return
    titles = {view.plan_id: view.document.plan_name for view in plans}
    _section("Schedules", [_schedule_row(lightning, each, titles) for each in schedules])
    _section("Plans", [_plan_row(lightning, view) for view in plans])
    _section("Runs", [_run_row(lightning, run, titles) for run in runs])


async def _plan(lightning: Lightning, who: Principal, view: PlanView, as_json: bool) -> None:
    runs, _ = await lightning.runs(who, view.plan_id, limit=MANY)
    if as_json:
        typer.echo(indented({**plan_as_json(view), "runs": runs}).decode())
        return
    checked = await lightning.validate(who, view.document, view.timezone, view.not_covered)
    show_plan(checked, lightning.now(), view.timezone, out)
    said = f" · revision {view.revision} · {view.trust} · {view.plan_id}"
    out.print(_status(view.status) + Text(said, style="dim"))
    if view.decided_by and view.decided_at:
        decided = moment(view.decided_at, view.timezone, lightning.now())
        reason = f": {view.reason}" if view.reason else ""
        out.print(Text(plain(f"Decided by {view.decided_by}, {decided}{reason}"), style="dim"))
    if view.status == "proposed":
        show_issues(view.issues)
    _section("Runs", [_run_row(lightning, run, {}) for run in runs])


async def _run(lightning: Lightning, who: Principal, state: RunState, as_json: bool) -> None:
    if as_json:
        typer.echo(indented(run_as_json(state)).decode())
        return
    view = await lightning.plan(who, state.plan_id)
    out.print(Text(plain(view.document.plan_name), style="bold"))
    out.print(_status(state.status), Text(state.run_id, style="dim"))
    out.print(steps_table(state, view.document))


def _section(title: str, rows: Sequence[Sequence[Text]]) -> None:
    if not rows:
        return
    out.print(Text(title, style="bold"))
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row("", *row)
    out.print(table)


def _plan_row(lightning: Lightning, view: PlanView) -> list[Text]:
    said = when(view.document, lightning.now(), view.timezone, 1) or "when you start it"
    return [*_head(view.plan_id, view.document.plan_name, view.status), Text(plain(said))]


def _schedule_row(
    lightning: Lightning, schedule: Schedule, titles: Mapping[str, str]
) -> list[Text]:
    name = titles.get(schedule.plan_id, "")
    due = schedule.next_due
    said = f"next {moment(due, schedule.timezone, lightning.now())}" if due else ""
    return [*_head(schedule.plan_id, name, schedule.status), Text(said)]


def _run_row(lightning: Lightning, run: Mapping[str, Any], titles: Mapping[str, str]) -> list[Text]:
    name = titles.get(str(run["plan_id"]), "")
    began = run.get("started_at")
    since = datetime.fromisoformat(began) if began else None
    said = moment(since, lightning.timezone, lightning.now()) if since else ""
    error = (run.get("error") or {}).get("message", "")
    return [
        *_head(str(run["run_id"]), name, str(run["status"])),
        Text(plain(f"{said}  {error}".rstrip())),
    ]


def _head(id: str, name: str, state: str) -> list[Text]:
    return [Text(id[:12], style="dim"), Text(plain(name, 60), style="bold"), _status(state)]


def _status(state: str) -> Text:
    return Text(state, style=_STYLES.get(state, "dim"))
