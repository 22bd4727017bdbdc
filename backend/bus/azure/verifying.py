"""What is wrong with a namespace's settings, in one message for whoever set it up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from azure.core.exceptions import AzureError
from azure.servicebus.aio import ServiceBusReceiver, ServiceBusSender
from azure.servicebus.exceptions import (
    MessagingEntityDisabledError,
    MessagingEntityNotFoundError,
    ServiceBusAuthorizationError,
    ServiceBusError,
)

from backend.bus.azure.handlers import TROUBLE, is_unknown, shut
from backend.bus.azure.namespace import ANSWER_S, Namespace
from backend.contracts.errors import LightningError, Unavailable


async def verify(namespace: Namespace) -> None:
    """Open both queues for sending and receiving, once. Raises `LightningError`, `Unavailable` when nobody
    answers."""
    queues = namespace.queues
    results = await asyncio.gather(
        *(_can_open(partial(namespace.sender, queue)) for queue in queues),
        _has_sessions(namespace),
        _can_open(namespace.worker),
        return_exceptions=True,
    )
    for result in results:
        known = isinstance(result, TROUBLE) and not isinstance(result, LightningError)
        if isinstance(result, BaseException) and not known:
            raise result
    for result, queue in zip(results, queues * 2, strict=True):
        if isinstance(result, Exception):
            raise _explained(result, namespace.setting, queue) from None


async def _can_open(made: Callable[[], ServiceBusSender | ServiceBusReceiver]) -> None:
    handler = made()
    try:
        async with asyncio.timeout(ANSWER_S):
            await handler.__aenter__()
    except TimeoutError:
        raise ServiceBusError("It does not answer in time.") from None
    finally:
        await shut(handler)


async def _has_sessions(namespace: Namespace) -> None:
    """A receiver without a session is refused by a queue with sessions, and only by one."""
    try:
        await _can_open(partial(namespace.plain, namespace.queue))
    except ServiceBusError as error:
        if "session" not in str(error).lower():
            raise
        return
    raise LightningError(
        f"The queue {namespace.queue} (SERVICEBUS_QUEUE) has no sessions: streams would lose their order.",
        code="EXEC_SETTING_INVALID",
        hint="Make it anew with sessions required; a queue cannot be changed in this.",
    )


def _explained(error: Exception, setting: str, queue: str) -> LightningError:
    """The error's own words may hold the key; they are left."""
    if isinstance(error, MessagingEntityNotFoundError):
        said = f"Service Bus has no queue {queue} (SERVICEBUS_QUEUE)."
    elif isinstance(error, MessagingEntityDisabledError):
        said = f"The queue {queue} (SERVICEBUS_QUEUE) is disabled."
    elif isinstance(error, ServiceBusAuthorizationError):
        said = f"{setting} may not both send to and receive from the queue {queue}."
    elif is_unknown(error):
        said = f"{setting}: Service Bus does not accept the key or the identity."
    elif isinstance(error, ServiceBusError) and "session" in str(error).lower():
        said = f"The queue {queue} (SERVICEBUS_QUEUE) has sessions: work would wait for nobody."
    elif isinstance(error, ValueError) and not isinstance(error, AzureError):
        said = f"{setting} is for another queue than {queue} (SERVICEBUS_QUEUE)."
    else:
        return Unavailable(f"{setting}: Service Bus does not answer.")
    return LightningError(said, code="EXEC_SETTING_INVALID")
