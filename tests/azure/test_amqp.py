"""The broker's AMQP, by raw bytes: what a client of good manners never sends."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import pytest
from azure.servicebus._pyamqp._decode import _DECODE_BY_CONSTRUCTOR
from hypothesis import given
from hypothesis import strategies as st

from tests.azure.amqp.frames import (
    EMPTY,
    HEADER,
    SASL_HEADER,
    Attach,
    Begin,
    Close,
    Detach,
    Flow,
    Open,
    Performative,
    Transfer,
    frame,
    parsed,
)
from tests.azure.amqp.message import Message, decoded, of_value
from tests.azure.amqp.types import (
    Array,
    Described,
    Float,
    Int,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
    decode,
    encode,
)
from tests.azure.servicebus.double import ServiceBus

Kind = TypeVar("Kind", bound=Performative)


def terminus(code: int, address: str) -> Described:
    return Described(ULong(code), [address])


def attach(handle: int, address: str, *, receives: bool) -> Attach:
    source, target = terminus(0x28, address), terminus(0x29, address)
    return Attach(f"link-{handle}", handle, receives, 0, 1, source, target)


class Wire:
    """A connection on which anything can be said."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    def say(self, *performatives: Performative, channel: int = 0, payload: bytes = b"") -> None:
        for each in performatives:
            self.write(frame(channel, each, payload))

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def frame(self) -> bytes:
        head = await self.reader.readexactly(8)
        return await self.reader.readexactly(int.from_bytes(head[:4], "big") - 8)

    async def hear(self, kind: type[Kind]) -> Kind:
        """The next of that kind; others are passed over."""
        while True:
            body = await self.frame()
            heard = parsed(body)[0] if body else None
            if isinstance(heard, kind):
                return heard

    async def ended(self) -> bool:
        """Whether the other side has hung up, after whatever else it says."""
        await self.reader.read()
        return self.reader.at_eof()

    async def close(self) -> None:
        self._writer.close()


@pytest.fixture
async def wire(service_bus: ServiceBus) -> AsyncIterator[Wire]:
    wire = Wire(*await asyncio.open_connection("127.0.0.1", service_bus.port))
    yield wire
    await wire.close()


@pytest.fixture
async def session(wire: Wire) -> Wire:
    wire.write(HEADER)
    wire.say(Open("me", max_frame_size=65536), Begin(None, 0, 100, 100))
    assert await wire.reader.readexactly(8) == HEADER
    await wire.hear(Begin)
    return wire


def error(performative: Any) -> str:
    condition: str = performative.error.value[0]
    return condition


async def test_another_protocol_is_answered_with_ours_and_hung_up_on(wire: Wire) -> None:
    wire.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await wire.reader.readexactly(8) == HEADER
    assert await wire.ended()


async def test_a_sasl_mechanism_nobody_offered_is_refused(wire: Wire) -> None:
    wire.write(SASL_HEADER)
    assert await wire.reader.readexactly(8) == SASL_HEADER
    assert b"MSSBCBS" in await wire.frame()
    init = encode(Described(ULong(0x41), [Symbol("MAGIC"), None, None]))
    wire.write((len(init) + 8).to_bytes(4, "big") + b"\x02\x01\x00\x00" + init)
    outcome, _ = parsed(await wire.frame())
    assert outcome.outcome == 1  # type: ignore[attr-defined]
    assert await wire.ended()


@pytest.mark.parametrize(
    ("data", "condition"),
    [
        (b"\xff\xff\xff\xff\x02\x00\x00\x00", "amqp:connection:framing-error"),
        (b"\x00\x00\x00\x0a\x02\x00\x00\x00\x00\x53", "amqp:decode-error"),
        (frame(7, Flow(0, 1, 0, 1)), "amqp:not-found"),
        (frame(0, Transfer(9, 0, b"t"), b"x"), "amqp:session:unattached-handle"),
        (frame(0, Detach(9, True)), "amqp:session:unattached-handle"),
        (2 * frame(0, attach(3, "$cbs", receives=True)), "amqp:session:handle-in-use"),
    ],
    ids=["huge", "cut off", "no session", "no link to send to", "no link to detach", "link again"],
)
async def test_a_frame_that_is_not_right_closes_the_connection_with_its_reason(
    session: Wire, data: bytes, condition: str
) -> None:
    session.write(data)
    assert error(await session.hear(Close)) == condition
    assert await session.ended()


@pytest.mark.parametrize("receives", [True, False])
async def test_without_a_claim_no_link_is_attached(
    service_bus: ServiceBus, session: Wire, name: str, receives: bool
) -> None:
    await service_bus.create(name)
    session.say(attach(0, name, receives=receives), attach(1, f"{name}/$management", receives=True))
    for _ in range(2):
        assert (await session.hear(Attach)).source is None
        assert error(await session.hear(Detach)) == "amqp:unauthorized-access"


async def test_a_refused_token_gives_no_claim(session: Wire) -> None:
    session.say(attach(0, "$cbs", receives=True), attach(1, "$cbs", receives=False))
    await session.hear(Flow)
    session.say(Flow(1, 100, 0, 100, 0, 0, 10))
    said = {"operation": "put-token", "type": "jwt", "name": "sb://x/orders"}
    request = Message(application=said, body=of_value("SharedAccessSignature sr=x&sig=y"))
    request.properties[0] = asked = uuid.uuid4()
    session.say(Transfer(1, 0, b"t", 0, True), payload=request.encoded())
    while True:
        heard, payload = parsed(await session.frame())
        if isinstance(heard, Transfer):
            break
    answer = decoded(payload)
    assert (answer.properties[5], answer.application["status-code"]) == (asked, 401)


async def test_credit_that_is_drained_is_given_back(session: Wire) -> None:
    session.say(attach(0, "$cbs", receives=True), Flow(1, 100, 0, 100, 0, 0, 5, None, True))
    flow = await session.hear(Flow)
    assert (flow.delivery_count, flow.link_credit, flow.drain) == (5, 0, True)


async def test_an_idle_client_is_sent_empty_frames(wire: Wire) -> None:
    wire.write(HEADER)
    wire.say(Open("me", max_frame_size=65536, idle_time_out=20))
    await wire.reader.readexactly(8)
    await wire.hear(Open)
    assert await wire.reader.readexactly(8) == EMPTY


@pytest.mark.parametrize("end", ["its standard input is closed", "SIGTERM"])
def test_the_broker_ends_with_who_started_it(end: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.azure.servicebus"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout and process.stdout.readline()
        if end == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
        assert process.wait(timeout=60) == 0


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=300),
    st.binary(max_size=300),
    st.uuids(),
    st.integers(0, 255).map(UByte),
    st.integers(0, 2**16 - 1).map(UShort),
    st.integers(0, 2**32 - 1).map(UInt),
    st.integers(0, 2**64 - 1).map(ULong),
    st.integers(-(2**31), 2**31 - 1).map(Int),
    st.integers(0, 2**40).map(Timestamp),
    st.floats(width=32, allow_nan=False).map(Float),
    st.text("abc:-", max_size=300).map(Symbol),
    st.lists(st.uuids(), min_size=1, max_size=20).map(Array),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value: object) -> None:
    data = encode(value)
    read, end = decode(data)
    assert (read, type(read), end) == (value, type(value), len(data))


@given(VALUES)
def test_a_value_is_what_the_sdk_reads(value: object) -> None:
    data = memoryview(encode(value))
    rest, read = _DECODE_BY_CONSTRUCTOR[data[0]](data[1:])
    assert not rest
    assert _bytes(read) == _bytes(value)


def _bytes(value: Any) -> Any:
    """The SDK reads strings and symbols as bytes."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return [_bytes(each) for each in value]
    if isinstance(value, dict):
        return {_bytes(key): _bytes(each) for key, each in value.items()}
    return value
