"""A calm line in every open page while the backend does not answer; gone when it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from chainlit.session import WebsocketSession, ws_sessions_id

from backend.lightning.outages import Outages
from chat_app.rooms import derived, said, send
from chat_app.threads import stamp

EVERY_S = 0.5
CALM = (
    "Lightning's storage does not answer just now. Nothing is lost: what you approved goes on by itself, "
    "and what you write here is kept, and answered as soon as it is back. Please leave this page open."
)


class Outage:
    """Tells the pages; nothing of it is stored, there is nowhere to."""

    def __init__(self, outages: Outages, now: Callable[[], datetime]) -> None:
        self._outages = outages
        self._now = now
        self._told: dict[str, WebsocketSession] = {}

    async def run(self) -> None:
        """Look twice a second, until cancelled. Only what this process knows is looked at."""
        while True:
            if self._outages.recent():
                for session in list(ws_sessions_id.values()):
                    if session.id not in self._told and session.user is not None:
                        self._told[session.id] = session
                        await self._emit(session, "new_message")
            elif self._told:
                told, self._told = list(self._told.values()), {}
                for session in told:
                    await self._emit(session, "delete_message")
            await asyncio.sleep(EVERY_S)

    async def _emit(self, session: WebsocketSession, event: str) -> None:
        id = derived("outage", session.id)
        await send(session, event, said(session.thread_id, CALM, stamp(self._now()), id=id))
