"""The plan executor: one stream a run, decided by the pure engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from backend.contracts.caching import Cache
from backend.contracts.errors import NotFound
from backend.contracts.events import Event
from backend.contracts.plans import IR
from backend.contracts.ports import Commit, Document, Store
from backend.contracts.runs import ENDED_RUN, RunState
from backend.drivers import children
from backend.drivers.turn import Turn, fold
from backend.plans.engine import Graph, advance, evolve, graph
from backend.plans.ir import ir_hash as hash_of

_GRAPHS = 500
_GONE = Graph({}, (), False, 1, {}, (), {})


class Graphs:
    """Compiled plans by hash. An approved revision never changes, so neither does its graph; what was
    changed in the database is not what was approved, and is not run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._graphs: Cache[str, Graph] = Cache(_GRAPHS)

    async def load(self, plan_id: str, revision: int, ir_hash: str) -> Graph:
        known = self._graphs.get(ir_hash)
        if known is not None:
            return known
        document = await self._store.get("revision", f"{plan_id}:{revision}", None)
        if document is None or document.body is None or document.body["ir_hash"] != ir_hash:
            raise NotFound("The revision of this run is gone.", code="EXEC_REVISION_MISSING")
        ir = IR.model_validate(document.body["ir"])
        if hash_of(ir) != ir_hash:
            raise NotFound("The plan is not the approved one.", code="EXEC_REVISION_CHANGED")
        built = graph(ir)
        self._graphs.put(ir_hash, built)
        return built


class Running:
    """A run in memory: its plan's graph, its state (None before it started), and the `plan.execute`
    that began it, which says what the saved plans stand for that it calls."""

    __slots__ = ("graph", "origin", "state")

    def __init__(
        self, graph: Graph, state: RunState | None, origin: Mapping[str, Any] | None = None
    ) -> None:
        self.graph = graph
        self.state = state
        self.origin = origin or {}


@dataclass(frozen=True, slots=True)
class Kept:
    """Of a `Running`, all but the graph."""

    origin: Mapping[str, Any]
    state: RunState


class RunDecider:
    """Decides `run:<id>`. Source of the rules: backend.plans.engine."""

    prefix = "run"
    keeps = Kept

    def __init__(self, graphs: Graphs, retention: timedelta = timedelta(days=90)) -> None:
        self._graphs = graphs
        self._retention = retention

    async def open(self, stream: str, commits: Sequence[Commit], cause: Event | None) -> Running:
        first = commits[0].cause if commits else cause
        if first is None or first.type not in ("plan.execute", "run.stalled"):
            raise NotFound("There is no such run.", code="EXEC_RUN_UNKNOWN")
        return fold(self, Running(await self._graph(first.data), None), commits)

    async def _graph(self, origin: Mapping[str, Any]) -> Graph:
        try:
            return await self._graphs.load(origin["plan_id"], origin["revision"], origin["ir_hash"])
        except NotFound:
            if not origin.get("parent"):
                raise
            return _GONE  # whoever called it waits for an answer

    def owner(self, state: Running) -> str | None:
        return state.state.owner if state.state else None

    def evolve(self, state: Running, event: Event) -> Running:
        origin = _origin(state, event)
        if state.state is None and event.type == "run.stalled":
            return Running(state.graph, _stillborn(event), origin)
        return Running(state.graph, evolve(state.graph, _before(state, event), event), origin)

    def decide(self, state: Running, turn: Turn) -> Running:
        if state.graph is _GONE and turn.cause.type == "plan.execute":
            return _lost(state, turn)
        before, origin = _before(state, turn.cause), _origin(state, turn.cause)
        emits, after = advance(state.graph, before, turn.cause, turn.now)
        thread_id = after.thread_id if after else None
        for emit in emits:
            data = emit.data
            if thread_id and emit.type == "plan.step.execute":
                data = {**data, "thread_id": thread_id}
            if not ("child" in data and children.begin(turn, data, origin)):
                turn.emit(emit.type, data, delay_s=emit.delay_s)
        if not emits and turn.cause.type in ("run.answer", "run.cancel"):
            turn.emit("event.ignored", {"type": turn.cause.type, "code": "EXEC_TOO_LATE"})
        if emits and after is not None and after.status in ENDED_RUN:
            if before is not None and after.status == "cancelled":
                children.stop(turn, before)
            if after.parent:
                children.report(turn, after.parent, after)
        return Running(state.graph, after, origin)

    def project(self, before: Running, after: Running, turn: Turn) -> None:
        run = after.state
        if run is None or (before.state is not None and before.state.status == run.status):
            return
        turn.write(_document(run, turn.position, self._retention))
        if run.thread_id and (before.state is None or run.status in ENDED_RUN):
            told: dict[str, Any] = {
                "thread_id": run.thread_id,
                "run_id": run.run_id,
                "status": run.status,
                "begun": before.state is None,
                "fired": bool(run.event),
            }
            if run.parent is None:  # the plan of a called run is not of this thread
                told["plan_id"] = run.plan_id
            turn.emit("thread.updated", told)

    def closed(self, state: Running) -> bool:
        return state.state is not None and state.state.status in ENDED_RUN

    def keep(self, state: Running) -> Kept | None:
        return Kept(state.origin, state.state) if state.state and state.origin else None

    async def recall(self, kept: Kept) -> Running:
        return Running(await self._graph(kept.origin), kept.state, kept.origin)


def _lost(state: Running, turn: Turn) -> Running:
    """A called run whose plan is not there any more fails, and says so."""
    message = "The plan it called is gone."
    error = {"code": "EXEC_REVISION_MISSING", "message": message}
    failed = turn.emit("run.failed", {"run_id": turn.cause.data["run_id"], "error": error})
    after = evolve(_GONE, evolve(_GONE, None, turn.cause), failed)
    if after.parent:
        children.report(turn, after.parent, after)
    return Running(_GONE, after, _origin(state, turn.cause))


def _stillborn(stalled: Event) -> RunState:
    """A run whose very first event could not be handled."""
    data = stalled.data
    return RunState(
        run_id=data["run_id"],
        plan_id=data["plan_id"],
        ir_hash=data["ir_hash"],
        owner=stalled.user_id,
        status="stalled",
        thread_id=data.get("thread_id"),
        parent=data.get("parent"),
        error=data["error"],
        started_at=stalled.timestamp,
    )


def _before(state: Running, event: Event) -> RunState | None:
    """The run before `event`: none, when what it stalled over is replayed to begin it after all."""
    run = state.state
    unbegun = run is not None and run.status == "stalled" and not run.steps
    return None if unbegun and event.type == "plan.execute" else run


def _origin(state: Running, event: Event) -> Mapping[str, Any]:
    return event.data if event.type == "plan.execute" and not state.origin else state.origin


def _document(run: RunState, position: int, retention: timedelta) -> Document:
    started = run.started_at.isoformat() if run.started_at else ""
    body: dict[str, Any] = {
        "run_id": run.run_id,
        "plan_id": run.plan_id,
        "ir_hash": run.ir_hash,
        "thread_id": run.thread_id,
        "status": run.status,
        "started_at": started,
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "error": dict(run.error) if run.error else None,
        "parent": {"run_id": run.parent["run_id"], "step": run.parent["step"]}
        if run.parent
        else None,
    }
    return Document(
        "run",
        run.run_id,
        run.owner,
        body,
        parent=run.plan_id,
        status=run.status,
        sort=started,
        due_at=run.ended_at + retention if run.ended_at else None,
        position=position,
    )
