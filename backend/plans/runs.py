"""How each event changes a run's state. Nothing is decided here: replay uses only this.

An event that is late, repeated or about something else changes nothing; its function then says so
by returning False.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from backend.contracts.plans import RESERVED_ACTION
from backend.contracts.runs import ENDED_RUN, ENDED_STEP, ItemState, changed
from backend.plans.fold import ACTIVE, INTERRUPTED, Fold
from backend.plans.graph import DEFAULT_ACTION

_NEW_ITEM: Final = ItemState()
_REPORTED: Final = ACTIVE | {"unknown"}


def apply(fold: Fold, type: str, data: Mapping[str, Any], at: datetime) -> bool:
    """Apply one event to a run that has begun; whether it changed anything."""
    function = _FUNCTIONS.get(type)
    if function is None or fold.status in ENDED_RUN or not function(fold, data, at):
        return False
    if fold.status == "stalled" and type != "run.stalled":
        fold.status, fold.error = "running", fold.error if fold.failing else None
    return True


# --- what is asked of workers and people --------------------------------------------------------------


def _execute(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    index, attempt, delay_s = data.get("index"), data["attempt"], data.get("delay_s", 0.0)
    changes: dict[str, Any] = {
        "status": "retrying" if delay_s else "running",
        "attempt": attempt,
        "args": data["args"],
        "due_at": at + timedelta(seconds=delay_s) if delay_s else None,
        "child": data.get("child", ""),
    }
    cell = fold.cell(data)
    if cell is None:
        return index is None and attempt == 1 and fold.begin(data, at, **changes)
    if attempt != cell.attempt + 1 or cell.status in ENDED_STEP:
        return False
    began = cell.started_at or at
    fold.move(data["step"], index, question=None, started_at=began, **changes)
    return True


def _asked(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    question = data["question"]
    changes = {"status": "waiting", "question": question, "args": question["args"]}
    cell = fold.cell(data)
    if cell is None:
        return data.get("index") is None and fold.begin(data, at, **changes)
    if cell.status != "pending":
        return False
    fold.move(data["step"], data.get("index"), **changes)
    return True


def _expanded(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    values = data["items"]
    items = (_NEW_ITEM,) * len(values)
    if not fold.begin(data, at, status="running", items=items, values=values, left=len(values)):
        return False
    if not values:
        fold.close(data["step"], at)
    return True


def _skipped(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    if data.get("index") is None:
        if not fold.begin(data, at):
            return False
    else:
        cell = fold.cell(data)
        if cell is None or cell.status != "pending":
            return False
    fold.finish(data, at, status="skipped", output=None, started_at=None)
    return True


# --- how a call went ----------------------------------------------------------------------------------


def _started(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    if fold.open_cell(data, ACTIVE) is None:
        return False
    fold.move(data["step"], data.get("index"), status="running", due_at=None)
    return True


def _completed(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    if fold.open_cell(data, _REPORTED) is None:
        return False
    action = data.get("action") or DEFAULT_ACTION
    fold.finish(
        data,
        at,
        status="done",
        output=data.get("output") or {},
        # "error" is the engine's to say: what came back did not fail
        action=DEFAULT_ACTION if action == RESERVED_ACTION else action,
        note=data.get("note") or "",
        error=None,
    )
    return True


def _failed(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    if fold.open_cell(data, _REPORTED) is None:
        return False
    changes = {"status": "running", "due_at": None, "question": None, "error": data["error"]}
    fold.move(data["step"], data.get("index"), **changes)
    return True


def _waiting(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    if fold.open_cell(data, ACTIVE) is None:
        return False
    question = {**data["question"], "kind": "ask"}
    fold.move(data["step"], data.get("index"), status="waiting", question=question, due_at=None)
    return True


def _unknown(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    if fold.open_cell(data, ACTIVE) is None:
        return False
    question = {
        "kind": "unknown",
        "text": INTERRUPTED["message"],
        "choices": ["again", "happened", "stop"],
    }
    fold.move(data["step"], data.get("index"), status="unknown", question=question, due_at=None)
    return True


def _answered(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    cell = fold.cell(data)
    if cell is None or cell.question is None or cell.question["kind"] != data["kind"]:
        return False
    match data["kind"], data["answer"]:
        case "ask", answer:
            fold.finish(data, at, status="done", output={"answer": answer}, error=None)
        case "unknown", "happened":
            fold.finish(data, at, status="done", output={}, error=None)
        case _:
            fold.move(data["step"], data.get("index"), question=None)
    return True


def _errored(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    name, index, error = data["step"], data.get("index"), data["error"]
    cell = fold.cell(data)
    if cell is None:
        if index is not None or not fold.begin(data, at, status="running"):
            return False
    elif cell.status in ENDED_STEP:
        return False
    if data["on_error"] == "fail" and not fold.failing:
        fold.failing, fold.error = True, {**error, "step": name}
    if index is not None:
        step = fold.steps[name]
        fold.steps[name] = changed(
            step,
            errors=(*step.errors, {"index": index, **error}),
            error=step.error if data["on_error"] == "continue" else step.error or error,
        )
        if data["on_error"] != "continue":
            _withdraw(fold, name, at)
    fold.finish(data, at, status="failed", error=error, output=None)
    return True


def _withdraw(fold: Fold, name: str, at: datetime) -> None:
    """No more items of a step are called: their gates need no answer."""
    for index, item in enumerate(fold.steps[name].items or ()):
        if item.question is not None and item.question["kind"] == "gate":
            fold.move(name, index, status="cancelled", question=None, args=None, ended_at=at)


# --- the run ------------------------------------------------------------------------------------------


def _run_completed(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    fold.end("completed", None, at)
    return True


def _run_failed(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    fold.end("failed", data["error"], at)
    return True


def _run_cancelled(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    fold.end("cancelled", None, at)
    return True


def _run_stalled(fold: Fold, data: Mapping[str, Any], at: datetime) -> bool:
    fold.status = "stalled"
    fold.error = fold.error if fold.failing else data["error"]
    return True


_FUNCTIONS: Final[Mapping[str, Callable[[Fold, Mapping[str, Any], datetime], bool]]] = {
    "plan.step.execute": _execute,
    "plan.step.asked": _asked,
    "plan.step.expanded": _expanded,
    "plan.step.skipped": _skipped,
    "plan.step.started": _started,
    "plan.step.completed": _completed,
    "plan.step.failed": _failed,
    "plan.step.waiting": _waiting,
    "plan.step.unknown": _unknown,
    "plan.step.answered": _answered,
    "plan.step.errored": _errored,
    "run.completed": _run_completed,
    "run.failed": _run_failed,
    "run.cancelled": _run_cancelled,
    "run.stalled": _run_stalled,
}
