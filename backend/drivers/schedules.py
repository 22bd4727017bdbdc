"""Schedules, one stream each: a firing enqueues the next as a message with a due time. No leader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from backend.contracts.events import Event, derived_id
from backend.contracts.plans import Trigger
from backend.contracts.ports import Commit, Document
from backend.contracts.schedules import Schedule
from backend.drivers.turn import Turn, fold
from backend.plans.firings import next_firing

_TRIGGER: TypeAdapter[Any] = TypeAdapter(Trigger)


class ScheduleDecider:
    """Decides `schedule:<id>`.

    Timers are never cancelled: each names the generation and due time it expects, a late one is a
    no-op. A due time that passed while nobody was up fires once; those between are noted as missed.
    """

    prefix = "schedule"
    keeps = Schedule

    async def open(
        self, stream: str, commits: Sequence[Commit], cause: Event | None
    ) -> Schedule | None:
        return fold(self, None, commits)

    def owner(self, state: Schedule | None) -> str | None:
        return state.owner if state else None

    def closed(self, state: Schedule | None) -> bool:
        return state is None or state.status == "ended"

    def keep(self, state: Schedule | None) -> Schedule | None:
        return state

    async def recall(self, kept: Schedule) -> Schedule | None:
        return kept

    def evolve(self, state: Schedule | None, event: Event) -> Schedule | None:
        data = event.data
        if event.type == "schedule.created":
            return Schedule(
                id=data["schedule_id"],
                plan_id=data["plan_id"],
                ir_hash=data["ir_hash"],
                owner=event.user_id,
                trigger=data["trigger"],
                timezone=data["timezone"],
                generation=data["generation"],
                next_due=_time(data["next_due"]),
                thread_id=data.get("thread_id"),
                status="active" if data["next_due"] else "ended",
            )
        if state is None:
            return None
        match event.type:
            case "schedule.fired":
                following = _time(data["next_due"])
                status = state.status if following else "ended"
                return replace(
                    state, last_due=_time(data["due"]), next_due=following, status=status
                )
            case "schedule.paused":
                return replace(
                    state, status="paused", next_due=None, generation=state.generation + 1
                )
            case "schedule.resumed":
                following = _time(data["next_due"])
                return replace(
                    state,
                    status="active" if following else "ended",
                    next_due=following,
                    generation=state.generation + 1,
                )
            case "schedule.deleted":
                return replace(
                    state, status="ended", next_due=None, generation=state.generation + 1
                )
        return state

    def decide(self, state: Schedule | None, turn: Turn) -> None:
        data = turn.cause.data
        match turn.cause.type:
            case "schedule.create":
                generation = state.generation + 1 if state else 0
                due = next_firing(
                    _TRIGGER.validate_python(data["trigger"]), turn.now, data["timezone"]
                )
                turn.emit(
                    "schedule.created",
                    {**data, "generation": generation, "next_due": _text(due)},
                )
                _timer(turn, data["schedule_id"], generation, due)
            case _ if state is None or state.status == "ended":
                turn.emit("event.ignored", {"type": turn.cause.type, "code": "EXEC_NOT_FOUND"})
            case "schedule.due":
                self._due(state, turn)
            case "schedule.pause" if state.status == "active":
                turn.emit("schedule.paused", {"schedule_id": state.id})
            case "schedule.resume" if state.status == "paused":
                due = next_firing(_TRIGGER.validate_python(state.trigger), turn.now, state.timezone)
                turn.emit("schedule.resumed", {"schedule_id": state.id, "next_due": _text(due)})
                _timer(turn, state.id, state.generation + 1, due)
            case "schedule.delete":
                turn.emit("schedule.deleted", {"schedule_id": state.id})
            case _:
                turn.emit("event.ignored", {"type": turn.cause.type})

    def _due(self, state: Schedule, turn: Turn) -> None:
        due = _time(turn.cause.data["due"])
        if due != state.next_due or turn.cause.data["generation"] != state.generation:
            turn.emit("event.ignored", {"type": "schedule.due", "code": "EXEC_TOO_LATE"})
            return
        assert due is not None
        trigger = _TRIGGER.validate_python(state.trigger)
        following = next_firing(trigger, max(due, turn.now), state.timezone)
        skipped = next_firing(trigger, due, state.timezone)
        if skipped is not None and skipped != following:
            turn.emit("schedule.missed", {"schedule_id": state.id, "due": _text(skipped)})
        turn.emit(
            "schedule.fired",
            {"schedule_id": state.id, "due": _text(due), "next_due": _text(following)},
        )
        turn.emit(
            "plan.trigger",
            {
                "plan_id": state.plan_id,
                "ir_hash": state.ir_hash,
                "trigger": state.trigger["name"],
                "event": {"due": _text(due), "schedule_id": state.id},
            },
        )
        _timer(turn, state.id, state.generation, following)

    def project(self, before: Schedule | None, after: Schedule | None, turn: Turn) -> None:
        if after is None or after == before:
            return
        turn.write(
            Document(
                "schedule",
                after.id,
                after.owner,
                {
                    "id": after.id,
                    "plan_id": after.plan_id,
                    "ir_hash": after.ir_hash,
                    "trigger": after.trigger,
                    "timezone": after.timezone,
                    "generation": after.generation,
                    "last_due": _text(after.last_due),
                    "next_due": _text(after.next_due),
                    "thread_id": after.thread_id,
                },
                parent=after.plan_id,
                status=after.status,
                sort=_text(after.next_due) or "",
                due_at=after.next_due,
                position=turn.position,
            )
        )


def timer_id(schedule_id: str, generation: int, due: datetime) -> str:
    """The id of the message that fires a schedule: the same however often it is enqueued."""
    return derived_id("due", schedule_id, generation, due.isoformat())


def _timer(turn: Turn, schedule_id: str, generation: int, due: datetime | None) -> None:
    if due is not None:
        turn.emit(
            "schedule.due",
            {"schedule_id": schedule_id, "due": _text(due), "generation": generation},
            due=due,
            id=timer_id(schedule_id, generation, due),
        )


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
