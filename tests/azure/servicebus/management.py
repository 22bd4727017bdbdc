"""The operations of `…/$management`: a map asks, a map answers; None is "nothing there"."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from tests.azure.amqp.frames import ACCEPTED, MODIFIED, REJECTED
from tests.azure.amqp.message import decoded
from tests.azure.amqp.types import Array, Described, ULong
from tests.azure.servicebus import errors
from tests.azure.servicebus.entries import stamp
from tests.azure.servicebus.namespace import Namespace
from tests.azure.servicebus.queues import Queue
from tests.azure.servicebus.receiving import settle
from tests.azure.servicebus.sending import due_of, refusal

Operation = Callable[[Namespace, Queue, Mapping[str, Any]], dict[str, Any] | None]


def schedule(namespace: Namespace, queue: Queue, asked: Mapping[str, Any]) -> dict[str, Any]:
    refusal(namespace, queue)
    messages = [decoded(each["message"]) for each in asked["messages"]]
    for each, message in zip(asked["messages"], messages, strict=True):
        queue.check(message)
        if len(each["message"]) > queue.properties.max_message_bytes:
            raise errors.too_large(len(each["message"]), queue.properties.max_message_bytes)
        if due_of(message) is None:
            raise errors.invalid("A scheduled message has no time.")
    sequences = [queue.send(message, due_of(message)) for message in messages]
    return {"sequence-numbers": Array(sequences)}


def cancel(namespace: Namespace, queue: Queue, asked: Mapping[str, Any]) -> dict[str, Any]:
    for sequence in asked["sequence-numbers"]:
        queue.cancel(sequence)
    return {}


def renew_locks(namespace: Namespace, queue: Queue, asked: Mapping[str, Any]) -> dict[str, Any]:
    ends = [queue.locks.renew(token) for token in asked["lock-tokens"]]
    return {"expirations": Array(map(stamp, ends))}


def renew_session(namespace: Namespace, queue: Queue, asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"expiration": stamp(queue.sessions.renew(asked["session-id"]))}


def peek(namespace: Namespace, queue: Queue, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    first, most = asked["from-sequence-number"], asked["message-count"]
    found = queue.peek(first, most, asked.get("session-id"))
    return {"messages": [{"message": each.encoded()} for each in found]} if found else None


def receive(namespace: Namespace, queue: Queue, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Deferred messages, by their numbers."""
    session, locked = asked.get("session-id"), asked["receiver-settle-mode"] != 0
    if queue.properties.requires_session:
        queue.sessions.hold(session)
    found = []
    for sequence in asked["sequence-numbers"]:
        entry = queue.take_deferred(sequence, session, locked=locked)
        token = {"lock-token": entry.lock.token} if entry.lock else {}
        found.append({"message": entry.encoded(), **token})
    return {"messages": found}


def dispose(namespace: Namespace, queue: Queue, asked: Mapping[str, Any]) -> dict[str, Any]:
    outcomes = {
        "completed": Described(ULong(ACCEPTED), []),
        "abandoned": Described(ULong(MODIFIED), [True, False]),
        "defered": Described(ULong(MODIFIED), [True, True]),
        "suspended": Described(ULong(REJECTED), [_dead(asked)]),
    }
    if asked["disposition-status"] not in outcomes:
        raise errors.invalid(f"There is no disposition '{asked['disposition-status']}'.")
    for token in asked["lock-tokens"]:
        settle(namespace, queue, uuid.UUID(str(token)), outcomes[asked["disposition-status"]])
    return {}


def get_state(namespace: Namespace, queue: Queue, asked: Mapping[str, Any]) -> dict[str, Any]:
    queue.sessions.hold(asked["session-id"])
    return {"session-state": queue.sessions.states.get(asked["session-id"])}


def set_state(namespace: Namespace, queue: Queue, asked: Mapping[str, Any]) -> dict[str, Any]:
    queue.sessions.hold(asked["session-id"])
    if asked["session-state"] is None:
        queue.sessions.states.pop(asked["session-id"], None)
    else:
        queue.sessions.states[asked["session-id"]] = asked["session-state"]
    return {}


def _dead(asked: Mapping[str, Any]) -> Described:
    reason, description = asked.get("deadletter-reason"), asked.get("deadletter-description")
    info = {"DeadLetterReason": reason, "DeadLetterErrorDescription": description}
    return Described(ULong(0x1D), [None, None, info])


OPERATIONS: dict[str, Operation] = {
    "com.microsoft:schedule-message": schedule,
    "com.microsoft:cancel-scheduled-message": cancel,
    "com.microsoft:renew-lock": renew_locks,
    "com.microsoft:renew-session-lock": renew_session,
    "com.microsoft:peek-message": peek,
    "com.microsoft:receive-by-sequence-number": receive,
    "com.microsoft:update-disposition": dispose,
    "com.microsoft:get-session-state": get_state,
    "com.microsoft:set-session-state": set_state,
}
