"""A plan, and a run of it, as the props of one card. Pure; at most 50 kB; no secrets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from backend.contracts.errors import Issue
from backend.contracts.plans import Catalogue
from backend.contracts.runs import ENDED_RUN, RunState, StepState
from backend.contracts.views import Change, PlanView
from chat_app import words
from chat_app.effects import did
from chat_app.fitting import fitted
from chat_app.made import made
from chat_app.results import compact, cut, shown, without_secrets
from chat_app.starts import listens, when
from chat_app.steps import (
    DENIED,
    edges,
    error_row,
    issue_row,
    spoken,
    step_row,
    step_title,
    upstream,
    window,
)

MAX_GRAPH = 40
MODEL_TOOL = "llm.complete"
RESULTS = 3
EFFECTS = 4
HERE = "notify.user"  # what it brings stands in the thread already
NOISE = ("description", "plan_name")  # they follow from the changes that were asked for

RUN_STATES = {
    "running": "running",
    "waiting": "waiting",
    "completed": "done",
    "failed": "failed",
    "cancelled": "stopped",
    "stalled": "stalled",
}


def card(
    view: PlanView,
    catalogue: Catalogue,
    *,
    now: datetime,
    zone: str,
    run: RunState | None = None,
    due: datetime | None = None,
    earlier: tuple[int, int] = (0, 0),
) -> dict[str, Any]:
    """The props of the card of one revision, or with `due` of the run of a schedule's due time.
    `earlier` is how many runs this card stands for besides, and how many of them failed."""
    zone = words.zone_of(zone, view.timezone)
    steps = view.document.steps
    first, last = window(view.document, run)
    props: dict[str, Any] = {
        "v": 1,
        "kind": "run" if due else "plan",
        "plan": view.plan_id,
        "revision": view.revision,
        "latest": view.latest,
        "hash": view.ir_hash,
        "catalogue": view.catalogue_hash,
        "title": cut(words.titled(view.document.plan_name), 120),
        "purpose": cut(view.document.description, 300),
        "label": f"Run of {words.clock(due, zone, now)}" if due else "",
        "status": "run" if due else plan_status(view, run),
        "zone": zone,
        "when": when(view, zone, now),
        "effects": _effects(view),
        "more_effects": max(0, len(view.forecast.effects) - EFFECTS),
        "takes": words.duration(view.forecast.duration_s),
        "cost": _cost(view, catalogue),
        "earlier": list(earlier),
        "per_item": view.forecast.per_item,
        "inputs": _inputs(view),
        "before": first,
        "after": len(steps) - last,
        "steps": [
            step_row(view, catalogue, run, steps[i], number=i + 1) for i in range(first, last)
        ],
        "edges": edges(view, catalogue) if 1 < len(steps) <= MAX_GRAPH else [],
        "issues": [issue_row(i, spoken(view, catalogue)) for i in view.issues if not _of_step(i)][
            :20
        ],
        "changes": _changes(view, catalogue) if view.revision > 1 else [],
        "uncovered": [cut(w, 120) for w in view.not_covered[:10]],
        "made": made(view),
        "saved": view.saved,
        "decided": _decided(view, zone, now),
        "reason": cut(view.reason, 300),
        "schedules": [
            {"id": s.id, "status": s.status} for s in view.schedules if s.status != "ended"
        ],
        "run": _run(view, run, zone, now),
        "results": _results(view, run, catalogue) if run and run.status == "completed" else [],
        "did": _did(view, run, catalogue) if run and run.status in ENDED_RUN else [],
    }
    if due:
        props["status"] = RUN_STATES[run.status] if run else "running"
    return fitted(props)


def plan_status(view: PlanView, run: RunState | None) -> str:
    """The one word a card stands under."""
    if view.revision < view.latest or view.status == "superseded":
        return "superseded"
    if view.status in ("rejected", "archived"):
        return view.status
    if run is not None and run.status not in ENDED_RUN:
        return RUN_STATES[run.status]
    if view.status == "proposed":
        return "invalid" if any(i.severity == "error" for i in view.issues) else "proposed"
    if view.status == "scheduled" and listens(view):
        return "scheduled"
    live = [s.status for s in view.schedules if s.status != "ended"]
    if live:
        return "paused" if "active" not in live else "scheduled"
    return RUN_STATES[run.status] if run else view.status


# --- facts ----------------------------------------------------------------------------------------


def _effects(view: PlanView) -> list[str]:
    """What it brings about; what hangs on a condition says so."""
    guarded = {s.name for s in view.document.steps if s.guard}
    by_step = view.forecast.step_effects
    told = []
    for effect in view.forecast.effects[:EFFECTS]:
        by = [name for name, effects in by_step.items() if effect in effects]
        held = ", if its condition holds" if by and guarded.issuperset(by) else ""
        told.append(words.sentence(cut(effect, 120)) + held)
    return told


def _cost(view: PlanView, catalogue: Catalogue) -> str:
    """What the model costs; nothing is claimed where a model may be called at a price not known."""
    if view.forecast.cost_usd <= 0 and MODEL_TOOL not in catalogue.missing:
        return ""
    return words.money(view.forecast.cost_usd)


def _decided(view: PlanView, zone: str, now: datetime) -> str:
    if not view.decided_at:
        return ""
    verb = "Turned down" if view.status == "rejected" else "Approved"
    name = "you" if view.decided_by == view.owner else cut(view.decided_by or "", 60)
    who = f" by {name}" if name else ""
    return f"{verb}{who} · {words.clock(view.decided_at, zone, now)}"


def _inputs(view: PlanView) -> list[dict[str, Any]]:
    return [
        {
            "key": name,
            "label": words.humanised(name),
            "help": cut(given.description, 200),
            "type": given.type,
            "format": given.format or "",
            "choices": [compact(c, 80) for c in given.enum or ()][:50],
            "value": "" if given.default is None else compact(given.default, 500),
            "required": given.default is None,
        }
        for name, given in list(view.document.inputs.items())[:20]
    ]


def _of_step(issue: Issue) -> bool:
    parts = issue.path.split("/")
    return len(parts) > 1 and parts[0] == "steps" and parts[1].isdigit()


def issues_by_path(
    issues: tuple[Issue, ...], say: Callable[[str], str] = str
) -> list[dict[str, Any]]:
    """For a live check of a draft: all of them, those of steps too."""
    return [issue_row(i, say) for i in issues[:60]]


def _changes(view: PlanView, catalogue: Catalogue) -> list[dict[str, Any]]:
    told = [c for c in view.changes if c.path not in NOISE] or view.changes
    return [_change(view, catalogue, c) for c in told[:20]]


def _change(view: PlanView, catalogue: Catalogue, change: Change) -> dict[str, Any]:
    label, old, new = change.label, change.old, change.new
    parts = change.path.split("/")
    if change.kind != "removed" and parts[0] == "steps" and len(parts) > 1 and parts[1].isdigit():
        step = view.document.steps[int(parts[1])]
        tool = catalogue.tools.get(step.action)
        title = step_title(step, tool)
        if len(parts) == 2:
            does = view.forecast.step_effects.get(step.name, ())
            label, new = title, words.joined([*does]) or (tool.description if tool else "")
            return _row(change.kind, label, None, new) | {"tool": step.action}
        label = label.replace(f"{step.name}: ", f"{title}: ", 1)
    elif change.kind == "removed" and len(parts) == 2 and isinstance(old, str):
        tool = catalogue.tools.get(old)
        label, old = (tool.name, None) if tool else (label, old)
    return _row(change.kind, label, old, new)


def _row(kind: str, label: str, old: Any, new: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "label": cut(label, 120),
        "old": "" if old is None else compact(without_secrets(old)),
        "new": "" if new is None else compact(without_secrets(new)),
    }


# --- the run --------------------------------------------------------------------------------------


def _run(view: PlanView, run: RunState | None, zone: str, now: datetime) -> dict[str, Any] | None:
    if run is None:
        return None
    states = [run.steps.get(s.name) or StepState() for s in view.document.steps]
    ended = run.ended_at
    return {
        "id": run.run_id,
        "status": RUN_STATES[run.status],
        "done": sum(s.status in ("done", "skipped") for s in states),
        "total": len(states),
        "started": run.started_at.isoformat() if run.started_at else "",
        "began": words.clock(run.started_at, zone, now) if run.started_at else "",
        "ended": ended.isoformat() if ended else "",
        "seconds": (ended - run.started_at).total_seconds() if ended and run.started_at else None,
        "error": error_row(run.error),
        "denied": bool(run.error and run.error.get("code") == DENIED),
    }


def _results(view: PlanView, run: RunState, catalogue: Catalogue) -> list[dict[str, Any]]:
    """What is worth reading at the end: the last outputs with contents, not delivery receipts."""
    by_name = {s.name: s for s in view.document.steps}
    listened = {u for s in view.document.steps for u in upstream(s)}
    wanted: dict[str, None] = {}
    for step in view.document.steps:
        if step.name in listened:
            continue
        tool = catalogue.tools.get(step.action)
        if step.action == HERE:
            continue
        delivers = tool is not None and tool.purity != "pure"
        names = [u for u in upstream(step) if u in by_name] if delivers else [step.name]
        names = [n for n in names if by_name[n].action != HERE]
        wanted.update(dict.fromkeys(names))
    results = []
    for name in wanted:
        state = run.steps.get(name)
        if state and state.status == "done" and (value := shown(state.output))["kind"] != "none":
            step = by_name[name]
            title = step_title(step, catalogue.tools.get(step.action))
            results.append({"step": name, "title": title, "note": cut(state.note, 200), **value})
    return results[-RESULTS:]


def _did(view: PlanView, run: RunState, catalogue: Catalogue) -> list[str]:
    return [
        effect
        for step in view.document.steps
        if (state := run.steps.get(step.name)) and state.status == "done"
        for effect in did(
            catalogue.tools.get(step.action),
            state,
            view.forecast.step_effects.get(step.name, ()),
        )
    ][:6]
