"""Sending a command into its stream, and waiting until it is decided there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any

from backend.contracts.errors import (
    Conflict,
    Forbidden,
    LightningError,
    NotFound,
    Unavailable,
)
from backend.contracts.events import EVENT_TYPES, Event, new_id
from backend.contracts.ports import Bus, Commit, Output
from backend.contracts.security import Principal

_PATIENCE_S = 10.0
_AWAITED = frozenset(
    {"plan.execute", "schedule.create", "schedule.delete", "saved.add", "saved.remove"}
)
_ERRORS: dict[str, type[LightningError]] = {
    "EXEC_NOT_FOUND": NotFound,
    "EXEC_RUN_UNKNOWN": NotFound,
    # another owner's is answered like a missing one
    "EXEC_FORBIDDEN": NotFound,
    "EXEC_EVENT_INSIDE_ONLY": Forbidden,
}


class Commands:
    """Publishes commands as a person's own and returns the commit that answered them."""

    def __init__(self, bus: Bus, now: Callable[[], datetime]) -> None:
        self._bus = bus
        self._now = now

    def event(
        self,
        who: Principal,
        type: str,
        data: Mapping[str, Any],
        *,
        outside: bool,
        event_id: str | None = None,
        user_id: str | None = None,
        correlation_id: str | None = None,
    ) -> Event:
        """`correlation_id` is the first of the chain; None: this is the first."""
        return Event(
            event_id or new_id(),
            type,
            user_id or who.user_id,
            self._now(),
            data,
            category="input" if outside else "internal",
            source="api" if outside else "lightning",
            metadata={"acting": who.user_id} if user_id not in (None, who.user_id) else {},
            correlation_id=correlation_id or "",
        )

    async def send(self, event: Event) -> None:
        kind = EVENT_TYPES[event.type]
        await self._bus.publish([Output(event, kind.lane, kind.stream(event.data))])

    async def decide(self, event: Event, *, again: bool = False) -> Commit:
        """Send a command and return its commit, once the streams it starts have taken it up too (so
        that the run or schedule is there to be read). `again`: it may have been sent before. Raises
        what the stream refused it with, or `Unavailable` when nobody decides in time (the command
        then still stands)."""
        stream = EVENT_TYPES[event.type].stream(event.data)
        assert stream is not None
        before = None if again else await self._bus.head(stream)
        await self.send(event)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                commit = await self._answer(stream, before, event.id)
                for output in commit.outputs:
                    if output.type in _AWAITED:
                        started = EVENT_TYPES[output.type].stream(output.data)
                        await self._answer(str(started), None, output.id)
        except TimeoutError:
            raise Unavailable(
                "It is taken down, but no worker has answered yet.",
                code="EXEC_NO_WORKER",
                hint="Start a worker (lightning worker); nothing is lost.",
            ) from None
        _raise_refusal(commit)
        return commit

    async def _answer(self, stream: str, cursor: str | None, cause_id: str) -> Commit:
        async with aclosing(self._bus.follow({stream: cursor})) as feed:
            async for news in feed:
                for commit in news[stream].commits:
                    if cause_id in (commit.cause.id, commit.cause.causation_id):
                        return commit
        raise Unavailable("Lightning is shutting down.", code="EXEC_CLOSING")


def _raise_refusal(commit: Commit) -> None:
    for event in (commit.cause, *commit.outputs):
        if event.type in ("plan.refused", "event.denied", "run.stalled"):
            data = event.data.get("error") or event.data
            code = data.get("code", "EXEC_CONFLICT")
            reason = data.get("reason") or data.get("message") or "It was refused."
            raise _ERRORS.get(code, Conflict)(reason, code=code)
