"""The SDK's senders and receivers: what they raise, how they are closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.servicebus.aio import ServiceBusReceiver, ServiceBusSender
from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusQuotaExceededError,
)

from backend.contracts.errors import LightningError, TooLarge, Unavailable

TROUBLE = (AzureError, OSError, ValueError)
"""What the SDK raises: its own errors, those of sockets, and of a handler that is shut already."""

GOODBYE_S = 20.0


def is_unknown(error: BaseException) -> bool:
    """Whether Service Bus does not accept who asks, or no identity could be found to ask as: the SDK
    packs that into an error of any kind."""
    inner = getattr(error, "inner_exception", None)
    known = (ServiceBusAuthenticationError, ClientAuthenticationError)
    return isinstance(error, known) or isinstance(inner, ClientAuthenticationError)


def unavailable(error: Exception) -> LightningError:
    """What an error at run time means to a caller."""
    if isinstance(error, MessageSizeExceededError):
        return TooLarge("That is more than a message of Service Bus can hold.")
    if isinstance(error, ServiceBusQuotaExceededError):
        return Unavailable(
            "The queue in Service Bus is full.",
            code="EXEC_SERVICEBUS_FULL",
            hint="See its dead letters, or raise its size.",
        )
    if is_unknown(error) or isinstance(error, ServiceBusAuthorizationError):
        return Unavailable(
            "Service Bus no longer accepts the key or the identity.",
            code="EXEC_SERVICEBUS_REFUSED",
            hint="See the roles of the identity, or the key in SERVICEBUS_CONNECTION.",
        )
    return Unavailable(
        f"Service Bus does not answer: {type(error).__name__}.",
        code="EXEC_SERVICEBUS_UNAVAILABLE",
    )


async def shut(handler: ServiceBusSender | ServiceBusReceiver) -> None:
    """Closing says good-bye to a service that may be gone: then nothing is left to do."""
    with contextlib.suppress(*TROUBLE, TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            await handler.close()


async def cancel(task: asyncio.Task[Any]) -> None:
    """Until it has ended: on Python 3.11 the SDK's waits for a frame swallow a cancellation that comes
    together with the frame."""
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=0.05)


async def break_off(opening: asyncio.Task[Any], receiver: ServiceBusReceiver) -> None:
    """Cancel the opening of a receiver. The SDK loses a connection that has no session yet."""
    connection = getattr(receiver._handler, "_connection", None)
    await cancel(opening)
    await shut(receiver)
    if connection is not None:
        with contextlib.suppress(*TROUBLE, TimeoutError):
            await connection.close()


class Background:
    """Tasks nobody waits for but the end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def ended(self, patience_s: float) -> None:
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=patience_s)
            for task in late:
                task.cancel()
