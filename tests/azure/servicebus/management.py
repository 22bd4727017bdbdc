"""The operations of `…/$management`: a map asks, a map answers; None is "nothing there"."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.azure.amqp.frames import ACCEPTED, MODIFIED, REJECTED
from tests.azure.amqp.message import decoded
from tests.azure.amqp.types import Array, Described, ULong
from tests.azure.servicebus import errors
from tests.azure.servicebus.entries import stamp
from tests.azure.servicebus.namespace import Namespace
from tests.azure.servicebus.queues import Queue
from tests.azure.servicebus.receiving import settle
from tests.azure.servicebus.sending import check_room, due_of


@dataclass(frozen=True)
class Request:
    """`link`: the name of the link that the request is about, its sender's own."""

    namespace: Namespace
    queue: Queue
    link: str | None
    body: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        if name not in self.body:
            raise errors.invalid(f"The request has no '{name}'.")
        return self.body[name]

    def holding(self) -> str | None:
        """The session it is about, which its sender must hold; None in a queue without."""
        if not self.queue.properties.requires_session:
            return None
        session: str = self["session-id"]
        if self.queue.sessions.hold(session).receiver.name != self.link:
            raise errors.session_lost(session)
        return session


Operation = Callable[[Request], dict[str, Any] | None]


def schedule(asked: Request) -> dict[str, Any]:
    queue = asked.queue
    check_room(asked.namespace, queue)
    messages = [decoded(each["message"]) for each in asked["messages"]]
    for each, message in zip(asked["messages"], messages, strict=True):
        queue.check(message)
        if len(each["message"]) > queue.properties.max_message_bytes:
            raise errors.too_large(len(each["message"]), queue.properties.max_message_bytes)
        if due_of(message) is None:
            raise errors.invalid("A scheduled message has no time.")
    return {"sequence-numbers": Array(queue.send(each, due_of(each)) for each in messages)}


def cancel(asked: Request) -> dict[str, Any]:
    for sequence in asked["sequence-numbers"]:
        asked.queue.cancel(sequence)
    return {}


def renew_locks(asked: Request) -> dict[str, Any]:
    ends = [asked.queue.locks.renew(token) for token in asked["lock-tokens"]]
    return {"expirations": Array(map(stamp, ends))}


def renew_session(asked: Request) -> dict[str, Any]:
    return {"expiration": stamp(asked.queue.sessions.renew(held(asked)))}


def peek(asked: Request) -> dict[str, Any] | None:
    first, most, session = "from-sequence-number", "message-count", asked.body.get("session-id")
    found = asked.queue.peek(asked[first], asked[most], session)
    return {"messages": [{"message": each.encoded()} for each in found]} if found else None


def receive(asked: Request) -> dict[str, Any]:
    """Deferred messages, by their numbers."""
    session, locked, found = asked.holding(), asked["receiver-settle-mode"] != 0, []
    for sequence in asked["sequence-numbers"]:
        entry = asked.queue.take_deferred(sequence, session, locked=locked)
        token = {"lock-token": entry.lock.token} if entry.lock else {}
        found.append({"message": entry.encoded(), **token})
    return {"messages": found}


def dispose(asked: Request) -> dict[str, Any]:
    outcomes = {
        "completed": Described(ULong(ACCEPTED), []),
        "abandoned": Described(ULong(MODIFIED), [True, False]),
        "defered": Described(ULong(MODIFIED), [True, True]),
        "suspended": Described(ULong(REJECTED), [_dead(asked.body)]),
    }
    if asked["disposition-status"] not in outcomes:
        raise errors.invalid(f"There is no disposition '{asked['disposition-status']}'.")
    asked.holding()
    for token in asked["lock-tokens"]:
        outcome = outcomes[asked["disposition-status"]]
        settle(asked.namespace, asked.queue, uuid.UUID(str(token)), outcome)
    return {}


def get_state(asked: Request) -> dict[str, Any]:
    return {"session-state": asked.queue.sessions.states.get(held(asked))}


def set_state(asked: Request) -> dict[str, Any]:
    session, state = held(asked), asked["session-state"]
    if state is None:
        asked.queue.sessions.states.pop(session, None)
    else:
        asked.queue.sessions.states[session] = state
    return {}


def held(asked: Request) -> str:
    """The session that the sender of the request holds; AmqpError when it holds none."""
    session = asked.holding()
    if session is None:
        raise errors.not_allowed("The entity has no sessions.")
    return session


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
