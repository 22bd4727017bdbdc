"""A namespace of Service Bus and its two queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure.identity.aio import DefaultAzureCredential
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender

from backend.contracts.errors import LightningError, Unavailable

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
    def queues(self) -> tuple[str, str]:
        return self.queue, self.work_queue

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

    async def close(self) -> None:
        client, self._client = self._client, None
        identity, self._identity = self._identity, None
        if client is not None:
            await client.close()
        if identity is not None:
            await identity.close()

    def plain(self, queue: str, session: str | None = None) -> ServiceBusReceiver:
        return self._opened.get_queue_receiver(queue, session_id=session, **self._handler_options)

    def sender(self, queue: str) -> ServiceBusSender:
        return self._opened.get_queue_sender(queue, **self._handler_options)

    def worker(self) -> ServiceBusReceiver:
        """Of the work queue. What it asks for ahead is little: it may be needed elsewhere."""
        return self._opened.get_queue_receiver(
            self.work_queue, prefetch_count=WORK_PREFETCH, **self._handler_options
        )

    def dead_letters(self, queue: str) -> ServiceBusReceiver:
        """Of what Service Bus itself gave up in this queue; it is in no session there."""
        return self._opened.get_queue_receiver(
            queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER, **self._handler_options
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
