"""What models took for one planning session: calls, tokens, money, time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from backend.contracts.ports import Completion

Usage = Mapping[str, Any]
_COUNTED = ("calls", "input_tokens", "output_tokens", "cost_usd", "model_ms")


async def metered(call: Callable[[], Awaitable[Completion]]) -> tuple[Completion, Usage]:
    """A model's answer, with what it took."""
    began = time.perf_counter()
    reply = await call()
    return reply, {
        "model": reply.model,
        "calls": 1,
        "input_tokens": reply.input_tokens,
        "output_tokens": reply.output_tokens,
        "cost_usd": reply.cost_usd,
        "model_ms": round((time.perf_counter() - began) * 1000, 1),
    }


def total(*parts: Usage) -> dict[str, Any]:
    """The sum of what several calls took; `model` names them all. Empty when there was none."""
    used = [part for part in parts if part]
    if not used:
        return {}
    models = dict.fromkeys(name for part in used for name in part["model"].split(" + "))
    summed = {name: round(sum(part[name] for part in used), 6) for name in _COUNTED}
    return {"model": " + ".join(models), **summed}
