"""A connection of the broker's side, from the protocol header to CLOSE."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Protocol

from tests.azure.amqp.frames import (
    EMPTY,
    HEADER,
    SASL_HEADER,
    AmqpError,
    Begin,
    Close,
    End,
    Open,
    Performative,
    SaslMechanisms,
    SaslOutcome,
    frame,
    parsed,
)
from tests.azure.amqp.links import Link, Session
from tests.azure.amqp.types import Array, DecodeError, Symbol

MAX_FRAME_SIZE = 65536
FRAMING = 512
MECHANISMS = ("MSSBCBS", "ANONYMOUS", "EXTERNAL")


class Peer(Protocol):
    """Who serves a connection: told of each frame, of each link that asks to be attached (to be
    accepted or refused, now or later), and of the end."""

    def frame(self) -> None: ...

    def attach(self, link: Link) -> None: ...

    def closed(self) -> None: ...


class Connection:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: Callable[[Connection], Peer],
        *,
        sasl: bool = False,
    ) -> None:
        """`sasl`: whether a client must go through it first."""
        self.payload_size = MAX_FRAME_SIZE - FRAMING
        self._reader = reader
        self._writer = writer
        self._sasl = sasl
        self._sessions: dict[int, Session] = {}
        self._heartbeat: asyncio.TimerHandle | None = None
        self.peer = peer(self)

    async def run(self) -> None:
        """Serve until either side ends it."""
        try:
            await self._greet()
            await self._serve()
        except (AmqpError, DecodeError) as error:
            condition = error.condition if isinstance(error, AmqpError) else "amqp:decode-error"
            self.send(0, Close(AmqpError(condition, str(error)).wire))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went without a word, or was dropped
        finally:
            self._end()

    def send(self, channel: int, performative: Performative, payload: bytes = b"") -> None:
        if not self._writer.is_closing():
            self._writer.write(frame(channel, performative, payload))

    def links(self) -> list[Link]:
        return [link for session in self._sessions.values() for link in session.links.values()]

    def drop(self) -> None:
        """Break off without a word."""
        self._writer.transport.abort()

    async def _greet(self) -> None:
        header = await self._reader.readexactly(8)
        if header == SASL_HEADER:
            self._writer.write(SASL_HEADER)
            offer = SaslMechanisms(Array(map(Symbol, MECHANISMS)))
            self._writer.write(frame(0, offer, sasl=True))
            (init, _), _ = await self._frame()
            known = getattr(init, "mechanism", None) in MECHANISMS
            self._writer.write(frame(0, SaslOutcome(0 if known else 1), sasl=True))
            header = await self._reader.readexactly(8) if known else b""
        elif self._sasl:
            header = b""
        self._writer.write(HEADER if header == HEADER else SASL_HEADER if self._sasl else HEADER)
        if header != HEADER:
            raise ConnectionError("not the header that was expected")

    async def _serve(self) -> None:
        while not self._writer.is_closing():
            (performative, payload), channel = await self._frame()
            self.peer.frame()
            match performative:
                case _ if self._writer.is_closing() or performative is None:
                    continue
                case Open():
                    self._opened(performative)
                case Begin():
                    self._sessions[channel] = Session(self, channel, performative)
                case End():
                    self.send(channel, End())
                    session = self._sessions.pop(channel, None)
                    if session:
                        session.end()
                case Close():
                    self.send(0, Close())
                    return
                case _:
                    session = self._sessions.get(channel)
                    if session is None:
                        raise AmqpError("amqp:not-found", f"no session on channel {channel}")
                    session.dispatch(performative, payload)
            await self._writer.drain()

    async def _frame(self) -> tuple[tuple[Performative | None, bytes], int]:
        head = await self._reader.readexactly(8)
        size, offset = int.from_bytes(head[:4], "big"), 4 * head[4]
        if not 8 <= offset <= size <= MAX_FRAME_SIZE:
            raise AmqpError("amqp:connection:framing-error", f"a frame of {size} bytes")
        body = (await self._reader.readexactly(size - 8))[offset - 8 :]
        channel = int.from_bytes(head[6:], "big")
        return (parsed(body) if body else (None, b"")), channel

    def _opened(self, opened: Open) -> None:
        size = min(opened.max_frame_size or MAX_FRAME_SIZE, MAX_FRAME_SIZE)
        self.payload_size = size - FRAMING
        self.send(0, Open(str(uuid.uuid4()), None, MAX_FRAME_SIZE, 4999, 240_000))
        if opened.idle_time_out:
            self._beat(opened.idle_time_out / 2000)

    def _beat(self, every_s: float) -> None:
        if not self._writer.is_closing():
            self._writer.write(EMPTY)
            self._heartbeat = asyncio.get_running_loop().call_later(every_s, self._beat, every_s)

    def _end(self) -> None:
        if self._heartbeat:
            self._heartbeat.cancel()
        for session in self._sessions.values():
            session.end()
        self.peer.closed()
        self._writer.close()
