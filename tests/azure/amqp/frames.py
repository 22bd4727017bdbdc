"""The frames of AMQP 1.0: the nine performatives, the three of SASL that a broker meets, and outcomes."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from tests.azure.amqp.types import (
    Described,
    Symbol,
    UByte,
    UInt,
    ULong,
    UShort,
    decode,
    encode,
)

HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
EMPTY = struct.pack(">IBBH", 8, 2, 0, 0)


class AmqpError(Exception):
    """What the broker tells its peer: an error condition and a sentence."""

    def __init__(self, condition: str, description: str) -> None:
        super().__init__(f"{condition}: {description}")
        self.condition = condition
        self.description = description

    @property
    def wire(self) -> Described:
        # the SDK reads the third field unasked, so it has to be there
        return Described(ULong(0x1D), [Symbol(self.condition), self.description, None])


def wire(kind: type | None = None) -> Any:
    return field(default=None, metadata={"wire": kind})


class Performative:
    """Fields in the order of the specification; None is left to its default."""

    code: ClassVar[int]

    def encoded(self) -> bytes:
        values = []
        for each in fields(self):  # type: ignore[arg-type]
            value, kind = getattr(self, each.name), each.metadata.get("wire")
            values.append(kind(value) if kind and value is not None else value)
        return encode(Described(ULong(self.code), values))


@dataclass
class Open(Performative):
    code = 0x10
    container_id: str = wire()
    hostname: str | None = wire()
    max_frame_size: int | None = wire(UInt)
    channel_max: int | None = wire(UShort)
    idle_time_out: int | None = wire(UInt)
    outgoing_locales: Any = None
    incoming_locales: Any = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: dict[str, Any] | None = None


@dataclass
class Begin(Performative):
    code = 0x11
    remote_channel: int | None = wire(UShort)
    next_outgoing_id: int = wire(UInt)
    incoming_window: int = wire(UInt)
    outgoing_window: int = wire(UInt)
    handle_max: int | None = wire(UInt)
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: dict[str, Any] | None = None


@dataclass
class Attach(Performative):
    code = 0x12
    name: str = wire()
    handle: int = wire(UInt)
    role: bool = wire()
    snd_settle_mode: int | None = wire(UByte)
    rcv_settle_mode: int | None = wire(UByte)
    source: Described | None = None
    target: Described | None = None
    unsettled: Any = None
    incomplete_unsettled: bool | None = None
    initial_delivery_count: int | None = wire(UInt)
    max_message_size: int | None = wire(ULong)
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: dict[str, Any] | None = None


@dataclass
class Flow(Performative):
    code = 0x13
    next_incoming_id: int | None = wire(UInt)
    incoming_window: int = wire(UInt)
    next_outgoing_id: int = wire(UInt)
    outgoing_window: int = wire(UInt)
    handle: int | None = wire(UInt)
    delivery_count: int | None = wire(UInt)
    link_credit: int | None = wire(UInt)
    available: int | None = wire(UInt)
    drain: bool | None = None
    echo: bool | None = None
    properties: dict[str, Any] | None = None


@dataclass
class Transfer(Performative):
    code = 0x14
    handle: int = wire(UInt)
    delivery_id: int | None = wire(UInt)
    delivery_tag: bytes | None = wire()
    message_format: int | None = wire(UInt)
    settled: bool | None = None
    more: bool | None = None
    rcv_settle_mode: int | None = wire(UByte)
    state: Any = None
    resume: bool | None = None
    aborted: bool | None = None
    batchable: bool | None = None


@dataclass
class Disposition(Performative):
    """`role` True: said by the receiver of the deliveries."""

    code = 0x15
    role: bool = wire()
    first: int = wire(UInt)
    last: int | None = wire(UInt)
    settled: bool | None = None
    state: Described | None = None
    batchable: bool | None = None


@dataclass
class Detach(Performative):
    code = 0x16
    handle: int = wire(UInt)
    closed: bool | None = None
    error: Described | None = None


@dataclass
class End(Performative):
    code = 0x17
    error: Described | None = None


@dataclass
class Close(Performative):
    code = 0x18
    error: Described | None = None


@dataclass
class SaslMechanisms(Performative):
    code = 0x40
    mechanisms: Any = None


@dataclass
class SaslInit(Performative):
    code = 0x41
    mechanism: str = wire()
    initial_response: bytes | None = wire()
    hostname: str | None = wire()


@dataclass
class SaslOutcome(Performative):
    code = 0x44
    outcome: int = wire(UByte)
    additional_data: bytes | None = wire()


KINDS: dict[int, type[Performative]] = {
    each.code: each
    for each in (
        *(Open, Begin, Attach, Flow, Transfer, Disposition, Detach, End, Close),
        *(SaslMechanisms, SaslInit, SaslOutcome),
    )
}

ACCEPTED, REJECTED, RELEASED, MODIFIED = 0x24, 0x25, 0x26, 0x27


def accepted() -> Described:
    return Described(ULong(ACCEPTED), [])


def rejected(error: AmqpError | None) -> Described:
    return Described(ULong(REJECTED), [error.wire if error else None])


def frame(
    channel: int, performative: Performative, payload: bytes = b"", *, sasl: bool = False
) -> bytes:
    body = performative.encoded() + payload
    return struct.pack(">IBBH", len(body) + 8, 2, 1 if sasl else 0, channel) + body


def parsed(body: bytes) -> tuple[Performative, bytes]:
    """A frame's performative, and the payload behind it."""
    value, end = decode(body)
    kind = KINDS.get(value.descriptor) if isinstance(value, Described) else None
    if kind is None:
        raise AmqpError("amqp:decode-error", "not a performative")
    return kind(*value.value), body[end:]
