"""The system within a process of Azure Functions, opened by the first message and closed at exit."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, cast

import azure.functions as func

from backend.bootstrap import System, open_system
from backend.contracts.errors import LightningError
from backend.contracts.ports import Bus, Delivery
from backend.settings import load_settings
from backend.workers.hosted import Handler


class HostedBus(Protocol):
    """A bus whose messages a host may receive and complete in its stead."""

    async def delivery_of(
        self,
        body: bytes,
        *,
        message_id: str,
        session_id: str | None,
        delivery_count: int,
        given_up: str | None = None,
    ) -> Delivery | None: ...


def _system() -> AbstractAsyncContextManager[System]:
    return open_system(load_settings())


class Host:
    """One for a process. All messages share its system, however many are handled at a time."""

    def __init__(self, open: Callable[[], AbstractAsyncContextManager[System]] = _system) -> None:
        self._open = open
        self._opening = asyncio.Lock()
        self._closing = contextlib.AsyncExitStack()
        self._opened: tuple[HostedBus, Handler] | None = None

    async def handle(self, message: func.ServiceBusMessage) -> None:
        """Returns when the message may be completed; raises when it is to come again."""
        await self._handle(message, None)

    async def handle_dead(self, message: func.ServiceBusMessage) -> None:
        """The same with a message that Service Bus itself has given up."""
        said = message.dead_letter_reason, message.dead_letter_error_description
        await self._handle(message, ": ".join(filter(None, said)))

    async def _handle(self, message: func.ServiceBusMessage, given_up: str | None) -> None:
        bus, handler = await self._ready()
        delivery = await bus.delivery_of(
            message.get_body(),
            message_id=message.message_id,
            session_id=message.session_id,
            delivery_count=message.delivery_count or 1,
            given_up=given_up,
        )
        if delivery is not None:
            await handler.handle(delivery)

    async def close(self) -> None:
        self._opened = None
        await self._closing.aclose()

    async def _ready(self) -> tuple[HostedBus, Handler]:
        async with self._opening:
            if self._opened is None:
                self._opened = await self._start()
        return self._opened

    async def _start(self) -> tuple[HostedBus, Handler]:
        async with contextlib.AsyncExitStack() as stack:
            system = await stack.enter_async_context(self._open())
            bus = _hosted(system.lightning.bus)
            handler = Handler(system.lightning.bus, system.lightning.store, system.processor)
            self._closing = stack.pop_all()
        atexit.register(self._exit, asyncio.get_running_loop())
        return bus, handler

    def _exit(self, loop: asyncio.AbstractEventLoop) -> None:
        # Connections can only be closed on the loop they were opened on, if it can still run.
        if not loop.is_running() and not loop.is_closed():
            loop.run_until_complete(self.close())


def _hosted(bus: Bus) -> HostedBus:
    if not hasattr(bus, "delivery_of"):
        raise LightningError(
            "The functions need the bus on Azure.",
            code="EXEC_BUS_UNHOSTED",
            hint="Set SERVICEBUS_CONNECTION or SERVICEBUS_NAMESPACE, and those of Cosmos DB.",
        )
    return cast(HostedBus, bus)
