"""The planners, as offered to the composition root through entry points (`lightning.planner`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from backend.contracts.caching import Cache
from backend.contracts.ports import LLM, Planner

Caches = dict[str, Cache[Any, Any]]


def offline(
    *, llm: LLM | None, reasoning: LLM | None, caches: Caches, now: Callable[[], datetime]
) -> Planner:
    from agents.planner.offline import OfflinePlanner

    return OfflinePlanner()


def online(
    *, llm: LLM | None, reasoning: LLM | None, caches: Caches, now: Callable[[], datetime]
) -> Planner | None:
    if llm is None:
        return None
    from agents.planner.model import ModelPlanner
    from agents.planner.offline import OfflinePlanner

    planner = ModelPlanner(llm, reasoning, rules=OfflinePlanner())
    caches["selection"] = planner.selections
    return planner
