"""A plan's life, one stream a plan: proposed → approved → triggered. Approval is a compare-and-set here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.contracts.events import Event, derived_id
from backend.contracts.plans import TIMED_KINDS
from backend.contracts.ports import Commit, Document
from backend.drivers.plan_state import KEPT, PlanState, evolve
from backend.drivers.saving import save, unsave
from backend.drivers.turn import Turn, fold

LISTENING_KINDS = frozenset({"event", "webhook"})


class PlanDecider:
    """Decides `plan:<id>`."""

    prefix = "plan"
    keeps = PlanState

    async def open(self, stream: str, commits: Sequence[Commit], cause: Event | None) -> PlanState:
        return fold(self, PlanState(), commits)

    def owner(self, state: PlanState) -> str | None:
        return state.owner

    def closed(self, state: PlanState) -> bool:
        return False

    def keep(self, state: PlanState) -> PlanState:
        return state

    async def recall(self, kept: PlanState) -> PlanState:
        return kept

    def evolve(self, state: PlanState, event: Event) -> PlanState:
        return evolve(state, event)

    # --- decisions --------------------------------------------------------------------------------

    def decide(self, state: PlanState, turn: Turn) -> None:
        match turn.cause.type:
            case "plan.propose":
                self._propose(state, turn)
            case _ if state.owner is None:
                _refuse(turn, "EXEC_NOT_FOUND", "There is no such plan.")
            case "plan.approve":
                self._approve(state, turn)
            case "plan.reject":
                self._reject(state, turn)
            case "plan.trigger":
                self._trigger(state, turn)
            case "plan.archive":
                self._archive(state, turn)
            case "plan.save" if state.status == "archived":
                _refuse(turn, "PLAN_ARCHIVED", "This plan has ended.")
            case "plan.save":
                if why := save(turn, int(state.offered["revision"])):
                    _refuse(turn, "EXEC_NOT_FOUND", why)
            case "plan.unsave":
                unsave(turn, state.plan_id, state.saved)

    def _propose(self, state: PlanState, turn: Turn) -> None:
        data = turn.cause.data
        if state.status == "archived":
            _refuse(turn, "PLAN_ARCHIVED", "This plan has ended.")
            return
        revision = int(state.offered.get("revision", 0)) + 1
        fact = {name: data.get(name) for name in KEPT} | {"plan_id": data["plan_id"]}
        turn.emit("plan.proposed", {**fact, "revision": revision})
        body = {**data, "revision": revision, "created_at": turn.now.isoformat()}
        turn.write(
            Document(
                "revision",
                f"{data['plan_id']}:{revision}",
                turn.cause.user_id,
                body,
                parent=data["plan_id"],
                sort=f"{revision:06}",
                position=turn.position,
            )
        )
        self._tell(turn, data.get("thread_id"), "proposed")

    def _approve(self, state: PlanState, turn: Turn) -> None:
        data, offered = turn.cause.data, state.offered
        if data["ir_hash"] != offered["ir_hash"]:
            _refuse(turn, "PLAN_REVISION_CHANGED", "The plan has changed since; look at it again.")
            return
        if state.status in ("approved", "scheduled"):
            turn.emit("event.ignored", {"type": "plan.approve", "code": "PLAN_APPROVED_ALREADY"})
            return
        if state.status != "proposed":
            _refuse(turn, "PLAN_NOT_OPEN", f"This plan was {state.status}.")
            return
        if data.get("catalogue_hash") != offered["catalogue_hash"]:
            _refuse(turn, "PLAN_TOOLS_CHANGED", "A tool it uses has changed; look at it again.")
            return
        if not offered["valid"]:
            _refuse(turn, "PLAN_HAS_ERRORS", "The plan has errors; mend them first.")
            return
        self._approved(state, turn, dict(data.get("inputs") or {}))

    def _approved(self, state: PlanState, turn: Turn, inputs: dict[str, Any]) -> None:
        offered, plan_id = state.offered, state.plan_id
        timed = {
            derived_id("schedule", plan_id, t["name"]): t
            for t in offered["triggers"]
            if t["kind"] in TIMED_KINDS
        }
        lasting = bool(timed) or any(t["kind"] in LISTENING_KINDS for t in offered["triggers"])
        run_id = None if lasting else derived_id("run", turn.cause.id)
        turn.emit(
            "plan.approved",
            {
                "plan_id": plan_id,
                "ir_hash": offered["ir_hash"],
                "revision": offered["revision"],
                "planning_id": offered.get("planning_id"),
                "inputs": inputs,
                "schedules": list(timed),
                "lasting": lasting,
                "run_id": run_id,
            },
        )
        for schedule_id in state.schedules:
            if schedule_id not in timed:
                turn.emit("schedule.delete", {"schedule_id": schedule_id})
        for schedule_id, trigger in timed.items():
            turn.emit(
                "schedule.create",
                {
                    "schedule_id": schedule_id,
                    "plan_id": plan_id,
                    "ir_hash": offered["ir_hash"],
                    "trigger": trigger,
                    "timezone": trigger.get("timezone") or offered["timezone"],
                    "thread_id": offered.get("thread_id"),
                },
            )
        if run_id is not None:
            approved = {**offered, "inputs": inputs}
            _execute(turn, plan_id, approved, run_id, inputs, None, {})
        self._tell(turn, offered.get("thread_id"), "approved")

    def _reject(self, state: PlanState, turn: Turn) -> None:
        if state.status != "proposed":
            _refuse(turn, "PLAN_NOT_OPEN", f"This plan was {state.status}.")
            return
        reason = str(turn.cause.data.get("reason", ""))[:1000]
        turn.emit("plan.rejected", {"plan_id": state.plan_id, "reason": reason})
        self._tell(turn, state.offered.get("thread_id"), "rejected")

    def _trigger(self, state: PlanState, turn: Turn) -> None:
        data, approved = turn.cause.data, state.approved
        if not approved or state.status == "archived":
            _refuse(turn, "PLAN_NOT_APPROVED", "Only an approved plan can run.")
            return
        if data.get("ir_hash") not in (None, approved["ir_hash"]):
            _refuse(turn, "PLAN_REVISION_CHANGED", "Another revision is approved by now.")
            return
        from_inside = turn.cause.category != "input"
        inputs = {**approved["inputs"], **(data.get("inputs") or {})}
        _execute(
            turn,
            state.plan_id,
            approved,
            derived_id("run", turn.cause.id),
            inputs,
            data.get("trigger") if from_inside else None,
            (data.get("event") or {}) if from_inside else {},
        )

    def _archive(self, state: PlanState, turn: Turn) -> None:
        if state.status == "archived":
            return
        turn.emit("plan.archived", {"plan_id": state.plan_id})
        for schedule_id in state.schedules:
            turn.emit("schedule.delete", {"schedule_id": schedule_id})
        unsave(turn, state.plan_id, state.saved)
        self._tell(turn, state.offered.get("thread_id"), "archived")

    def _tell(self, turn: Turn, thread_id: str | None, status: str) -> None:
        if thread_id:
            plan_id = turn.cause.data["plan_id"]
            turn.emit(
                "thread.updated", {"thread_id": thread_id, "plan_id": plan_id, "status": status}
            )

    # --- what is shown ----------------------------------------------------------------------------

    def project(self, before: PlanState, after: PlanState, turn: Turn) -> None:
        if after == before or after.owner is None:
            return
        created = after.created_at.isoformat() if after.created_at else ""
        body: dict[str, Any] = {
            "plan_id": after.plan_id,
            "title": after.offered["title"],
            "status": after.status,
            "latest": after.offered["revision"],
            "ir_hash": after.offered["ir_hash"],
            "approved": after.approved.get("revision"),
            "thread_id": after.offered.get("thread_id"),
            "planning_id": after.offered.get("planning_id"),
            "run_id": after.run_id,
            "schedules": list(after.schedules),
            "saved": after.saved.get("revision"),
            "decided_by": after.decided_by,
            "decided_at": after.decided_at.isoformat() if after.decided_at else None,
            "reason": after.reason,
            "created_at": created,
        }
        turn.write(
            Document(
                "plan",
                after.plan_id,
                after.owner,
                body,
                parent=after.offered.get("thread_id"),
                status=after.status,
                sort=created,
                position=turn.position,
            )
        )
        listening = _listening(after)
        if listening != _listening(before):
            turn.write(_subscription(after, listening, turn.position))


def _listening(state: PlanState) -> list[Any]:
    if state.status == "archived":
        return []
    return [t for t in state.approved.get("triggers", ()) if t["kind"] in LISTENING_KINDS]


def _subscription(state: PlanState, triggers: list[Any], position: int) -> Document:
    assert state.owner is not None
    return Document(
        "subscription",
        state.plan_id,
        state.owner,
        {"plan_id": state.plan_id, "triggers": triggers},
        status="active" if triggers else "ended",
        position=position,
    )


def _execute(
    turn: Turn,
    plan_id: str,
    approved: Mapping[str, Any],
    run_id: str,
    inputs: Mapping[str, Any],
    trigger: str | None,
    event: Mapping[str, Any],
) -> None:
    turn.emit(
        "plan.execute",
        {
            "run_id": run_id,
            "plan_id": plan_id,
            "revision": approved["revision"],
            "ir_hash": approved["ir_hash"],
            "inputs": dict(inputs),
            "trigger": trigger,
            "event": dict(event),
            "thread_id": approved.get("thread_id"),
            "planning_id": approved.get("planning_id"),
            "nested": approved.get("nested") or {},
        },
    )


def _refuse(turn: Turn, code: str, reason: str) -> None:
    plan_id = turn.cause.data.get("plan_id", "")
    turn.emit(
        "plan.refused",
        {"plan_id": plan_id, "type": turn.cause.type, "code": code, "reason": reason},
    )
