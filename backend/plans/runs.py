"""A run's state as its events are applied to it. Nothing is decided here: replay uses only this."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from backend.contracts.plans import RESERVED_ACTION
from backend.contracts.runs import ENDED_RUN, ENDED_STEP, ItemState, RunState, StepState, StepStatus
from backend.plans.graph import DEFAULT_ACTION, Graph
from backend.plans.scope import Scope

ACTIVE: Final = frozenset({"running", "retrying"})
ASKING: Final = frozenset({"waiting", "unknown"})
BUSY: Final = ACTIVE | ASKING
INTERRUPTED: Final = {
    "code": "EXEC_EFFECT_UNKNOWN",
    "message": "It was interrupted half way; whether it took effect is not known.",
}
_NEW: Final = StepState()
_NEW_ITEM: Final = ItemState()
Cell = StepState | ItemState


class Happening(Protocol):
    """What of an event a state depends on."""

    @property
    def type(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def timestamp(self) -> datetime: ...


class Fold:
    """A run's state, open for change. `ready` are steps that have become free to start or skip.

    A *cell* is what is called once: a step, or one item of a `for_each` step.
    """

    __slots__ = (
        "_before",
        "active",
        "asking",
        "ended_at",
        "error",
        "failing",
        "fired",
        "graph",
        "ready",
        "status",
        "steps",
        "waiting_on",
        "wanted",
    )

    def __init__(self, graph: Graph, state: RunState) -> None:
        self.graph = graph
        self._before = state
        self.status = state.status
        self.steps = dict(state.steps)
        self.waiting_on = dict(state.waiting_on)
        self.fired = set(state.fired)
        self.wanted = dict(state.wanted)
        self.active = state.active
        self.asking = state.asking
        self.failing = state.failing
        self.error = state.error
        self.ended_at = state.ended_at
        self.ready: deque[str] = deque()

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
        before = self._before
        status = self.status
        if status not in ENDED_RUN and status != "stalled":
            status = "waiting" if self.asking and not self.active else "running"
        return RunState(
            before.run_id,
            before.plan_id,
            before.ir_hash,
            before.owner,
            status,
            before.thread_id,
            before.inputs,
            before.event,
            self.steps,
            self.waiting_on,
            frozenset(self.fired),
            self.wanted,
            self.active,
            self.asking,
            self.failing,
            self.error,
            before.started_at,
            self.ended_at,
        )

    def apply(self, type: str, data: Mapping[str, Any], at: datetime) -> bool:
        """Whether the event changed anything; one that is late, repeated or unknown does not."""
        handler = _HANDLERS.get(type)
        if handler is None or self.status in ENDED_RUN or not handler(self, data, at):
            return False
        if self.status == "stalled" and type != "run.stalled":
            self.status, self.error = "running", self.error if self.failing else None
        return True

    # --- starting and announcing ----------------------------------------------------------------

    def enter(self, trigger: str | None) -> None:
        """The run begins: by one of its triggers, or (None) as if by all of them."""
        for name, link in self.graph.entries:
            self._hear(link.to, link.bit, name is not None and trigger in (None, name))
        for vertex in self.graph.vertices.values():
            if not vertex.upstream:
                self._want(vertex.id, start=False)

    def _announce(self, name: str, outcome: str) -> None:
        """Tell all who follow how a step ended: its action, "error", or "" for skipped."""
        done = outcome not in ("", RESERVED_ACTION)
        called: set[str] = set()
        for link in self.graph.vertices[name].links:
            taken = done if link.outcome is None else bool(outcome) and link.outcome == outcome
            # Two edges from one outcome (its own name and an emitted one) are one call in a loop.
            if self.graph.reactive and self.graph.vertices[link.to].any:
                if taken and link.to not in called:
                    called.add(link.to)
                    self._want(link.to, start=True)
            else:
                self._hear(link.to, link.bit, taken)
        if self.wanted.get(name):
            self.ready.append(name)

    def _hear(self, name: str, bit: int, taken: bool) -> None:
        vertex = self.graph.vertices[name]
        if self.graph.reactive:
            if vertex.any:
                if taken:
                    self._want(name, start=True)
                return
        elif name in self.steps or name in self.wanted:
            return  # it started at the first of several
        open_bits = self.waiting_on.get(name, vertex.upstream) & ~bit
        if taken and vertex.any:
            open_bits = 0
        if taken:
            self.fired.add(name)
        if open_bits:
            self.waiting_on[name] = open_bits
            return
        self.waiting_on.pop(name, None)
        start = name in self.fired
        self.fired.discard(name)
        self._want(name, start=start)

    def _want(self, name: str, *, start: bool) -> None:
        self.wanted[name] = (*self.wanted.get(name, ()), start)
        self.ready.append(name)

    def _begin(self, name: str, iteration: Any) -> StepState | None:
        """Take up what was wanted of a step; None when it is not free for this iteration."""
        step = self.steps.get(name, _NEW)
        if iteration != step.iteration + 1 or step.status in BUSY:
            return None
        later = self.wanted.get(name, ())[1:]
        if later:
            self.wanted[name] = later
        else:
            self.wanted.pop(name, None)
        return step

    # --- cells ----------------------------------------------------------------------------------

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

    def _open_cell(self, data: Mapping[str, Any], statuses: frozenset[str]) -> Cell | None:
        cell = self.cell(data)
        if cell is None or cell.status not in statuses or data.get("attempt") != cell.attempt:
            return None
        return cell

    def _move(self, name: str, index: int | None, **changes: Any) -> None:
        step = self.steps[name]
        cell: Cell = step if index is None or step.items is None else step.items[index]
        was, now = cell.status, changes.get("status", cell.status)
        active = (now in ACTIVE) - (was in ACTIVE)
        asking = (now in ASKING) - (was in ASKING)
        self.active += active
        self.asking += asking
        if index is None or step.items is None:
            self.steps[name] = replace(step, **changes)
            return
        item = replace(step.items[index], **changes)
        self.steps[name] = replace(
            step,
            items=(*step.items[:index], item, *step.items[index + 1 :]),
            begun=max(step.begun, index + 1),
            active=step.active + active,
            asking=step.asking + asking,
            left=step.left - (now in ENDED_STEP),
            status="waiting" if step.asking + asking and not step.active + active else "running",
        )

    def _finish(self, data: Mapping[str, Any], at: datetime, **changes: Any) -> None:
        """A cell ends, and with the last cell its step."""
        name, index = data["step"], data.get("index")
        self._move(name, index, question=None, args=None, due_at=None, ended_at=at, **changes)
        step = self.steps[name]
        if index is not None:
            self._close(name, at)
        else:
            self._announce(name, step.action if step.status == "done" else RESERVED_ACTION)

    def _close(self, name: str, at: datetime) -> None:
        step = self.steps[name]
        if step.error is not None:
            if not step.active and not step.asking:
                self._end(name, "failed", at, output=None)
                self._announce(name, RESERVED_ACTION)
        elif not step.left:
            self._end(name, "done", at, output=_columns(step.items or ()))
            self._announce(name, DEFAULT_ACTION)

    def _end(self, name: str, status: StepStatus, at: datetime, **changes: Any) -> None:
        self.steps[name] = replace(
            self.steps[name], status=status, ended_at=at, values=(), **changes
        )

    # --- events: what is asked of workers and people ----------------------------------------------

    def _execute(self, data: Mapping[str, Any], at: datetime) -> bool:
        name, index, attempt = data["step"], data.get("index"), data["attempt"]
        delay = data.get("delay_s", 0.0)
        changes: dict[str, Any] = {
            "status": "retrying" if delay else "running",
            "attempt": attempt,
            "args": data["args"],
            "due_at": at + timedelta(seconds=delay) if delay else None,
        }
        cell = self.cell(data)
        if cell is not None:
            if attempt != cell.attempt + 1 or cell.status in ENDED_STEP:
                return False
            began = cell.started_at or at
            self._move(name, index, question=None, started_at=began, **changes)
            return True
        step = self._begin(name, data["iteration"]) if index is None and attempt == 1 else None
        if step is None:
            return False
        self.steps[name] = StepState(
            iteration=step.iteration + 1, output=step.output, started_at=at, **changes
        )
        self.active += 1
        return True

    def _asked(self, data: Mapping[str, Any], at: datetime) -> bool:
        name, index, question = data["step"], data.get("index"), data["question"]
        changes = {"status": "waiting", "question": question, "args": question["args"]}
        cell = self.cell(data)
        if cell is not None:
            if cell.status != "pending":
                return False
            self._move(name, index, **changes)
            return True
        step = self._begin(name, data["iteration"]) if index is None else None
        if step is None:
            return False
        self.steps[name] = StepState(
            iteration=step.iteration + 1, output=step.output, started_at=at, **changes
        )
        self.asking += 1
        return True

    def _expanded(self, data: Mapping[str, Any], at: datetime) -> bool:
        step = self._begin(data["step"], data["iteration"])
        if step is None:
            return False
        values = data["items"]
        self.steps[data["step"]] = StepState(
            status="running",
            iteration=step.iteration + 1,
            output=step.output,
            started_at=at,
            items=(_NEW_ITEM,) * len(values),
            values=values,
            left=len(values),
        )
        if not values:
            self._close(data["step"], at)
        return True

    def _skipped(self, data: Mapping[str, Any], at: datetime) -> bool:
        name = data["step"]
        if data.get("index") is not None:
            cell = self.cell(data)
            if cell is None or cell.status != "pending":
                return False
            self._finish(data, at, status="skipped")
            return True
        step = self._begin(name, data["iteration"])
        if step is None:
            return False
        self.steps[name] = StepState(status="skipped", iteration=step.iteration + 1, ended_at=at)
        self._announce(name, "")
        return True

    # --- events: how a call went ------------------------------------------------------------------

    def _started(self, data: Mapping[str, Any], at: datetime) -> bool:
        if self._open_cell(data, ACTIVE) is None:
            return False
        self._move(data["step"], data.get("index"), status="running", due_at=None)
        return True

    def _completed(self, data: Mapping[str, Any], at: datetime) -> bool:
        if self._open_cell(data, ACTIVE | {"unknown"}) is None:
            return False
        action = data.get("action") or DEFAULT_ACTION
        self._finish(
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

    def _failed(self, data: Mapping[str, Any], at: datetime) -> bool:
        if self._open_cell(data, ACTIVE | {"unknown"}) is None:
            return False
        changes = {"status": "running", "due_at": None, "question": None, "error": data["error"]}
        self._move(data["step"], data.get("index"), **changes)
        return True

    def _waiting(self, data: Mapping[str, Any], at: datetime) -> bool:
        if self._open_cell(data, ACTIVE) is None:
            return False
        question = {**data["question"], "kind": "ask"}
        self._move(data["step"], data.get("index"), status="waiting", question=question)
        return True

    def _unknown(self, data: Mapping[str, Any], at: datetime) -> bool:
        if self._open_cell(data, ACTIVE) is None:
            return False
        question = {
            "kind": "unknown",
            "text": INTERRUPTED["message"],
            "choices": ["again", "happened", "stop"],
        }
        self._move(data["step"], data.get("index"), status="unknown", question=question)
        return True

    def _answered(self, data: Mapping[str, Any], at: datetime) -> bool:
        cell = self.cell(data)
        if cell is None or cell.question is None or cell.question["kind"] != data["kind"]:
            return False
        match data["kind"], data["answer"]:
            case "ask", answer:
                self._finish(data, at, status="done", output={"answer": answer})
            case "unknown", "happened":
                self._finish(data, at, status="done", output={}, error=None)
            case _:
                self._move(data["step"], data.get("index"), question=None)
        return True

    def _errored(self, data: Mapping[str, Any], at: datetime) -> bool:
        name, index, error = data["step"], data.get("index"), data["error"]
        on_error = data["on_error"]
        cell = self.cell(data)
        if cell is None:
            step = self._begin(name, data["iteration"]) if index is None else None
            if step is None:
                return False
            self.steps[name] = StepState(status="running", iteration=step.iteration + 1)
            self.active += 1
        elif cell.status in ENDED_STEP:
            return False
        if on_error == "fail" and not self.failing:
            self.failing, self.error = True, {**error, "step": name}
        if index is not None:
            step = self.steps[name]
            self.steps[name] = replace(
                step,
                errors=(*step.errors, {"index": index, **error}),
                error=step.error if on_error == "continue" else step.error or error,
            )
        self._finish(data, at, status="failed", error=error, output=None)
        return True

    # --- events: the run --------------------------------------------------------------------------

    def _ended(self, status: Any, error: Mapping[str, Any] | None, at: datetime) -> None:
        for name, step in self.steps.items():
            if step.status in BUSY:
                items = step.items and tuple(_stopped(item, at) for item in step.items)
                self.steps[name] = replace(_stopped(step, at), items=items, values=())
        self.status, self.error, self.ended_at = status, error, at
        self.active = self.asking = 0
        self.waiting_on, self.fired, self.wanted = {}, set(), {}
        self.ready.clear()

    def _run_completed(self, data: Mapping[str, Any], at: datetime) -> bool:
        self._ended("completed", None, at)
        return True

    def _run_failed(self, data: Mapping[str, Any], at: datetime) -> bool:
        self._ended("failed", data["error"], at)
        return True

    def _run_cancelled(self, data: Mapping[str, Any], at: datetime) -> bool:
        self._ended("cancelled", None, at)
        return True

    def _run_stalled(self, data: Mapping[str, Any], at: datetime) -> bool:
        self.status = "stalled"
        self.error = self.error if self.failing else data["error"]
        return True


_HANDLERS: Final[Mapping[str, Callable[[Fold, Mapping[str, Any], datetime], bool]]] = {
    "plan.step.execute": Fold._execute,
    "plan.step.asked": Fold._asked,
    "plan.step.expanded": Fold._expanded,
    "plan.step.skipped": Fold._skipped,
    "plan.step.started": Fold._started,
    "plan.step.completed": Fold._completed,
    "plan.step.failed": Fold._failed,
    "plan.step.waiting": Fold._waiting,
    "plan.step.unknown": Fold._unknown,
    "plan.step.answered": Fold._answered,
    "plan.step.errored": Fold._errored,
    "run.completed": Fold._run_completed,
    "run.failed": Fold._run_failed,
    "run.cancelled": Fold._run_cancelled,
    "run.stalled": Fold._run_stalled,
}


def _columns(items: tuple[ItemState, ...]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for item in items for name in item.output or ())
    return {name: [(item.output or {}).get(name) for item in items] for name in names}


def _stopped(cell: Any, at: datetime) -> Any:
    if cell.status not in BUSY:
        return cell
    error = INTERRUPTED if cell.status == "unknown" else cell.error
    failed = isinstance(cell, StepState) and cell.items is not None and cell.error is not None
    status = "failed" if failed else "cancelled"
    return replace(
        cell, status=status, error=error, question=None, args=None, due_at=None, ended_at=at
    )
