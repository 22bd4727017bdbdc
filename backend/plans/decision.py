"""Deciding what follows from one event of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.contracts.errors import Invalid
from backend.contracts.events import Event, derived_id
from backend.contracts.plans import OnError
from backend.contracts.runs import StepState
from backend.plans.fold import BUSY, Fold
from backend.plans.graph import Vertex
from backend.plans.inputs import fits
from backend.plans.runs import apply
from backend.plans.scope import Scope

MAX_ITEMS = 10_000
MAX_STARTS = 10_000  # in one decision: what a loop of steps that end at once may do


@dataclass(frozen=True, slots=True)
class Emit:
    """An event to be; `delay_s` is how long it must wait before it is handled."""

    type: str
    data: dict[str, Any]
    delay_s: float = 0.0


class Decision:
    """The outputs of one event, gathered. Each is applied at once, so that what follows from it is
    seen: the fold ends as the state after them all. `now` is when the outputs happen."""

    __slots__ = ("_event", "_fold", "_graph", "_now", "_outputs", "_starts")

    def __init__(self, fold: Fold, event: Event, now: datetime) -> None:
        self._fold = fold
        self._now = now
        self._graph = fold.graph
        self._event = event
        self._outputs: list[Emit] = []
        self._starts = 0

    # --- one method for each kind of cause ----------------------------------------------------------

    def execute(self) -> tuple[Emit, ...]:
        fold, data = self._fold, self._event.data
        self._emit("run.started", {"run_id": fold.run_id, "plan_id": data["plan_id"]})
        given = data.get("inputs") or {}
        missing = [name for name in self._graph.required if given.get(name) is None]
        if missing:
            error = _error(
                "EXEC_INPUT_MISSING", f"Not given: {', '.join(missing)}.", "Give it and run again."
            )
            self._emit("run.failed", {"run_id": fold.run_id, "error": error})
            return tuple(self._outputs)
        if data.get("parent") and (wrong := self._wrong(given)):
            error = _error(
                "EXEC_INPUT_INVALID", f"{wrong} must be {self._graph.inputs[wrong].type}."
            )
            self._emit("run.failed", {"run_id": fold.run_id, "error": error})
            return tuple(self._outputs)
        return self._settle()

    def _wrong(self, given: Mapping[str, Any]) -> str:
        """The first input that has another type: another run computed it, nobody looked at it before."""
        declared = self._graph.inputs
        names = (n for n, value in given.items() if n in declared and not fits(value, declared[n]))
        return next(names, "")

    def report(self) -> tuple[Emit, ...]:
        event, fold = self._event, self._fold
        if not apply(fold, event.type, event.data, event.timestamp):
            return ()
        if event.type == "plan.step.failed":
            self._failed(event.data)
        if event.data.get("index") is not None:
            self._fill(event.data["step"])
        return self._settle()

    def cancel(self) -> tuple[Emit, ...]:
        self._emit("run.cancelled", {"run_id": self._fold.run_id, "by": self._event.user_id})
        return tuple(self._outputs)

    def answer(self) -> tuple[Emit, ...]:
        data, fold = self._event.data, self._fold
        name, index, answer = data.get("step"), data.get("index"), data.get("answer")
        vertex = self._graph.vertices.get(name) if isinstance(name, str) else None
        step = fold.steps.get(vertex.id) if vertex else None
        if vertex is None or step is None or data.get("iteration") not in (None, step.iteration):
            return ()
        at = {"run_id": fold.run_id, "step": vertex.id, "iteration": step.iteration, "index": index}
        cell = fold.cell(at)
        if cell is None or cell.question is None:
            return ()
        kind = cell.question["kind"]
        edits: Any = {}
        if kind == "gate" and isinstance(answer, Mapping):
            edits = answer.get("args") or {}
            answer = answer.get("answer")
        args = dict(cell.args or {})
        if (
            not _answers(kind, answer)
            or not isinstance(edits, Mapping)
            or edits.keys() - args.keys()
        ):
            return ()
        if fold.failing and (kind, answer) in (("gate", "allow"), ("unknown", "again")):
            return ()  # nothing new starts any more
        fact = {**at, "kind": kind, "answer": answer, "by": self._event.user_id}
        self._emit("plan.step.answered", fact)
        match kind, answer:
            case ("gate", "allow") | ("unknown", "again"):
                attempt = cell.attempt + 1
                self._call(vertex, step.iteration, index, attempt, {**args, **edits})
            case "gate", "deny":
                error = _error("EXEC_STEP_DENIED", "You said no; it was not done.")
                self._errored(vertex, step.iteration, index, error)
            case "unknown", "stop":
                return self.cancel()
        if index is not None:
            self._fill(vertex.id)
        return self._settle()

    # --- what follows -------------------------------------------------------------------------------

    def _emit(self, type: str, data: dict[str, Any], delay_s: float = 0.0) -> None:
        self._outputs.append(Emit(type, data, delay_s))
        apply(self._fold, type, data, self._now)

    def _settle(self) -> tuple[Emit, ...]:
        """Start and skip all that has become free; end the run when nothing is left to wait for."""
        fold = self._fold
        self._start_ready()
        while not (fold.active or fold.asking or fold.failing) and fold.joins.let_go():
            self._start_ready()
        if not fold.active:
            if fold.failing:
                self._emit("run.failed", {"run_id": fold.run_id, "error": fold.error})
            elif not fold.asking:
                self._emit("run.completed", {"run_id": fold.run_id})
        return tuple(self._outputs)

    def _start_ready(self) -> None:
        fold = self._fold
        while fold.joins.ready and not fold.failing:
            name = fold.joins.ready.popleft()
            step, wanted = fold.steps.get(name), fold.joins.wanted.get(name)
            if wanted and (step is None or step.status not in BUSY):
                self._begin(self._graph.vertices[name], step, start=wanted[0])

    def _begin(self, vertex: Vertex, step: StepState | None, *, start: bool) -> None:
        iteration = 1 if step is None else step.iteration + 1
        self._starts += 1
        if not start:
            self._skip(vertex, iteration, None, "untaken")
            return
        if iteration > self._graph.max_iterations or self._starts > MAX_STARTS:
            most = min(self._graph.max_iterations, MAX_STARTS)
            message = f"The loop through `{vertex.id}` went round more than {most} times."
            error = _error("EXEC_LOOP_LIMIT", message, "Raise max_iterations or mend the loop.")
            self._errored(vertex, iteration, None, error, "fail")
            return
        scope = self._fold.scope()
        try:
            if vertex.guard and not vertex.guards_items and not vertex.guard.evaluate(scope):
                self._skip(vertex, iteration, None, "guard")
            elif vertex.for_each is None:
                self._launch(vertex, iteration, None, scope)
            else:
                items = _items(vertex, vertex.for_each.resolve(scope))
                at = {"run_id": self._fold.run_id, "step": vertex.id, "iteration": iteration}
                self._emit("plan.step.expanded", {**at, "items": items})
                self._fill(vertex.id)
        except Invalid as failure:
            self._errored(vertex, iteration, None, _told(failure))

    def _fill(self, name: str) -> None:
        """Begin items of a `for_each` step while there is room for more."""
        vertex, fold = self._graph.vertices[name], self._fold
        outer = fold.scope()
        while not fold.failing:
            step = fold.steps[name]
            if step.status not in BUSY or step.error is not None or step.begun >= len(step.values):
                return
            if step.active + step.asking >= vertex.max_parallel:
                return
            index = step.begun
            scope = outer.item(step.values[index], index)
            try:
                if vertex.guards_items and vertex.guard and not vertex.guard.evaluate(scope):
                    self._skip(vertex, step.iteration, index, "guard")
                else:
                    self._launch(vertex, step.iteration, index, scope)
            except Invalid as failure:
                self._errored(vertex, step.iteration, index, _told(failure))

    def _launch(self, vertex: Vertex, iteration: int, index: int | None, scope: Scope) -> None:
        args = vertex.args.resolve(scope)
        if not vertex.gated:
            self._call(vertex, iteration, index, 1, args)
            return
        question = {
            "kind": "gate",
            "text": "This step asks before it acts. Allow it?",
            "tool": vertex.tool,
            "args": args,
            "choices": ["allow", "deny"],
        }
        self._emit(
            "plan.step.asked",
            {
                "run_id": self._fold.run_id,
                "step": vertex.id,
                "iteration": iteration,
                "index": index,
                "question": question,
            },
        )

    def _call(
        self,
        vertex: Vertex,
        iteration: int,
        index: int | None,
        attempt: int,
        args: Mapping[str, Any],
        delay_s: float = 0.0,
    ) -> None:
        run_id, item = self._fold.run_id, "" if index is None else index
        data: dict[str, Any] = {
            "run_id": run_id,
            "step": vertex.id,
            "tool": vertex.tool,
            "args": args,
            "attempt": attempt,
            "iteration": iteration,
            "index": index,
            "key": derived_id(run_id, vertex.id, iteration, item, attempt),
            "timeout_s": vertex.timeout_s,
            "max_attempts": vertex.retry.max_attempts,
        }
        if delay_s:
            data["delay_s"] = delay_s
        if vertex.gated:
            data["allowed"] = True
        if vertex.nested:
            data["child"] = derived_id("run", data["key"])
        self._emit("plan.step.execute", data, delay_s)

    def _failed(self, data: Mapping[str, Any]) -> None:
        """An attempt failed: there is another one, or the step fails for good."""
        fold = self._fold
        vertex, step, cell = (
            self._graph.vertices[data["step"]],
            fold.steps[data["step"]],
            fold.cell(data),
        )
        assert cell is not None
        attempt, index, retry = cell.attempt, data.get("index"), vertex.retry
        given_up = fold.failing or (index is not None and step.error is not None)
        if data.get("transient") and attempt < retry.max_attempts and not given_up:
            delay_s = min(retry.delay_s * 2.0 ** (attempt - 1), retry.max_delay_s)
            self._call(vertex, step.iteration, index, attempt + 1, cell.args or {}, delay_s)
        else:
            self._errored(vertex, step.iteration, index, dict(data["error"]))

    def _skip(self, vertex: Vertex, iteration: int, index: int | None, reason: str) -> None:
        self._emit(
            "plan.step.skipped",
            {
                "run_id": self._fold.run_id,
                "step": vertex.id,
                "iteration": iteration,
                "index": index,
                "reason": reason,
            },
        )

    def _errored(
        self,
        vertex: Vertex,
        iteration: int,
        index: int | None,
        error: Mapping[str, Any],
        on_error: OnError | None = None,
    ) -> None:
        self._emit(
            "plan.step.errored",
            {
                "run_id": self._fold.run_id,
                "step": vertex.id,
                "iteration": iteration,
                "index": index,
                "error": error,
                "on_error": on_error or vertex.on_error,
            },
        )


def _items(vertex: Vertex, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise Invalid(
            f"`for_each` of `{vertex.id}` needs a list, and got something else.",
            code="EXEC_FOR_EACH_NOT_A_LIST",
        )
    if len(value) > MAX_ITEMS:
        raise Invalid(
            f"`for_each` of `{vertex.id}` got {len(value)} items; {MAX_ITEMS} is the most.",
            code="EXEC_TOO_MANY_ITEMS",
        )
    return list(value)


def _answers(kind: str, answer: Any) -> bool:
    match kind:
        case "gate":
            return isinstance(answer, str) and answer in ("allow", "deny")
        case "unknown":
            return isinstance(answer, str) and answer in ("again", "happened", "stop")
        case _:
            return True


def _told(failure: Invalid) -> dict[str, Any]:
    return _error(failure.code, failure.message, failure.hint)


def _error(code: str, message: str, hint: str = "") -> dict[str, Any]:
    return {"code": code, "message": message, **({"hint": hint} if hint else {})}
