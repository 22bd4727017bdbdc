"""Service Bus: the ordered queue with sessions, and the parallel one."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_azure_native import servicebus

from backend.deploy.pulumi.base import Base

QUEUE = "events"
WORK_QUEUE = f"{QUEUE}-work"


@dataclass(frozen=True, slots=True)
class Messaging:
    namespace: servicebus.Namespace
    queues: tuple[servicebus.Queue, ...]


def messaging(base: Base) -> Messaging:
    namespace = servicebus.Namespace(
        "servicebus",
        namespace_name=base.names.worldwide("bus"),
        resource_group_name=base.group.name,
        location=base.region,
        sku=servicebus.SBSkuArgs(
            name=base.stack.servicebus_sku,
            tier=base.stack.servicebus_sku,
            capacity=base.stack.servicebus_units,
        ),
        minimum_tls_version="1.2",
        disable_local_auth=True,
        tags=base.tags,
    )
    queues = [
        servicebus.Queue(
            name,
            queue_name=name,
            namespace_name=namespace.name,
            resource_group_name=base.group.name,
            requires_session=sessions,
            requires_duplicate_detection=True,
            duplicate_detection_history_time_window="PT2H",
            lock_duration="PT1M",
            # A worker gives up after five tries of its own. What only waits for a database that is away
            # must outlast the night.
            max_delivery_count=2000,
            dead_lettering_on_message_expiration=True,
            enable_partitioning=False,
            max_size_in_megabytes=base.stack.queue_mb,
        )
        for name, sessions in ((QUEUE, True), (WORK_QUEUE, False))
    ]
    return Messaging(namespace, tuple(queues))
