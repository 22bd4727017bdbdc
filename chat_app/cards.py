"""A plan, and a run of it, as the props of one card. Pure; at most 50 kB; no secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from backend.contracts.errors import Issue
from backend.contracts.plans import TIMED_KINDS, Catalogue, PlanDocument, Step
from backend.contracts.runs import ENDED_RUN, ENDED_STEP, RunState, StepState
from backend.contracts.tools import ToolSpec
from backend.contracts.views import PlanView
from chat_app import words
from chat_app.arguments import arguments, summary
from chat_app.results import compact, cut, has_words, preview, shown, without_secrets

MAX_BYTES = 50_000
MAX_STEPS = 60
FEWEST_STEPS = 24
MAX_GRAPH = 40
STEP_TEXT = 1_200
RESULTS = 3
HERE = "notify.user"  # what it brings stands in the thread already

ACTION_WORDS = {"error": "if it fails", "default": ""}
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
) -> dict[str, Any]:
    """The props of the card of one revision, or with `due` of the run of a schedule's due time."""
    zone = words.zone_of(zone, view.timezone)
    steps = view.document.steps
    first, last = _window(view.document, run)
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
        "when": _when(view, zone, now),
        "effects": [words.sentence(cut(e, 120)) for e in view.forecast.effects[:6]],
        "takes": words.duration(view.forecast.duration_s),
        "cost": words.money(view.forecast.cost_usd),
        "per_item": view.forecast.per_item,
        "inputs": _inputs(view),
        "before": first,
        "after": len(steps) - last,
        "steps": [_step(view, catalogue, run, steps[i], number=i + 1) for i in range(first, last)],
        "edges": _edges(view.document) if 1 < len(steps) <= MAX_GRAPH else [],
        "issues": [_issue(i) for i in view.issues if not _of_step(i)][:20],
        "changes": [_change(view, c) for c in view.changes[:20]] if view.revision > 1 else [],
        "uncovered": [cut(w, 120) for w in view.not_covered[:10]],
        "offline": view.planner == "offline" and view.origin != "hand",
        "decided": _decided(view, zone, now),
        "reason": cut(view.reason, 300),
        "schedules": [
            {"id": s.id, "status": s.status} for s in view.schedules if s.status != "ended"
        ],
        "run": _run(view, run, zone, now),
        "results": _results(view, run, catalogue) if run and run.status == "completed" else [],
        "did": _did(view, run) if run and run.status in ENDED_RUN else [],
    }
    if due:
        props["status"] = RUN_STATES[run.status] if run else "running"
    return _fit(props)


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
    live = [s.status for s in view.schedules if s.status != "ended"]
    if live:
        return "paused" if "active" not in live else "scheduled"
    return RUN_STATES[run.status] if run else view.status


# --- facts ----------------------------------------------------------------------------------------


def _when(view: PlanView, zone: str, now: datetime) -> dict[str, Any]:
    timed = any(t.kind in TIMED_KINDS for t in view.document.events)
    return {
        "timed": timed,
        "words": view.when or "Once, when you approve it",
        "next": [
            {"at": f.isoformat(), "text": words.clock(f, zone, now)} for f in view.firings[:3]
        ],
        "elsewhere": view.timezone if timed and view.timezone != zone else "",
    }


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


def _issue(issue: Issue) -> dict[str, Any]:
    return {
        "severity": issue.severity,
        "code": issue.code,
        "path": issue.path,
        "message": cut(issue.message, 400),
        "suggestion": cut(issue.suggestion, 300),
        "fix": {
            "path": issue.fix.path,
            "label": cut(issue.fix.label, 80),
            "value": without_secrets(issue.fix.value),
        }
        if issue.fix
        else None,
    }


def _of_step(issue: Issue) -> bool:
    parts = issue.path.split("/")
    return len(parts) > 1 and parts[0] == "steps" and parts[1].isdigit()


def issues_by_path(issues: tuple[Issue, ...]) -> list[dict[str, Any]]:
    """For a live check of a draft: all of them, those of steps too."""
    return [_issue(i) for i in issues[:60]]


def _change(view: PlanView, change: Any) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "label": cut(change.label, 120),
        "old": "" if change.old is None else compact(without_secrets(change.old)),
        "new": "" if change.new is None else compact(without_secrets(change.new)),
    }


# --- steps ----------------------------------------------------------------------------------------


def _window(document: PlanDocument, run: RunState | None) -> tuple[int, int]:
    """The steps sent: all of a small plan, else those around what happens now."""
    count = len(document.steps)
    if count <= MAX_STEPS:
        return 0, count
    now = 0
    if run:
        open_steps = (
            i
            for i, s in enumerate(document.steps)
            if (run.steps.get(s.name) or StepState()).status not in ENDED_STEP
        )
        now = next(open_steps, count)
    first = max(0, min(now - MAX_STEPS // 3, count - MAX_STEPS))
    return first, first + MAX_STEPS


def step_title(step: Step, tool: ToolSpec | None) -> str:
    return cut(step.description or (tool.name if tool else words.humanised(step.name)), 90)


def _step(
    view: PlanView, catalogue: Catalogue, run: RunState | None, step: Step, *, number: int
) -> dict[str, Any]:
    tool = catalogue.tools.get(step.action)
    prefix = f"steps/{number - 1}/"
    own = [i for i in view.issues if i.path == prefix[:-1] or i.path.startswith(prefix)]
    rows = arguments(view, catalogue, step, number - 1)
    state = run.steps.get(step.name) if run else None
    return {
        "id": step.name,
        "n": number,
        "title": step_title(step, tool),
        "tool": step.action,
        "sub": summary(rows) or (cut(tool.description, 120) if tool else "There is no such tool"),
        "effects": [cut(e, 80) for e in view.forecast.step_effects.get(step.name, ())][:3],
        "after": [s for s in _upstream(step)],
        "guard": cut(step.guard or "", 200),
        "each": cut(step.for_each or "", 120),
        "asks": step.approval == "required" or bool(tool and tool.id == "human.ask"),
        "args": rows,
        "issues": [_issue(i) for i in own][:10],
        "state": _state(run, step, state, view.forecast.step_effects.get(step.name, ()))
        if run
        else None,
    }


def _upstream(step: Step) -> list[str]:
    return [name[5:].split(".", 1)[0] for name in step.on if name.startswith("step.")]


def _edges(document: PlanDocument) -> list[dict[str, str]]:
    emitters = {e: s.name for s in document.steps for e in s.emits}
    edges = []
    for step in document.steps:
        for name in step.on:
            source, _, action = name.removeprefix("step.").partition(".")
            if not name.startswith("step."):
                if name not in emitters:
                    continue
                source, action = emitters[name], ""
            label = f"if {cut(step.guard, 40)}" if step.guard else ACTION_WORDS.get(action, action)
            edges.append({"from": source, "to": step.name, "label": label})
    return edges


def _state(
    run: RunState, step: Step, state: StepState | None, effects: Sequence[str]
) -> dict[str, Any]:
    state = state or StepState()
    ended = state.ended_at
    items = state.items or ()
    status = state.status
    if run.status in ENDED_RUN and status == "pending":
        status = "cancelled" if run.status == "cancelled" else "skipped"
    return {
        "status": status,
        "attempt": state.attempt,
        "of": step.retry.max_attempts if step.retry else 0,
        "iteration": state.iteration,
        "started": state.started_at.isoformat() if state.started_at else "",
        "seconds": (ended - state.started_at).total_seconds()
        if ended and state.started_at
        else None,
        "items": [sum(i.status in ENDED_STEP for i in items), len(items)] if items else None,
        "note": cut(state.note, 200),
        "error": _error(state.error),
        "questions": _questions(state),
        "preview": _told(state, effects) if status == "done" else "",
        "result": shown(state.output, STEP_TEXT) if status == "done" else None,
    }


def _told(state: StepState, effects: Sequence[str]) -> str:
    """What a done step found, or else what it did."""
    output = without_secrets(state.output)
    if effects and state.items is None and not has_words(output):
        return words.happened(cut(effects[0], 120))
    return preview(output)


def _error(error: Mapping[str, Any] | None) -> dict[str, str] | None:
    if not error:
        return None
    return {
        "code": cut(str(error.get("code", "")), 60),
        "message": cut(str(error.get("message", "")), 500),
        "hint": cut(str(error.get("hint", "")), 300),
    }


def _questions(state: StepState) -> list[dict[str, Any]]:
    """What the step asks, per item of a `for_each` when there are several."""
    asked = [(i, item) for i, item in enumerate(state.items or ()) if item.question]
    if asked:
        return [_question(item.question or {}, item.status, i) for i, item in asked[:5]]
    if state.status not in ("waiting", "unknown") and not state.question:
        return []
    if state.status not in ("waiting", "unknown"):
        return []
    return [_question(state.question or {}, state.status, None)]


def _question(question: Mapping[str, Any], status: str, index: int | None) -> dict[str, Any]:
    kind = str(question.get("kind") or ("unknown" if status == "unknown" else "ask"))
    args = without_secrets(question.get("args") or {})
    return {
        "kind": kind,
        "index": index,
        "text": cut(str(question.get("text", "")), 1_000),
        "choices": [cut(str(c), 80) for c in question.get("choices") or ()][:8],
        "args": [
            [words.humanised(k), cut(v, 1_500) if isinstance(v, str) else compact(v, 600)]
            for k, v in list(args.items())[:12]
        ],
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
        "error": _error(run.error),
    }


def _results(view: PlanView, run: RunState, catalogue: Catalogue) -> list[dict[str, Any]]:
    """What is worth reading at the end: the last outputs with contents, not delivery receipts."""
    by_name = {s.name: s for s in view.document.steps}
    listened = {u for s in view.document.steps for u in _upstream(s)}
    wanted: dict[str, None] = {}
    for step in view.document.steps:
        if step.name in listened:
            continue
        tool = catalogue.tools.get(step.action)
        if step.action == HERE:
            continue
        delivers = tool is not None and tool.purity != "pure"
        names = [u for u in _upstream(step) if u in by_name] if delivers else [step.name]
        wanted.update(dict.fromkeys(names))
    results = []
    for name in wanted:
        state = run.steps.get(name)
        if state and state.status == "done" and (value := shown(state.output))["kind"] != "none":
            step = by_name[name]
            title = step_title(step, catalogue.tools.get(step.action))
            results.append({"step": name, "title": title, "note": cut(state.note, 200), **value})
    return results[-RESULTS:]


def _did(view: PlanView, run: RunState) -> list[str]:
    return [
        words.happened(cut(effect, 120))
        for step in view.document.steps
        if (state := run.steps.get(step.name)) and state.status == "done"
        for effect in view.forecast.step_effects.get(step.name, ())
    ][:6]


def _fit(props: dict[str, Any]) -> dict[str, Any]:
    """Give up the least needed first until it fits: results of steps, long arguments, forms, steps."""
    for give_up in (
        _drop_results,
        _drop_arguments,
        _drop_long_results,
        _drop_graph,
        _drop_forms,
        _drop_steps,
    ):
        if len(json.dumps(props, ensure_ascii=False).encode()) <= MAX_BYTES:
            break
        give_up(props)
    return props


def _drop_results(props: dict[str, Any]) -> None:
    for step in props["steps"]:
        if step["state"]:
            step["state"]["result"] = None


def _drop_arguments(props: dict[str, Any]) -> None:
    for step in props["steps"]:
        step["issues"] = step["issues"][:3]
        for arg in step["args"]:
            if len(json.dumps(arg["value"], default=str)) > 300:
                arg.update(value=compact(arg["value"], 300), editable=False)


def _drop_long_results(props: dict[str, Any]) -> None:
    for result in props["results"]:
        if result["kind"] == "text":
            result["text"] = cut(result["text"], 2_000)


def _drop_graph(props: dict[str, Any]) -> None:
    props["edges"] = []
    for step in props["steps"]:
        step["args"] = step["args"][:4]


def _drop_forms(props: dict[str, Any]) -> None:
    for step in props["steps"]:
        step.update(args=[], issues=step["issues"][:1])


def _drop_steps(props: dict[str, Any]) -> None:
    props["after"] += len(props["steps"]) - FEWEST_STEPS
    props["steps"] = props["steps"][:FEWEST_STEPS]
