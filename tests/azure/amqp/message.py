"""An AMQP message by its sections. The body is kept as the bytes it came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.azure.amqp.types import Described, ULong, decode, encode

HEADER, DELIVERY, ANNOTATIONS, PROPERTIES, APPLICATION = range(0x70, 0x75)
DATA, VALUE = 0x75, 0x77
MESSAGE_ID, REPLY_TO, CORRELATION_ID, GROUP_ID = 0, 4, 5, 10


@dataclass
class Message:
    """`header`: durable, priority, ttl (ms), first-acquirer, delivery-count; `properties`: the
    thirteen of the specification, by the indexes above; `body`: its encoded sections."""

    header: list[Any] = field(default_factory=lambda: [None] * 5)
    annotations: dict[str, Any] = field(default_factory=dict)
    properties: list[Any] = field(default_factory=lambda: [None] * 13)
    application: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""

    @property
    def ttl_ms(self) -> int | None:
        value: int | None = self.header[2]
        return value

    def value(self) -> Any:
        """What is in the body, when it is an AmqpValue or one Data section."""
        return decode(self.body)[0].value

    def encoded(self) -> bytes:
        sections = [
            (HEADER, self.header if any(each is not None for each in self.header) else None),
            (ANNOTATIONS, self.annotations),
            (PROPERTIES, self.properties if any(e is not None for e in self.properties) else None),
            (APPLICATION, self.application),
        ]
        head = (encode(Described(ULong(code), value)) for code, value in sections if value)
        return b"".join(head) + self.body


def decoded(payload: bytes) -> Message:
    message, at = Message(), 0
    while at < len(payload):
        section, end = decode(payload, at)
        if section.descriptor == HEADER:
            message.header = _padded(section.value, 5)
        elif section.descriptor == ANNOTATIONS:
            message.annotations = section.value or {}
        elif section.descriptor == PROPERTIES:
            message.properties = _padded(section.value, 13)
        elif section.descriptor == APPLICATION:
            message.application = section.value or {}
        elif section.descriptor != DELIVERY:
            message.body += payload[at:end]
        at = end
    return message


def data_sections(payload: bytes) -> list[bytes]:
    """The contents of each Data section: how a batch carries its messages."""
    found, at = [], 0
    while at < len(payload):
        section, at = decode(payload, at)
        if section.descriptor == DATA:
            found.append(section.value)
    return found


def of_value(value: Any) -> bytes:
    return encode(Described(ULong(VALUE), value))


def _padded(values: list[Any], length: int) -> list[Any]:
    return list(values) + [None] * (length - len(values))
