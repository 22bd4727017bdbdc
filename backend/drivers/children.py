"""Runs inside runs: a step that calls a saved plan starts a run of its own, and waits for its end.

All of it is decided in the two runs' own streams. The parent's decision to call the step is the
commit that sends for the child, so a child is there once, and before anything that would stop it;
the child's last commit sends the parent what came of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backend.contracts.runs import ItemState, RunState, StepState
from backend.drivers.turn import Turn
from backend.plans.fold import ACTIVE
from backend.plans.given import collect
from backend.plans.nested import MAX_DEPTH

Data = Mapping[str, Any]
_CALL = ("run_id", "step", "iteration", "index", "attempt")


def begin(turn: Turn, call: Data, origin: Data) -> bool:
    """Start the run of a called plan; False when nothing was approved that it could be. `call` is the
    `plan.step.execute`, `origin` the `plan.execute` of the run that calls."""
    bound = (origin.get("nested") or {}).get(call["tool"])
    depth = origin.get("depth", 0) + 1
    if bound is None or depth > MAX_DEPTH:
        return False
    turn.emit("plan.step.execute", call, recorded=True)
    turn.emit(
        "plan.execute",
        {
            "run_id": call["child"],
            "plan_id": bound["plan_id"],
            "revision": bound["revision"],
            "ir_hash": bound["ir_hash"],
            "inputs": {name: value for name, value in call["args"].items() if value is not None},
            "trigger": None,
            "event": {},
            "thread_id": origin.get("thread_id"),
            "planning_id": origin.get("planning_id"),
            "nested": origin["nested"],
            "depth": depth,
            "parent": {**{name: call[name] for name in _CALL}, "outputs": bound["outputs"]},
        },
    )
    if call["timeout_s"]:
        late = {"run_id": call["child"], "reason": "timeout", "seconds": call["timeout_s"]}
        turn.emit("run.cancel", late, delay_s=call["timeout_s"])
    return True


def report(turn: Turn, parent: Data, run: RunState) -> None:
    """Tell the step that started this run how it ended."""
    call = {name: parent[name] for name in _CALL}
    if run.status == "completed":
        outputs = {name: step.output for name, step in run.steps.items()}
        output = collect(parent["outputs"], outputs)
        turn.emit("plan.step.completed", {**call, "output": output, "action": "default"})
        return
    error = dict(run.error or {})
    if run.status == "cancelled":
        said = turn.cause.data
        error = {"code": "EXEC_CHILD_CANCELLED", "message": "The plan it called was stopped."}
        if said.get("reason") == "timeout":
            took = f"It took longer than {said['seconds']:g} s."
            error = {"code": "EXEC_TIMEOUT", "message": took}
    turn.emit("plan.step.failed", {**call, "error": error, "transient": False})


def stop(turn: Turn, run: RunState) -> None:
    """Stop the runs that a run has started and that have not reported."""
    for cell in calls(run):
        if cell.status in ACTIVE:
            turn.emit("run.cancel", {"run_id": cell.child})


def calls(run: RunState) -> Iterator[StepState | ItemState]:
    """The steps and items that have each started a run, `child`."""
    for step in run.steps.values():
        for cell in step.items if step.items is not None else (step,):
            if cell.child:
                yield cell
