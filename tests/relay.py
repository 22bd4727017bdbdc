"""A wire that breaks at a chosen moment: a relay between a client and a server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Literal, Self

Fault = Literal["before", "after"]


class Relay:
    """Passes everything on to `port`. `cut("before", b"COMMIT;")` breaks the connection that is next to
    send this, before it gets through; "after": once it got through, before the answer does."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._fault: tuple[Fault, bytes] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0
        self.asked: list[
            list[bytes]
        ] = []  # by each connection, in bursts: a client waits between them
        self.was_cut = asyncio.Event()
        self.open = True

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self, fault: Fault, on: bytes) -> None:
        self._fault = (fault, on)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if not self.open:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        try:
            with contextlib.suppress(OSError):
                await self._carry(reader, writer, there, back)
        finally:
            for end in (writer, back):
                end.transport.abort()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        back: asyncio.StreamWriter,
    ) -> None:
        answers = asyncio.create_task(_pass_on(there, writer))
        asked: list[bytes] = []
        self.asked.append(asked)
        try:
            while data := await reader.read(65536):
                asked.append(data)
                fault = self._fault[0] if self._fault and self._fault[1] in data else None
                if fault:
                    self._fault = None
                    self.cuts += 1
                    self.was_cut.set()
                if fault == "before":
                    return
                if fault == "after":
                    answers.cancel()
                    await asyncio.wait([answers])
                back.write(data)
                await back.drain()
                if fault == "after":
                    await there.read(1)
                    return
        finally:
            answers.cancel()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
