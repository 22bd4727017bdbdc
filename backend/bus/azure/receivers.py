"""Taps of one stream, and of the work queue."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusReceiver

from backend.bus.azure.handlers import GOODBYE_S, TROUBLE, Background
from backend.bus.azure.taps import Arrived, Tap

log = structlog.get_logger()

BACKOFF_S = 0.5
START_S = 5.0


class SessionTap(Tap):
    """Of one stream, for as long as its session is locked for this process. Its end is final."""

    def __init__(
        self,
        receiver: ServiceBusReceiver,
        arrived: Arrived,
        background: Background,
        thirsty: Callable[[Tap], bool],
        lost: Callable[[Tap], None],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(arrived, background, thirsty)
        self.receiver = receiver
        self.unchecked = True
        self._lost = lost
        self._session = receiver.session
        until = self._session.locked_until_utc
        self.lock = max(until - clock(), timedelta(seconds=1)) if until else timedelta(minutes=1)

    @property
    def locked_until(self) -> datetime | None:
        return self._session.locked_until_utc

    async def renew(self) -> None:
        await self.call(lambda _: self._session.renew_lock())

    async def _run(self) -> None:
        try:
            await super()._run()
        except (*TROUBLE, TimeoutError) as error:
            log.info("session.lost", error=type(error).__name__)
            await self._hang_up()
        finally:
            self.open = False
            self._lost(self)


class WorkTap(Tap):
    """Of the work queue. Its receiver comes and goes: a message's lock is the queue's, and can be ended
    through another receiver than the one it came from."""

    def __init__(
        self,
        connect: Callable[[], ServiceBusReceiver],
        arrived: Arrived,
        background: Background,
        thirsty: Callable[[Tap], bool],
    ) -> None:
        super().__init__(arrived, background, thirsty)
        self._connect = connect

    async def pause(self, messages: Sequence[ServiceBusReceivedMessage] = ()) -> None:
        """Let others have these, and what was asked for ahead."""
        if self.open:
            await self.call(lambda _: self._give_back(messages))

    async def close(self, messages: Sequence[ServiceBusReceivedMessage] = ()) -> None:
        """Give these back, too. What was called before is done first."""
        self.left += messages
        await super().close()

    async def _run(self) -> None:
        while self.open:
            try:
                await super()._run()
            except (*TROUBLE, TimeoutError) as error:
                log.info("work.unreachable", error=type(error).__name__)
                await self._hang_up()
                await asyncio.sleep(BACKOFF_S)
            except Exception:  # noqa: BLE001 - without it no work would be received any more
                log.error("work.interrupted", error=traceback.format_exc())
                await asyncio.sleep(BACKOFF_S)
        with contextlib.suppress(*TROUBLE, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self._give_back(self.left)
        await self._hang_up()

    async def _give_back(self, messages: Sequence[ServiceBusReceivedMessage]) -> None:
        """Through a receiver that asked for nothing: one that did would get them itself, at once, and
        when it is closed then, they stay locked for their time."""
        await self._hang_up()
        if not messages:
            return
        receiver = await self._opened()
        for message in messages:
            with contextlib.suppress(*TROUBLE, TimeoutError):
                await receiver.abandon_message(message)
        await self._hang_up()

    async def _opened(self) -> ServiceBusReceiver:
        if self.receiver is None:
            self.receiver = self._connect()
            # Not with the first wait for messages, which may be broken off again and again.
            await self.receiver.__aenter__()
        return self.receiver


class DeadTap(WorkTap):
    """Of what Service Bus itself gave up in a queue: looked into now and then, until it is empty."""

    dead = True
    listen_s = 1.0

    def __init__(
        self,
        connect: Callable[[], ServiceBusReceiver],
        arrived: Arrived,
        background: Background,
        thirsty: Callable[[Tap], bool],
        wanted: Callable[[], bool],
        look_s: float,
    ) -> None:
        """A look each `look_s`, if it is `wanted` then; it goes on while there are messages."""
        super().__init__(connect, arrived, background, self._takes)
        self._has_room = thirsty
        self._wanted = wanted
        self._look_s = look_s
        # not while everything else starts
        self._next_look = asyncio.get_running_loop().time() + min(look_s, START_S)

    def look(self) -> None:
        """If it is time."""
        if self.receiver is None and self._is_time():
            self.nudge()

    def _is_time(self) -> bool:
        return asyncio.get_running_loop().time() >= self._next_look and self._wanted()

    def _takes(self, _: Tap) -> bool:
        return (self.receiver is not None or self._is_time()) and self._has_room(self)

    async def _opened(self) -> ServiceBusReceiver:
        self._next_look = asyncio.get_running_loop().time() + self._look_s
        return await super()._opened()

    async def _listen(self, receiver: ServiceBusReceiver) -> bool:
        empty = await super()._listen(receiver)
        if empty:
            await self._hang_up()
        return empty
