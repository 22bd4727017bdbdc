"""The SDK's senders and receivers for tests: opened together, closed behind the test's back.

For a whole module, with `let_go` after each test:

    async with Handlers.of(bus.connection_string) as handlers:
        sender, receiver = await handlers.both("orders")
        handlers.let_go()
"""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any, Self

from azure.servicebus import NEXT_AVAILABLE_SESSION
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender

# for pytest.mark.filterwarnings: the SDK closes no socket of a connection that broke (its
# `Connection._disconnect` returns early then), so the collector does, which Python warns of
LEAKS = ("ignore:unclosed:ResourceWarning", "ignore:loop is closed:ResourceWarning")

Handler = ServiceBusReceiver | ServiceBusSender


class Handlers:
    """Of one client, in one event loop."""

    def __init__(self, client: ServiceBusClient) -> None:
        self.client = client
        self._open: list[Handler] = []
        self._closing: set[asyncio.Task[None]] = set()

    @classmethod
    def of(cls, connection_string: str, *, retry_total: int = 0) -> Self:
        """Unless told otherwise the SDK tries nothing twice, so that a test sees what happened."""
        client = ServiceBusClient.from_connection_string(
            connection_string, retry_total=retry_total, retry_backoff_factor=0.01
        )
        return cls(client)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.let_go()
        await asyncio.gather(*self._closing)
        await self.client.close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    async def sender(self, queue: str) -> ServiceBusSender:
        sender = self.client.get_queue_sender(queue)
        self._open.append(sender)
        await sender.__aenter__()
        return sender

    async def receiver(self, queue: str, **options: Any) -> ServiceBusReceiver:
        receiver = self.client.get_queue_receiver(queue, **options)
        self._open.append(receiver)
        await receiver.__aenter__()
        return receiver

    async def any_session(self, queue: str, **options: Any) -> ServiceBusReceiver:
        return await self.receiver(queue, session_id=NEXT_AVAILABLE_SESSION, **options)

    async def both(self, queue: str, **options: Any) -> tuple[ServiceBusSender, ServiceBusReceiver]:
        return await asyncio.gather(self.sender(queue), self.receiver(queue, **options))

    def let_go(self) -> None:
        """Close what is open, without waiting for it."""
        self._closing |= {asyncio.create_task(each.close()) for each in self._open}
        self._open.clear()
