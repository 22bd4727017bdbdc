"""Deliveries to people at NOTIFY_URL: signed, and tried again until they are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
import structlog

from backend.contracts.errors import Retry, ToolError
from backend.contracts.events import Event
from backend.contracts.ports import Delivery
from backend.drivers.turn import Turn
from backend.security.webhooks import notify_key, signed
from backend.settings import Settings
from backend.tools.outgoing import Outgoing

log = structlog.get_logger()

ATTEMPTS = 12  # with the pauses between them, almost three hours
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 3600.0
_GONE = 410


class NotificationDriver:
    """Handles `notification.send`. Its event's id is the delivery's, for all attempts; what is not
    taken in the end becomes a dead letter."""

    handles: tuple[str, ...] = ("notification.send",)

    def __init__(self, http: Outgoing, settings: Settings, now: Callable[[], datetime]) -> None:
        self._http = http
        self._url = settings.notify_url
        self._key = notify_key(settings.jwt_signing_key)
        self._now = now

    async def handle(self, turn: Turn, delivery: Delivery) -> None:
        if not self._url:
            return  # it was taken out of the settings since
        try:
            await self.deliver(turn.cause.id, body_of(turn.cause))
        except ToolError as error:
            if not error.transient or delivery.attempt >= ATTEMPTS:
                raise
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (delivery.attempt - 1))
            log.info("notification.again", id=turn.cause.id, in_s=pause, error=error.message)
            raise Retry(pause, error.message) from error

    async def deliver(self, id: str, body: bytes) -> None:
        """Once. Raises `ToolError`, transient where trying again may help; `Invalid` for an address that
        is none."""
        headers = {
            "content-type": "application/json",
            **signed(self._key, id, self._now(), body),
        }
        try:
            answer = await self._http.request("POST", self._url, headers=headers, content=body)
        except ToolError as error:
            # Repeating is safe, the id is the same: also where the request may have arrived.
            lost = error.transient or error.unknown
            raise ToolError(
                error.message, code=error.code, hint="Look at NOTIFY_URL.", transient=lost
            ) from error
        if answer.method == "POST" and 200 <= answer.status < 300:
            return
        raise ToolError(
            f"NOTIFY_URL answered {answer.status}, and not to the POST: it leads elsewhere."
            if answer.method != "POST"
            else f"NOTIFY_URL answered {answer.status}.",
            code="EXEC_NOTIFY_REFUSED",
            hint="Look at NOTIFY_URL; any answer from 200 to 299 takes a delivery.",
            transient=answer.status != _GONE,
        )

    def failed(self, turn: Turn, error: Mapping[str, Any]) -> None:
        log.error(
            "notification.lost", id=turn.cause.id, **{k: error[k] for k in ("code", "message")}
        )


def body_of(event: Event) -> bytes:
    """The delivery's JSON: {"type", "timestamp", "data": {"userID", "text", "thread_id"?, "run_id"?}}."""
    names = ("text", "thread_id", "run_id")
    data = {name: event.data[name] for name in names if event.data.get(name)}
    return orjson.dumps(
        {
            "type": "user.message",
            "timestamp": event.timestamp.isoformat(),
            "data": {"userID": event.user_id, **data},
        }
    )
