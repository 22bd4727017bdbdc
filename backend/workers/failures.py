"""What a failure means for a message: tried again, and when; or given up, and why."""

from __future__ import annotations

from typing import Any

from backend.contracts.errors import LightningError, Unavailable
from backend.contracts.ports import Delivery

_ATTEMPTS = 5  # deliveries of one message before it is a dead letter


def is_lost(delivery: Delivery, error: Exception) -> bool:
    """Whether it was tried often enough. What is down may come back after any time."""
    if error is delivery.error:
        return True
    return delivery.attempt >= _ATTEMPTS and not isinstance(error, Unavailable)


def backoff_s(delivery: Delivery) -> float:
    return min(60.0, 2.0 ** min(delivery.attempt, 6))


def as_data(error: Exception) -> dict[str, Any]:
    if isinstance(error, LightningError):
        return {"code": error.code, "message": error.message, "hint": error.hint}
    return {"code": "EXEC_INTERNAL", "message": f"{type(error).__name__}: {error}"}
