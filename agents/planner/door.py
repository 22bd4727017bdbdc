"""The planners, as offered to the composition root through entry points (`lightning.planner`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from backend.contracts.ports import LLM, Planner


def offline(*, llm: LLM | None, reasoning: LLM | None, now: Callable[[], datetime]) -> Planner:
    from agents.planner.offline import OfflinePlanner

    return OfflinePlanner()


def online(
    *, llm: LLM | None, reasoning: LLM | None, now: Callable[[], datetime]
) -> Planner | None:
    if llm is None:
        return None
    from agents.planner.model import ModelPlanner

    return ModelPlanner(llm, reasoning)
