"""A whole Lightning in this process, on a database of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from backend.bootstrap import System, open_system
from backend.contracts.events import utc_now
from backend.contracts.runs import RunState, RunStatus
from backend.contracts.security import Principal
from backend.lightning import Lightning
from backend.settings import Settings

KEY = "a signing key that only tests know, long enough"
MANUAL = {"name": "go", "kind": "manual"}


class Clock:
    """Real time, plus what a test has added to it."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.offset

    def advance(self, **delta: float) -> None:
        self.offset += timedelta(**delta)


def settings_for(folder: Path, **values: Any) -> Settings:
    """Settings of a test: loopback may be reached, nothing comes from the environment's files."""
    defaults = {
        "data_dir": folder,
        "jwt_signing_key": KEY,
        "allow_private_network": True,
        "timezone": "Europe/Paris",
    }
    return Settings(_env_file=None, **{**defaults, **values})  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def working(
    folder: Path, *, now: Callable[[], datetime] = utc_now, **values: Any
) -> AsyncIterator[System]:
    async with open_system(settings_for(folder, **values), now=now) as system, system.working():
        yield system


def plan(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A document; a step that does not say `on` follows the one before, the first the trigger."""
    wired = []
    for index, step in enumerate(steps):
        before = f"step.{steps[index - 1]['name']}" if index else "go"
        wired.append({"on": [before], **step})
    return {"plan_name": "A plan", "events": [MANUAL], "steps": wired, **more}


async def until(
    lightning: Lightning, who: Principal, run_id: str, *statuses: RunStatus
) -> RunState:
    """Wait for a run to be in one of these states."""
    async with contextlib.aclosing(lightning.follow_run(who, run_id)) as news:
        async for _ in news:
            state = await lightning.run_state(who, run_id)
            if state.status in statuses:
                return state
    return await lightning.run_state(who, run_id)


async def completed(lightning: Lightning, who: Principal, document: dict[str, Any]) -> RunState:
    """Propose, approve, and wait for the end."""
    view = await lightning.propose(who, document)
    approved = await lightning.approve(who, view.plan_id, view.ir_hash)
    assert approved.run_id is not None
    return await until(lightning, who, approved.run_id, "completed", "failed", "cancelled")


async def heard_of(lightning: Lightning, thread_id: str, count: int) -> None:
    """Wait until a thread has heard that so many runs have completed."""
    stream, number = f"thread:{thread_id}", 0
    async with contextlib.aclosing(lightning.bus.follow({stream: None})) as feed:
        async for news in feed:
            causes = [commit.cause for commit in news[stream].commits]
            number += sum(c.data.get("status") == "completed" for c in causes)
            if number >= count:
                return
