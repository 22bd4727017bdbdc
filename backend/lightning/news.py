"""What a piece of a thread's stream tells: of which plans and runs there is news, and what was said."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from backend.contracts.errors import NotFound
from backend.contracts.events import Event
from backend.contracts.ports import Commit
from backend.contracts.runs import ENDED_RUN
from backend.contracts.views import NEWEST_RUNS

_FULL = 500  # messages


class News:
    """`plans` and `runs` by id, in their order. Of the runs that came and went within this news, and that
    nobody started by hand, only the newest of each plan are read; `earlier` counts the others by plan and
    status. A run that another run called is of no interest once it has gone."""

    def __init__(self, owner: str) -> None:
        self.plans: dict[str, None] = {}
        self.runs: dict[str, None] = {}
        self.messages: list[Mapping[str, Any]] = []
        self.earlier: dict[str, dict[str, int]] = {}
        self._owner = owner
        self._open: dict[str, None] = {}
        self._gone: dict[str, deque[tuple[str, str]]] = {}

    def __bool__(self) -> bool:
        return bool(self.plans or self.messages or self.wanted())

    @property
    def full(self) -> bool:
        return len(self.messages) >= _FULL

    def wanted(self) -> list[str]:
        """The runs to be read."""
        gone = [run_id for runs in self._gone.values() for run_id, _ in runs]
        return list(dict.fromkeys([*self.runs, *gone, *self._open]))

    def take(self, commits: Sequence[Commit]) -> None:
        """Commits of the thread's stream. Raises `NotFound` when they are another owner's."""
        for commit in commits:
            if commit.verdict is not None and not commit.verdict.allowed:
                continue
            cause = commit.cause
            if cause.user_id != self._owner:
                raise NotFound("There is no such thread.")
            if cause.type == "user.message":
                at = cause.timestamp.isoformat()
                self.messages.append({**cause.data, "id": cause.id, "timestamp": at})
            if plan_id := cause.data.get("plan_id"):
                self.plans[plan_id] = None
            if cause.type == "thread.updated" and cause.data.get("run_id"):
                self._run(cause)

    def _run(self, updated: Event) -> None:
        data = updated.data
        run_id, plan_id, status = data["run_id"], data.get("plan_id"), data["status"]
        if data.get("begun"):
            self._open[run_id] = None
        if status not in ENDED_RUN:
            return
        if run_id not in self._open:
            self.runs[run_id] = None  # begun before, so that it may be shown somewhere
            return
        del self._open[run_id]
        if plan_id and data.get("fired"):
            self._count(plan_id, run_id, status)
        elif plan_id:
            self.runs[run_id] = None

    def _count(self, plan_id: str, run_id: str, status: str) -> None:
        newest = self._gone.setdefault(plan_id, deque())
        newest.append((run_id, status))
        if len(newest) > NEWEST_RUNS:
            _, status = newest.popleft()
            counts = self.earlier.setdefault(plan_id, {})
            counts[status] = counts.get(status, 0) + 1
