"""The stacks, as data, and the names of what is in one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

REGION = "centralindia"


@dataclass(frozen=True, slots=True)
class Stack:
    """`shared_ru` and `log_ru` are the most request units a second that autoscale may reach, for all
    containers but the log, and for the log; None is serverless. `chat` and `workers` are the fewest and
    the most replicas or instances. `servicebus_units` are for Premium: 1, 2, 4, 8 or 16."""

    name: str
    short: str
    shared_ru: int | None = None
    log_ru: int | None = None
    servicebus_sku: str = "Standard"
    servicebus_units: int | None = None
    queue_mb: int = 1024
    storage_sku: str = "Standard_LRS"
    chat: tuple[int, int] = (1, 1)
    chat_cpu: float = 0.5
    chat_memory: str = "1Gi"
    workers: tuple[int, int] = (0, 40)
    log_days: int = 30
    purge_protection: bool | None = None
    tags: dict[str, str] = field(default_factory=dict)


STACKS = {
    stack.name: stack
    for stack in (
        Stack("dev", "dev"),
        Stack("staging", "stg", shared_ru=1000, log_ru=1000, chat=(1, 2)),
        Stack(
            "production",
            "prd",
            shared_ru=4000,
            log_ru=10_000,
            queue_mb=5120,
            storage_sku="Standard_ZRS",
            chat=(2, 10),
            chat_cpu=1.0,
            chat_memory="2Gi",
            workers=(0, 100),
            log_days=90,
            purge_protection=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one stack in one subscription. Those that must be unique in the world end in digits made
    of both, so that nobody has to think of some."""

    stack: Stack
    subscription: str

    @property
    def suffix(self) -> str:
        return hashlib.sha256(f"{self.subscription}/{self.stack.name}".encode()).hexdigest()[:8]

    def plain(self, kind: str) -> str:
        """Unique within the resource group."""
        return f"lightning-{self.stack.short}-{kind}"

    def worldwide(self, kind: str) -> str:
        return f"ltng-{self.stack.short}-{kind}-{self.suffix}"

    def letters(self, kind: str) -> str:
        """Worldwide too, for what takes letters and digits alone."""
        return f"ltng{self.stack.short}{kind}{self.suffix}"
