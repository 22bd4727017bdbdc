"""A queue's properties, and a message in it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Literal

from tests.azure.amqp.message import GROUP_ID, Message
from tests.azure.amqp.types import Int, Symbol, Timestamp, UInt

STATES = {"active": 0, "deferred": 1, "scheduled": 2}


LARGEST = {"lock_duration": 300, "duplicate_window": 7 * 86400, "max_delivery_count": 2000}


@dataclass(frozen=True)
class Properties:
    """As in Azure, with its defaults; times in seconds. `lock_duration` is of messages and of
    sessions; without a `duplicate_window` duplicates are not detected."""

    name: str
    requires_session: bool = False
    lock_duration: float = 60.0
    max_delivery_count: int = 10
    duplicate_window: float | None = None
    default_ttl: float | None = None
    dead_letter_expired: bool = False
    max_message_bytes: int = 256 * 1024
    disabled: bool = False

    def __post_init__(self) -> None:
        """Not more than Azure gives; less is allowed, so that a test need not wait."""
        for field, most in LARGEST.items():
            if (getattr(self, field) or 0) > most:
                raise ValueError(f"{field} of '{self.name}' is more than {most}")


@dataclass
class Lock:
    """With a `session` it lasts as long as that session's lock, else until `until`."""

    token: uuid.UUID
    until: float
    session: str | None = None


@dataclass
class Entry:
    """A message in a queue. `deliveries` counts those that failed."""

    sequence: int
    message: Message
    enqueued: float
    state: Literal["active", "deferred", "scheduled"] = "active"
    due: float | None = None
    expires: float | None = None
    deliveries: int = 0
    lock: Lock | None = None
    source: str | None = None

    @property
    def session(self) -> str | None:
        value: str | None = self.message.properties[GROUP_ID]
        return value

    def encoded(self) -> bytes:
        """As it is delivered or peeked."""
        said: dict[str, object] = {
            "x-opt-sequence-number": self.sequence,
            "x-opt-enqueued-time": stamp(self.enqueued),
            "x-opt-message-state": Int(STATES[self.state]),
        }
        if self.lock:
            said["x-opt-locked-until"] = stamp(self.lock.until)
        if self.due is not None:
            said["x-opt-scheduled-enqueue-time"] = stamp(self.due)
        if self.source:
            said["x-opt-deadletter-source"] = self.source
        annotations = self.message.annotations | {Symbol(k): v for k, v in said.items()}
        header = [*self.message.header[:4], UInt(self.deliveries)]
        return replace(self.message, header=header, annotations=annotations).encoded()


def stamp(seconds: float) -> Timestamp:
    return Timestamp(round(seconds * 1000))
