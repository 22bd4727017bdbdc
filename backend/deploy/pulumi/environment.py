"""The settings that chat, API and workers get. Secrets are not among them."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from backend.deploy.pulumi.base import Base
from backend.deploy.pulumi.data import BLOBS, DATABASE, Data
from backend.deploy.pulumi.messaging import QUEUE, Messaging
from backend.deploy.pulumi.secrets import SECRET

Environment = Mapping[str, "str | pulumi.Output[str]"]


def environment(
    base: Base, bus: Messaging, data: Data, tasks: pulumi.Output[str], more: Mapping[str, str]
) -> Environment:
    """`more` are the stack's own, such as SMTP_HOST. Raises `ValueError` when one of them is secret."""
    if shown := SECRET & more.keys():
        raise ValueError(
            f"{', '.join(sorted(shown))} is secret: pulumi config set --secret lightning:{min(shown)}"
        )
    return {
        "DATA_DIR": "/tmp/lightning",
        # of the several identities a machine may have, which one SDKs take
        "AZURE_CLIENT_ID": base.identity.client_id,
        "SERVICEBUS_NAMESPACE": bus.namespace.name.apply(
            lambda name: f"{name}.servicebus.windows.net"
        ),
        "SERVICEBUS_QUEUE": QUEUE,
        "COSMOS_ENDPOINT": data.cosmos.name.apply(
            lambda name: f"https://{name}.documents.azure.com:443/"
        ),
        "COSMOS_DATABASE": DATABASE,
        "STORAGE_ACCOUNT_URL": data.storage.name.apply(
            lambda name: f"https://{name}.blob.core.windows.net"
        ),
        "STORAGE_CONTAINER": BLOBS,
        "ACI_RESOURCE_GROUP": tasks,
        "ACI_REGION": base.region,
        **more,
    }
