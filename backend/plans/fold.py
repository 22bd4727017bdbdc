"""A run's state, open for change: its calls, its steps, and how they end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from backend.contracts.plans import RESERVED_ACTION
from backend.contracts.runs import (
    ENDED_RUN,
    ENDED_STEP,
    ItemState,
    RunState,
    RunStatus,
    StepState,
    StepStatus,
    changed,
)
from backend.plans.graph import DEFAULT_ACTION, Graph
from backend.plans.joins import SKIPPED, Joins
from backend.plans.scope import Scope

ACTIVE: Final = frozenset({"running", "retrying"})
ASKING: Final = frozenset({"waiting", "unknown"})
BUSY: Final = ACTIVE | ASKING
INTERRUPTED: Final = {
    "code": "EXEC_EFFECT_UNKNOWN",
    "message": "It was interrupted half way; whether it took effect is not known.",
}
_NEW: Final = StepState()
Cell = StepState | ItemState


class Fold:
    """A *cell* is what is called once: a step, or one item of a `for_each` step."""

    __slots__ = (
        "_before",
        "active",
        "asking",
        "ended_at",
        "error",
        "failing",
        "graph",
        "joins",
        "status",
        "steps",
    )

    def __init__(self, graph: Graph, state: RunState) -> None:
        self.graph = graph
        self._before = state
        self.status: RunStatus = state.status
        self.steps = dict(state.steps)
        self.joins = Joins(graph, state, self.steps)
        self.active = state.active
        self.asking = state.asking
        self.failing = state.failing
        self.error = state.error
        self.ended_at = state.ended_at

    @property
    def run_id(self) -> str:
        return self._before.run_id

    def scope(self) -> Scope:
        """What steps that start now can see; it follows the fold."""
        state = self._before
        began = state.started_at.isoformat() if state.started_at else None
        run = {"id": state.run_id, "plan_id": state.plan_id, "started_at": began}
        names = {"inputs": state.inputs, "event": state.event, "run": run}
        return Scope(names, self.steps, self.graph.aliases)

    def state(self) -> RunState:
        status = self.status
        if status not in ENDED_RUN and status != "stalled":
            status = "waiting" if self.asking and not self.active else "running"
        return changed(
            self._before,
            status=status,
            steps=self.steps,
            waiting_on=self.joins.waiting_on,
            fired=frozenset(self.joins.fired),
            wanted=self.joins.wanted,
            active=self.active,
            asking=self.asking,
            failing=self.failing,
            error=self.error,
            ended_at=self.ended_at,
        )

    # --- cells --------------------------------------------------------------------------------------

    def cell(self, data: Mapping[str, Any]) -> Cell | None:
        """The cell an event is about, in the iteration that is open; None when there is none."""
        step = self.steps.get(data["step"])
        if step is None or step.status not in BUSY or data.get("iteration") != step.iteration:
            return None
        index = data.get("index")
        if step.items is None:
            return step if index is None else None
        if type(index) is not int or not 0 <= index < len(step.items):
            return None
        return step.items[index]

    def open_cell(self, data: Mapping[str, Any], statuses: frozenset[str]) -> Cell | None:
        cell = self.cell(data)
        if cell is None or cell.status not in statuses or data.get("attempt") != cell.attempt:
            return None
        return cell

    def begin(self, data: Mapping[str, Any], at: datetime, **changes: Any) -> bool:
        """A step begins an iteration, which takes up what was wanted of it."""
        name = data["step"]
        step = self.steps.get(name, _NEW)
        if data["iteration"] != step.iteration + 1 or step.status in BUSY:
            return False
        self.joins.take_up(name)
        now = changed(
            _NEW, iteration=step.iteration + 1, output=step.output, started_at=at, **changes
        )
        self.active += now.status in ACTIVE and now.items is None
        self.asking += now.status in ASKING
        self.steps[name] = now
        return True

    def move(self, name: str, index: int | None, **changes: Any) -> None:
        step = self.steps[name]
        cell: Cell = step if index is None or step.items is None else step.items[index]
        was, now = cell.status, changes.get("status", cell.status)
        active = (now in ACTIVE) - (was in ACTIVE)
        asking = (now in ASKING) - (was in ASKING)
        self.active += active
        self.asking += asking
        if index is None or step.items is None:
            self.steps[name] = changed(step, **changes)
            return
        item = changed(step.items[index], **changes)
        self.steps[name] = changed(
            step,
            items=(*step.items[:index], item, *step.items[index + 1 :]),
            begun=max(step.begun, index + 1),
            active=step.active + active,
            asking=step.asking + asking,
            left=step.left - (now in ENDED_STEP),
            status="waiting" if step.asking + asking and not step.active + active else "running",
        )

    def finish(self, data: Mapping[str, Any], at: datetime, **changes: Any) -> None:
        """A cell ends, and with the last cell its step."""
        name, index = data["step"], data.get("index")
        self.move(name, index, question=None, args=None, due_at=None, ended_at=at, **changes)
        step = self.steps[name]
        if index is not None:
            self.close(name, at)
        else:
            self.joins.announce(name, _outcome(step))

    def close(self, name: str, at: datetime) -> None:
        step = self.steps[name]
        if step.error is not None:
            if not step.active and not step.asking:
                self._end(name, "failed", at, output=None)
                self.joins.announce(name, RESERVED_ACTION)
        elif not step.left:
            self._end(name, "done", at, output=_columns(step.items or ()))
            self.joins.announce(name, DEFAULT_ACTION)

    def _end(self, name: str, status: StepStatus, at: datetime, **changes: Any) -> None:
        self.steps[name] = changed(
            self.steps[name], status=status, ended_at=at, values=(), **changes
        )

    def end(self, status: RunStatus, error: Mapping[str, Any] | None, at: datetime) -> None:
        """The run ends; what is still open stops."""
        for name, step in self.steps.items():
            if step.status in BUSY:
                items = step.items and tuple(_stopped(item, at) for item in step.items)
                self.steps[name] = changed(_stopped(step, at), items=items, values=())
        self.status, self.error, self.ended_at = status, error, at
        self.active = self.asking = 0
        self.joins.clear()


def _outcome(step: StepState) -> str:
    match step.status:
        case "done":
            return step.action
        case "failed":
            return RESERVED_ACTION
        case _:
            return SKIPPED


def _columns(items: tuple[ItemState, ...]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for item in items for name in item.output or ())
    return {name: [(item.output or {}).get(name) for item in items] for name in names}


def _stopped(cell: Any, at: datetime) -> Any:
    if cell.status not in BUSY:
        return cell
    error = INTERRUPTED if cell.status == "unknown" else cell.error
    failed = isinstance(cell, StepState) and cell.items is not None and cell.error is not None
    status = "failed" if failed else "cancelled"
    return changed(
        cell, status=status, error=error, question=None, args=None, due_at=None, ended_at=at
    )
