"""Settings of a whole Lightning on the doubles, with queues and a database of its own."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.settings import Settings
from tests.azure.buses import PROPERTIES, ask, service_bus
from tests.azure.doubles import cosmos_connection, storage_connection
from tests.systems import settings_for


def azure_settings(folder: Path, queues: Mapping[str, Any] = PROPERTIES, **values: Any) -> Settings:
    """`queues` are the double's properties of both."""
    queue = f"q{secrets.token_hex(6)}"
    for name, sessions in ((queue, True), (f"{queue}-work", False)):
        ask("POST", "/queues", {"name": name, "requires_session": sessions, **queues})
    defaults = {
        "servicebus_connection": service_bus().connection_string,
        "servicebus_queue": queue,
        "cosmos_connection": cosmos_connection(),
        "cosmos_database": f"test-{queue}",
        "storage_connection": storage_connection(),
    }
    return settings_for(folder, **defaults | values)
