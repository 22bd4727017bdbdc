"""Planners whose stages show, and those that only answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol, runtime_checkable

from agents.planner.selection import Selection
from backend.contracts.errors import Issue
from backend.contracts.ports import PlanAnswer, Planner, PlanRequest

# hears what is said to the person, as it is written
OnSaid = Callable[[str], None]


@runtime_checkable
class StagedPlanner(Planner, Protocol):
    """A planner whose stages can be shown while they happen, and that can mend a plan."""

    @property
    def name(self) -> str: ...

    async def discover(self, request: PlanRequest) -> tuple[str, ...]: ...

    async def select(
        self, request: PlanRequest, candidates: Sequence[str], on_said: OnSaid | None = None
    ) -> Selection: ...

    async def draft(
        self, request: PlanRequest, selection: Selection, on_said: OnSaid | None = None
    ) -> PlanAnswer: ...

    async def repair(
        self, request: PlanRequest, answer: PlanAnswer, issues: Sequence[Issue]
    ) -> PlanAnswer: ...

    def talk(self, request: PlanRequest) -> AsyncIterator[str]: ...
