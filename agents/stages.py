"""The stages of planning, told while they happen."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langgraph.runtime import Runtime

from agents.state import Turn
from backend.contracts.errors import LightningError

Run = Runtime[Turn]


def tell(runtime: Run, name: str, status: str, duration_ms: float = 0.0, detail: str = "") -> None:
    news = {"name": name, "status": status, "duration_ms": duration_ms, "detail": detail}
    runtime.stream_writer({"stage": news})


@asynccontextmanager
async def stage(runtime: Run, name: str) -> AsyncIterator[dict[str, str]]:
    """Show a stage while it happens; what the block puts under "detail" is said at its end."""
    note: dict[str, str] = {"detail": ""}
    started = time.perf_counter()

    def ended(status: str) -> None:
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        tell(runtime, name, status, milliseconds, note["detail"])

    tell(runtime, name, "running")
    try:
        yield note
    except LightningError as error:
        note["detail"] = error.message
        ended("failed")
        raise
    ended("done")
