"""Playing a run by hand: a plan, a worker that does what the test says, and the log they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from backend.contracts.events import Event
from backend.contracts.plans import PlanDocument
from backend.contracts.runs import RunState, StepState
from backend.plans.engine import Emit, advance, decide, evolve, graph
from backend.plans.graph import Graph
from backend.plans.ir import compile_document

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def step(name: str, on: str | list[str] = "go", **fields: Any) -> dict[str, Any]:
    listens = [on] if isinstance(on, str) else on
    return {"name": name, "on": listens, "action": "test.tool", **fields}


def plan(*steps: dict[str, Any], **fields: Any) -> Graph:
    events = fields.pop("events", [{"name": "go", "kind": "manual"}])
    document = {"plan_name": "test", "events": events, "steps": list(steps), **fields}
    return graph(compile_document(PlanDocument.model_validate(document)))


@dataclass
class Play:
    """A run in progress. `log` has every event as folded; `due` the calls no worker has taken."""

    graph: Graph
    state: RunState | None = None
    log: list[Event] = field(default_factory=list)
    due: list[Mapping[str, Any]] = field(default_factory=list)

    def tell(self, type: str, data: Mapping[str, Any]) -> tuple[Emit, ...]:
        at = BEGAN + timedelta(seconds=len(self.log))
        now = at + timedelta(milliseconds=1)
        cause = Event(f"e{len(self.log)}", type, "ann", at, data)
        outputs = decide(self.graph, self.state, cause)
        in_one_go = advance(self.graph, self.state, cause, now)
        self._fold(cause)
        for emit in outputs:
            self._fold(Event(f"e{len(self.log)}", emit.type, "ann", now, emit.data))
            if emit.type == "plan.step.execute":
                self.due.append(emit.data)
        assert in_one_go == (outputs, self.state)
        return outputs

    def _fold(self, event: Event) -> None:
        self.state = evolve(self.graph, self.state, event)
        self.log.append(event)

    # --- what people and workers do -----------------------------------------------------------------

    def start(self, **data: Any) -> tuple[Emit, ...]:
        return self.tell("plan.execute", {"run_id": "r1", "plan_id": "p1", "ir_hash": "h", **data})

    def take(self, name: str, index: int | None = None) -> Mapping[str, Any]:
        """The call of a step that is due; it is an error when there is none."""
        call = next(c for c in self.due if c["step"] == name and c["index"] == index)
        self.due.remove(call)
        return call

    def done(self, name: str, output: Any = None, index: int | None = None, **said: Any) -> Any:
        data = {**attempt(self.take(name, index)), "output": output or {}, **said}
        return self.tell("plan.step.completed", data)

    def fail(self, name: str, index: int | None = None, transient: bool = False) -> Any:
        error = {"code": "EXEC_TOOL_FAILED", "message": "It broke."}
        data = {**attempt(self.take(name, index)), "error": error, "transient": transient}
        return self.tell("plan.step.failed", data)

    def ask(self, name: str, index: int | None = None, **question: Any) -> Any:
        data = {**attempt(self.take(name, index)), "question": {"text": "Which?", **question}}
        return self.tell("plan.step.waiting", data)

    def lose(self, name: str, index: int | None = None) -> Any:
        return self.tell("plan.step.unknown", attempt(self.take(name, index)))

    def answer(self, name: str, answer: Any, **more: Any) -> tuple[Emit, ...]:
        return self.tell("run.answer", {"run_id": "r1", "step": name, "answer": answer, **more})

    def cancel(self) -> tuple[Emit, ...]:
        return self.tell("run.cancel", {"run_id": "r1"})

    # --- what is seen -------------------------------------------------------------------------------

    @property
    def run(self) -> RunState:
        assert self.state is not None
        return self.state

    def __getitem__(self, name: str) -> StepState:
        return self.run.steps.get(name, StepState())

    @property
    def statuses(self) -> dict[str, str]:
        return {name: self[name].status for name in self.graph.vertices}

    @property
    def waiting_calls(self) -> list[str]:
        return sorted(call["step"] for call in self.due)


def attempt(call: Mapping[str, Any]) -> dict[str, Any]:
    return {name: call[name] for name in ("run_id", "step", "iteration", "index", "attempt")}


def started(*steps: dict[str, Any], **fields: Any) -> Play:
    """A plan whose run has just begun by its trigger."""
    play = Play(plan(*steps, **fields))
    play.start()
    return play
