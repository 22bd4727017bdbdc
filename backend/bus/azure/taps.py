"""Receivers of the SDK, each used by one task alone.

A receiver bears one call at a time: a wait for messages holds its connection for 0.2 s at a time, and
whoever completes a message meanwhile waits for it. So a tap breaks its wait off for anything else there
is to do. (The SDK's reads can be broken off: it does so itself at every time-out.)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusReceiver

from backend.bus.azure.handlers import TROUBLE, Background, cancel, shut, unavailable

T = TypeVar("T")

Arrived = Callable[["Tap", ServiceBusReceivedMessage], Awaitable[bool]]
Call = Callable[[ServiceBusReceiver], Awaitable[T]]

LISTEN_S = 30.0


class Tap:
    """Takes messages from a receiver, one after the other, to `arrived`, while `thirsty`; `left` are those
    that `arrived` did not take in, as the tap was closed. `dead`: it is one of messages that Service Bus
    gave up."""

    dead = False
    listen_s = LISTEN_S

    def __init__(
        self, arrived: Arrived, background: Background, thirsty: Callable[[Tap], bool]
    ) -> None:
        self.receiver: ServiceBusReceiver | None = None
        self.open = True
        self.unchecked = False  # whether what its last holder left half done may still come
        self.quiet_since = asyncio.get_running_loop().time()
        self.left: list[ServiceBusReceivedMessage] = []
        self._arrived = arrived
        self._background = background
        self._thirsty = thirsty
        self._calls: deque[Callable[[ServiceBusReceiver], Awaitable[None]]] = deque()
        self._nudged = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def locked_until(self) -> datetime | None:
        return None

    def start(self) -> None:
        self._task = self._background.start(self._run())

    def nudge(self) -> None:
        """Look again whether there is something to do."""
        self._nudged.set()

    async def call(self, call: Call[T]) -> T:
        """Use the receiver. Raises `Unavailable` when the service cannot be reached, or the tap's end
        came first; other errors are the SDK's."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def made(receiver: ServiceBusReceiver) -> None:
            try:
                result = await call(receiver)
            except (*TROUBLE, TimeoutError) as error:
                if not done.done():
                    done.set_exception(error)
            else:
                if not done.done():
                    done.set_result(result)

        if not self.open:
            raise unavailable(ConnectionError())
        self._calls.append(made)
        self.nudge()
        ended = asyncio.ensure_future(self._ended())
        try:
            await asyncio.wait((done, ended), return_when=asyncio.FIRST_COMPLETED)
            if not done.done():
                raise unavailable(ConnectionError())
            return done.result()
        finally:
            ended.cancel()
            done.cancel()

    async def close(self) -> None:
        """Give back what it has. Others may receive it when this returns, if the service answers."""
        self.open = False
        self.nudge()
        await self._ended()

    async def _ended(self) -> None:
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        while self.open:
            self._nudged.clear()
            await self._make_calls()
            if not self.open:
                break
            if self._thirsty(self):
                await self._listen(await self._opened())
            else:
                await self._nudged.wait()
        await self._make_calls()
        await self._hang_up()

    async def _make_calls(self) -> None:
        while self._calls:
            receiver = await self._opened()
            await self._calls.popleft()(receiver)

    async def _opened(self) -> ServiceBusReceiver:
        assert self.receiver is not None
        return self.receiver

    async def _listen(self, receiver: ServiceBusReceiver) -> bool:
        """Whether there was nothing, for as long as it listens."""
        receiving = asyncio.create_task(receiver.receive_messages(1, max_wait_time=self.listen_s))
        nudged = asyncio.create_task(self._nudged.wait())
        try:
            await asyncio.wait((receiving, nudged), return_when=asyncio.FIRST_COMPLETED)
        finally:
            nudged.cancel()
            await cancel(receiving)
        if receiving.cancelled():
            return False
        for message in receiving.result():
            if not await self._arrived(self, message):
                self.left.append(message)
            self.quiet_since = asyncio.get_running_loop().time()
        return not receiving.result()

    async def _hang_up(self) -> None:
        receiver, self.receiver = self.receiver, None
        if receiver is not None:
            await shut(receiver)
