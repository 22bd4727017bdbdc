"""Acknowledging messages, as far as that can be."""

from __future__ import annotations

import asyncio
import contextlib

from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.exceptions import (
    MessageAlreadySettled,
    MessageLockLostError,
    SessionLockLostError,
)

from backend.bus.azure.handlers import TROUBLE
from backend.bus.azure.inbox import Held, Inbox
from backend.bus.azure.taps import Tap
from backend.contracts.errors import LightningError

PATIENCE_S = 5.0
LOST = (MessageLockLostError, SessionLockLostError, MessageAlreadySettled)


async def complete(inbox: Inbox, held: Held) -> None:
    """Acknowledge, if that can be: what was settled is so, and is found done if it comes again."""
    inbox.done(held)
    tap, message = held.source, held.message
    if isinstance(tap, Tap) and message is not None:
        with contextlib.suppress(*LOST, TimeoutError, LightningError):
            async with asyncio.timeout(PATIENCE_S):
                await _complete_patiently(tap, message)
        tap.nudge()


async def _complete_patiently(tap: Tap, message: ServiceBusReceivedMessage) -> None:
    while True:
        try:
            return await tap.call(lambda receiver: receiver.complete_message(message))
        except LOST:
            raise
        except TROUBLE:
            await asyncio.sleep(0.2)
