"""The bus on Azure: queues in Service Bus, the log in Cosmos DB. Needs `pip install 'lightning[azure]'`."""

from __future__ import annotations

from backend.contracts.errors import LightningError

try:
    import azure.identity
    import azure.servicebus  # noqa: F401
except ImportError as error:
    raise LightningError(
        f"Service Bus needs a package that is not installed ({error.name}).",
        code="EXEC_EXTRA_MISSING",
        hint="pip install 'lightning[azure]'",
    ) from error
