"""The offline planner over the shipped tools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.planner.offline import OfflinePlanner
from backend.contracts.plans import Catalogue
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.tools.builtin import builtin

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)  # a Saturday
ZONE = "Europe/Berlin"
CATALOGUE = Catalogue({tool.spec.id: tool.spec for tool in builtin()}, hash="shipped")

Say = Callable[..., Awaitable[PlanAnswer]]


@pytest.fixture(scope="session")
def planner() -> OfflinePlanner:
    return OfflinePlanner()


@pytest.fixture
def say(planner: OfflinePlanner) -> Say:
    async def plan(text: str, previous: dict[str, Any] | None = None) -> PlanAnswer:
        return await planner.plan(PlanRequest(text, "ann", ZONE, NOW, CATALOGUE, previous=previous))

    return plan
