"""The SDK without its naps, for tests that open and close many handlers.

Opening, it sleeps 0.05 s after each frame of the handshake, though the next step waits for a frame
anyway; closing, it waits for a keep-alive task that sleeps 1 s at a time. Nothing else is touched: what
goes over the wire is the same, in the same order.
"""

from __future__ import annotations

import asyncio
from typing import Any

import azure.servicebus._pyamqp.aio._client_async as client
import azure.servicebus.aio._servicebus_receiver_async as receiver
import azure.servicebus.aio._servicebus_sender_async as sender
import pytest


class Hasty:
    """asyncio, but for how long it sleeps (seconds)."""

    def __init__(self, longest: float) -> None:
        self._longest = longest

    async def sleep(self, delay: float) -> None:
        await asyncio.sleep(min(delay, self._longest))

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


def hasten(patch: pytest.MonkeyPatch) -> None:
    for module, longest in ((sender, 0.0), (receiver, 0.0), (client, 0.05)):
        patch.setattr(module, "asyncio", Hasty(longest))
