"""A namespace of Service Bus: its two queues, and what is wrong with them, in our words."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any

from backend.contracts.errors import LightningError, TooLarge, Unavailable

try:
    from azure.core.exceptions import AzureError, ClientAuthenticationError
    from azure.identity.aio import DefaultAzureCredential
    from azure.servicebus import NEXT_AVAILABLE_SESSION
    from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender
    from azure.servicebus.exceptions import (
        MessageSizeExceededError,
        MessagingEntityDisabledError,
        MessagingEntityNotFoundError,
        ServiceBusAuthenticationError,
        ServiceBusAuthorizationError,
        ServiceBusError,
        ServiceBusQuotaExceededError,
    )
except ImportError as error:
    raise LightningError(
        f"Service Bus needs a package that is not installed ({error.name}).",
        code="EXEC_EXTRA_MISSING",
        hint="pip install 'lightning[azure]'",
    ) from error

TROUBLE = (AzureError, OSError, ValueError)
"""What the SDK raises: its own errors, those of sockets, and of a handler that is shut already."""

ANSWER_S = 20.0
PREFETCH = 16
WORK_PREFETCH = 4


class Namespace:
    """`connection` is a connection string; without one, `host` (name.servicebus.windows.net) is used with
    the machine's or the person's own Azure identity. `queue` must require sessions, `work_queue` not.

    Errors: at start one `LightningError` that names the setting; never the key.
    """

    def __init__(
        self,
        *,
        connection: str = "",
        host: str = "",
        queue: str,
        work_queue: str = "",
        handler_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """`options` are those of the SDK's client, `handler_options` those of its senders and receivers."""
        self.queue = queue
        self.work_queue = work_queue or f"{queue}-work"
        self._connection = connection.strip()
        self._host = host.strip()
        self._options = options
        self._handler_options = dict(handler_options or {})
        self._identity: DefaultAzureCredential | None = None
        self._client: ServiceBusClient | None = None

    @property
    def setting(self) -> str:
        return "SERVICEBUS_CONNECTION" if self._connection else "SERVICEBUS_NAMESPACE"

    def open(self) -> None:
        """Makes the client, which connects when first used. Raises `LightningError` when the setting
        cannot be right."""
        options = {"retry_total": 0, "try_timeout": ANSWER_S, **self._options}
        try:
            if self._connection:
                self._client = ServiceBusClient.from_connection_string(self._connection, **options)
                return
            if not self._host:
                raise ValueError("it is empty")
            self._identity = DefaultAzureCredential()
            self._client = ServiceBusClient(self._host, self._identity, **options)
        except ValueError:
            raise LightningError(
                f"{self.setting} is not the address or connection string of a Service Bus namespace.",
                code="EXEC_SETTING_INVALID",
            ) from None

    async def verify(self) -> None:
        """Open both queues for sending and receiving, once."""
        checks = (self._can_send(q) for q in (self.queue, self.work_queue))
        results = await asyncio.gather(
            *checks, self._has_sessions(), self._can_work(), return_exceptions=True
        )
        for result in results:
            if isinstance(result, LightningError):
                raise result
            if isinstance(result, BaseException) and not isinstance(result, TROUBLE):
                raise result
        for result, queue in zip(results, (self.queue, self.work_queue) * 2, strict=True):
            if isinstance(result, Exception):
                raise self._explained(result, queue) from None

    async def close(self) -> None:
        client, self._client = self._client, None
        identity, self._identity = self._identity, None
        if client is not None:
            await client.close()
        if identity is not None:
            await identity.close()

    def sender(self, queue: str) -> ServiceBusSender:
        return self._opened.get_queue_sender(queue, **self._handler_options)

    def worker(self) -> ServiceBusReceiver:
        """Of the work queue. What it asks for ahead is little: it may be needed elsewhere."""
        return self._opened.get_queue_receiver(
            self.work_queue, prefetch_count=WORK_PREFETCH, **self._handler_options
        )

    def next_session(self, wait_s: float) -> ServiceBusReceiver:
        """Of whichever stream has messages and no receiver: opening it waits for one."""
        return self._opened.get_queue_receiver(
            self.queue,
            session_id=NEXT_AVAILABLE_SESSION,
            max_wait_time=wait_s,
            prefetch_count=PREFETCH,
            **self._handler_options,
        )

    @property
    def _opened(self) -> ServiceBusClient:
        if self._client is None:
            raise Unavailable("The bus is closed.")
        return self._client

    # --- checks -----------------------------------------------------------------------------------

    async def _can_send(self, queue: str) -> None:
        async with _opening(self.sender(queue)):
            pass

    async def _can_work(self) -> None:
        async with _opening(self.worker()):
            pass

    async def _has_sessions(self) -> None:
        """A receiver without a session is refused by a queue with sessions, and only by one."""
        receiver = self._opened.get_queue_receiver(self.queue, **self._handler_options)
        try:
            async with _opening(receiver):
                pass
        except ServiceBusError as error:
            if "session" not in str(error).lower():
                raise
            return
        raise LightningError(
            f"The queue {self.queue} (SERVICEBUS_QUEUE) has no sessions: streams would lose their order.",
            code="EXEC_SETTING_INVALID",
            hint="Make it anew with sessions required; a queue cannot be changed in this.",
        )

    def _explained(self, error: Exception, queue: str) -> LightningError:
        """The error's own words may hold the key; they are left."""
        if isinstance(error, MessagingEntityNotFoundError):
            said = f"Service Bus has no queue {queue} (SERVICEBUS_QUEUE)."
        elif isinstance(error, MessagingEntityDisabledError):
            said = f"The queue {queue} (SERVICEBUS_QUEUE) is disabled."
        elif isinstance(error, ServiceBusAuthorizationError):
            said = f"{self.setting} may not both send to and receive from the queue {queue}."
        elif isinstance(error, ServiceBusAuthenticationError | ClientAuthenticationError):
            said = f"{self.setting}: Service Bus does not accept the key or the identity."
        elif isinstance(error, ServiceBusError) and "session" in str(error).lower():
            said = f"The queue {queue} (SERVICEBUS_QUEUE) has sessions: work would wait for nobody."
        elif isinstance(error, ValueError) and not isinstance(error, AzureError):
            said = f"{self.setting} is for another queue than {queue} (SERVICEBUS_QUEUE)."
        else:
            return Unavailable(f"{self.setting}: Service Bus does not answer.")
        return LightningError(said, code="EXEC_SETTING_INVALID")


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
    return Unavailable(
        f"Service Bus does not answer: {type(error).__name__}.",
        code="EXEC_SERVICEBUS_UNAVAILABLE",
    )


@contextlib.asynccontextmanager
async def _opening(handler: ServiceBusSender | ServiceBusReceiver) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(ANSWER_S):
            await handler.__aenter__()
        yield
    except TimeoutError:
        raise ServiceBusError("It does not answer in time.") from None
    finally:
        await shut(handler)


async def shut(handler: ServiceBusSender | ServiceBusReceiver) -> None:
    """Closing says good-bye to a service that may be gone: then nothing is left to do."""
    with contextlib.suppress(*TROUBLE, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
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
