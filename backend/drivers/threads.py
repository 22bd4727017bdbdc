"""The messenger: what a chat thread is to be told, recorded in the thread's own stream."""

from __future__ import annotations

from collections.abc import Sequence

from backend.contracts.events import Event
from backend.contracts.ports import Commit
from backend.drivers.turn import Turn


class ThreadDecider:
    """Decides `thread:<id>`. Its state is the owner: whoever the first news were for. One that
    `notifies` has messages delivered outside as well, but for those that came from there."""

    prefix = "thread"
    keeps = str

    def __init__(self, *, notifies: bool = False) -> None:
        self._notifies = notifies

    async def open(self, stream: str, commits: Sequence[Commit], cause: Event | None) -> str | None:
        return commits[0].cause.user_id if commits else None

    def owner(self, state: str | None) -> str | None:
        return state

    def evolve(self, state: str | None, event: Event) -> str | None:
        return state or event.user_id

    def decide(self, state: str | None, turn: Turn) -> None:
        """Being recorded in order is all that a thread's news need."""
        cause = turn.cause
        if self._notifies and cause.type == "user.message" and "from" not in cause.data:
            turn.emit("notification.send", dict(cause.data))

    def project(self, before: str | None, after: str | None, turn: Turn) -> None:
        """The log is what the chat follows."""

    def closed(self, state: str | None) -> bool:
        return False

    def keep(self, state: str | None) -> str | None:
        return state

    async def recall(self, kept: str) -> str | None:
        return kept
