"""Events: the only thing that moves. One table says what each type is, who may send it, who handles it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

Category = Literal["input", "internal", "output"]
Lane = Literal["stream", "work", "log"]
FieldType = Literal["text", "count", "object", "any"]

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened (past tense) or is asked for (imperative). `timestamp` is aware, in UTC.

    `data` is JSON. `causation_id` is the event this one follows from, `correlation_id` the first
    of the chain. On the wire `user_id` is spelled `userID`.
    """

    id: str
    type: str
    user_id: str
    timestamp: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    source: str = "lightning"
    category: Category = "internal"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    correlation_id: str = ""
    causation_id: str = ""
    schema_version: int = SCHEMA_VERSION


# The type under which a mail that came in is told of, by whatever program reads the mailbox; its data
# has "from", the sender's address, "subject" and "body", all text.
MAIL_RECEIVED = "email.received"
MAIL_SENDER = "from"


def new_id() -> str:
    """A fresh random id, 32 hex digits."""
    return os.urandom(16).hex()


def derived_id(*parts: str | int) -> str:
    """The same parts always give the same id, so that a repeated act is recognised as the same."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class EventType:
    """A row of the catalogue.

    `lane` says who handles it: the decider of one stream (one event at a time, in order), any
    worker (in parallel), or nobody (recorded in the stream that caused it). `key` names the
    field of `data` whose value, behind `prefix`, is the stream. `outside` events may be sent by
    callers; all others are facts or inner commands and come from inside alone. `fields` are what a
    caller may say in `data`, and of which type.
    """

    name: str
    lane: Lane
    prefix: str = ""
    key: str = ""
    outside: bool = False
    required: tuple[str, ...] = ()
    description: str = ""
    fields: Mapping[str, FieldType] = field(default_factory=dict)

    def stream(self, data: Mapping[str, Any]) -> str | None:
        return f"{self.prefix}:{data[self.key]}" if self.lane == "stream" else None


def _run(name: str, description: str, *required: str) -> EventType:
    return EventType(name, "stream", "run", "run_id", False, ("run_id", *required), description)


def _plan(name: str, description: str, *required: str) -> EventType:
    return EventType(name, "stream", "plan", "plan_id", False, ("plan_id", *required), description)


def _schedule(name: str, description: str, *required: str) -> EventType:
    required = ("schedule_id", *required)
    return EventType(name, "stream", "schedule", "schedule_id", False, required, description)


def _saved(name: str, description: str) -> EventType:
    return EventType(name, "stream", "saved", "owner", False, ("owner", "plan_id"), description)


def _outside(kind: EventType, **fields: FieldType) -> EventType:
    """A command that callers may send, with these fields beside its key."""
    return replace(kind, outside=True, fields={kind.key: "text", **fields})


def _fact(name: str, description: str, *required: str) -> EventType:
    return EventType(name, "log", required=required, description=description)


EVENT_TYPES: dict[str, EventType] = {
    t.name: t
    for t in (
        # a plan's own stream
        _plan("plan.propose", "store a revision and offer it for approval", "document"),
        _outside(
            _plan("plan.approve", "approve exactly this revision", "ir_hash"),
            ir_hash="text",
            catalogue_hash="text",
            inputs="object",
        ),
        _outside(_plan("plan.reject", "turn a proposal down"), reason="text"),
        _outside(_plan("plan.archive", "end a plan and its schedules")),
        _plan(
            "plan.save", "keep a revision under a name, as a tool", "revision", "ir_hash", "name"
        ),
        _plan("plan.unsave", "let go of the name"),
        _outside(
            _plan("plan.trigger", "start a run of the approved revision"),
            ir_hash="text",
            inputs="object",
        ),
        _fact("plan.proposed", "a revision was stored", "plan_id", "revision", "ir_hash"),
        _fact("plan.approved", "a revision was approved", "plan_id", "ir_hash"),
        _fact("plan.rejected", "a proposal was turned down", "plan_id"),
        _fact("plan.archived", "a plan was ended", "plan_id"),
        _fact("plan.saved", "a revision is kept under a name", "plan_id", "revision", "ir_hash"),
        _fact("plan.unsaved", "a plan is kept under a name no more", "plan_id"),
        _fact("plan.refused", "a command came too late or named another hash", "plan_id", "code"),
        # a person's saved plans: their names are decided in one place
        _saved("saved.add", "give a plan a name of its own, or its name another revision"),
        _saved("saved.remove", "let go of a plan's name"),
        _fact("saved.added", "a plan has a name", "plan_id", "slug"),
        _fact("saved.removed", "a plan has no name any more", "plan_id"),
        # a run's own stream
        _run("plan.execute", "execute an approved revision", "plan_id", "ir_hash"),
        _run("plan.step.started", "a step with effects was claimed", "step"),
        _run("plan.step.completed", "a step's tool returned", "step", "output"),
        _run("plan.step.failed", "a step's attempt failed", "step", "error"),
        _run("plan.step.waiting", "a step asks a person", "step", "question"),
        _run("plan.step.unknown", "an effect was interrupted half way", "step"),
        _outside(
            _run("run.answer", "answer what a step asks", "step", "answer"),
            step="text",
            answer="any",
            index="count",
            iteration="count",
        ),
        _outside(_run("run.cancel", "stop a run")),
        _fact("run.started", "a run began", "run_id", "plan_id"),
        _fact("plan.step.expanded", "a for_each step has its items", "run_id", "step", "items"),
        _fact("plan.step.asked", "a step asks for permission", "run_id", "step", "question"),
        _fact("plan.step.skipped", "a step will not run", "run_id", "step"),
        _fact("plan.step.errored", "a step failed for good", "run_id", "step", "error"),
        _fact("plan.step.answered", "a person answered a step", "run_id", "step", "answer"),
        _fact("run.completed", "a run ended well", "run_id"),
        _fact("run.failed", "a run ended with an error", "run_id", "error"),
        _fact("run.cancelled", "a run was stopped", "run_id"),
        _fact("run.stalled", "a run's event could not be handled", "run_id", "error"),
        # work, in parallel
        EventType(
            "plan.step.execute",
            "work",
            required=("run_id", "step", "tool", "args", "attempt"),
            description="call a step's tool",
        ),
        EventType(
            "event.received",
            "work",
            required=("type", "data"),
            description="an outside event, matched against the triggers of its owner's plans",
        ),
        EventType(
            "notification.send",
            "work",
            required=("text",),
            description="deliver a message for the person to NOTIFY_URL, signed",
        ),
        # schedules
        _schedule("schedule.create", "set a schedule", "plan_id", "ir_hash", "trigger"),
        _schedule("schedule.due", "a schedule's due time has come", "due", "generation"),
        _outside(_schedule("schedule.pause", "pause a schedule")),
        _outside(_schedule("schedule.resume", "resume a schedule")),
        _outside(_schedule("schedule.delete", "end a schedule")),
        _fact("schedule.created", "a schedule was set", "schedule_id"),
        _fact("schedule.fired", "a schedule started a run", "schedule_id", "due"),
        _fact("schedule.missed", "a due time passed while nobody was up", "schedule_id", "due"),
        _fact("schedule.paused", "a schedule was paused", "schedule_id"),
        _fact("schedule.resumed", "a schedule was resumed", "schedule_id"),
        _fact("schedule.deleted", "a schedule was ended", "schedule_id"),
        # a chat thread
        EventType(
            "thread.updated",
            "stream",
            "thread",
            "thread_id",
            required=("thread_id",),
            description="a plan or run of this thread has news",
        ),
        EventType(
            "user.message",
            "stream",
            "thread",
            "thread_id",
            required=("thread_id", "text"),
            description="a message for the person",
        ),
        _fact(
            "thread.drawn", "a process has an open thread, or drew in it", "thread_id", "process"
        ),
        # anywhere
        _fact("event.denied", "an event was refused", "type", "code"),
        _fact("event.ignored", "an event no longer applied", "type"),
    )
}
