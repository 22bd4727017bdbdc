"""What the terminal planned for a file is recorded as what the chat planned is, so that what runs of it can
be explained."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.commands.locks import Held
from agents.planner.session import Outcome
from backend.bootstrap import open_system
from backend.contracts.errors import NotFound
from backend.contracts.events import new_id
from backend.contracts.planning import PlanningRecord
from backend.contracts.security import Principal
from backend.lightning import Lightning
from backend.lightning.sessions import answered
from backend.settings import Settings


async def recorded(chosen: Settings, request: str, outcome: Outcome, now: datetime) -> str:
    """Keep the session that `outcome` came of; returns its id."""
    answer = outcome.answer
    async with open_system(chosen) as system:
        who = await system.lightning.users.local_user()
        record = answered(
            PlanningRecord(new_id(), who.user_id, request, now, answer.kind),
            answer,
            duration_ms=round(sum(stage["duration_ms"] for stage in answer.stages), 1),
            repairs=tuple(
                {"code": issue.code, "path": issue.path, "message": issue.message}
                for issue in outcome.repairs
            ),
        )
        await system.lightning.record(who, record)
    return record.id


async def provenance_of(lightning: Lightning, who: Principal, held: Held) -> Mapping[str, Any]:
    """How the plan of a lockfile that this instance signed was planned, as far as that is known."""
    if held.lock is None or not held.lock.planning_id or held.origin == "hand":
        return {}
    try:
        return (await lightning.planning(who, held.lock.planning_id)).provenance()
    except NotFound:
        return {"planning_id": held.lock.planning_id}  # another's, or forgotten by age
