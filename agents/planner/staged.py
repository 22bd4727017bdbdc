"""Planners whose stages show, and those that only answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from agents.planner.selection import Selection
from backend.contracts.errors import Issue
from backend.contracts.ports import PlanAnswer, Planner, PlanRequest


@runtime_checkable
class StagedPlanner(Planner, Protocol):
    """A planner whose stages can be shown while they happen, and that can mend a plan."""

    async def discover(self, request: PlanRequest) -> tuple[str, ...]: ...

    async def select(self, request: PlanRequest, candidates: Sequence[str]) -> Selection: ...

    async def draft(self, request: PlanRequest, tools: Sequence[str]) -> PlanAnswer: ...

    async def repair(
        self, request: PlanRequest, answer: PlanAnswer, issues: Sequence[Issue]
    ) -> PlanAnswer: ...

    def talk(self, request: PlanRequest) -> AsyncIterator[str]: ...


async def planned(
    planner: Planner, request: PlanRequest, asked: str
) -> tuple[PlanRequest, PlanAnswer]:
    """A planner without memory: what is no whole plan by itself may answer the question it asked."""
    answer = await planner.plan(request)
    whole = answer.kind == "plan" and not answer.revises
    if not asked or whole or request.text.startswith(asked):
        return request, answer
    joined = replace(request, text=joined_words(asked, request.text))
    together = await planner.plan(joined)
    nearer = together.kind == "question" and together.confidence > answer.confidence
    return (joined, together) if together.kind == "plan" or nearer else (request, answer)


def joined_words(asked: str, answer: str) -> str:
    return f"{asked}\n{answer}"
