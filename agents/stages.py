"""The stages of planning, told while they happen."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from agents.state import Turn
from backend.contracts.errors import LightningError

Run = Runtime[Turn]


@dataclass(slots=True)
class Note:
    """What a stage says at its end; `model_ms` of its time were a model's, the rest is ours."""

    detail: str = ""
    model_ms: float = 0.0


def tell(
    runtime: Run,
    name: str,
    status: str,
    duration_ms: float = 0.0,
    detail: str = "",
    model_ms: float = 0.0,
) -> None:
    news: dict[str, Any] = {"name": name, "status": status, "duration_ms": duration_ms}
    news |= {"detail": detail, "model_ms": model_ms}
    if status != "running":
        runtime.context.stages.append(news)
    runtime.stream_writer({"stage": news})


@asynccontextmanager
async def stage(runtime: Run, name: str) -> AsyncIterator[Note]:
    """Show a stage while it happens, and what the block noted at its end."""
    note = Note()
    started = time.perf_counter()

    def ended(status: str) -> None:
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        tell(runtime, name, status, milliseconds, note.detail, note.model_ms)

    tell(runtime, name, "running")
    try:
        yield note
    except LightningError as error:
        note.detail = error.message
        ended("failed")
        raise
    ended("done")
