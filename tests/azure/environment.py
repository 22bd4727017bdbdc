"""What a Lightning is started with to run on the doubles of Azure, as a process of its own."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

from tests.azure.doubles import cosmos_connection, storage_connection
from tests.azure.servicebus.double import ServiceBus

LOCK_S = 5.0
"""The shortest that Azure takes: what a killed process had comes again soon."""


@contextlib.contextmanager
def on_doubles() -> Iterator[dict[str, str]]:
    """Queues, a database and a container of its own. So is the broker: nobody moves its clock."""
    queue = "events"
    with ServiceBus() as bus:
        for name, sessions in ((queue, True), (f"{queue}-work", False)):
            properties = {
                "name": name,
                "requires_session": sessions,
                "lock_duration": LOCK_S,
                "duplicate_window": 7200,
                "max_delivery_count": 2000,
            }
            bus.ask("POST", "/queues", properties)
        yield {
            "SERVICEBUS_CONNECTION": bus.connection_string,
            "SERVICEBUS_QUEUE": queue,
            "COSMOS_CONNECTION": cosmos_connection(),
            "COSMOS_DATABASE": f"test-{secrets.token_hex(8)}",
            "STORAGE_CONNECTION": storage_connection(),
            "STORAGE_CONTAINER": secrets.token_hex(8),
        }
