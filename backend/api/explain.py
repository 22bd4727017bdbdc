"""/api/explain: why something happened."""

from __future__ import annotations

from fastapi import APIRouter

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.api.paging import Cursor, Limit, Paged
from backend.contracts.explanation import Explanation
from backend.contracts.planning import PlanningRecord

router = APIRouter(tags=["explain"], route_class=StrictRoute)


@router.get("/explain/{id:path}")
async def explain(door: Door, who: Caller, id: str) -> Explanation:
    """The chain from a run, a step (`run:step`), a plan, a schedule, an event, or what an effect made,
    back to what you said; each link with its time, in words and as data."""
    return await door.explain(who, id)


@router.get("/plannings")
async def list_plannings(
    door: Door, who: Caller, cursor: Cursor = None, limit: Limit = 50
) -> Paged[PlanningRecord]:
    """How your requests were planned, the newest first; kept for as long as ended runs are."""
    items, following = await door.plannings(who, cursor, limit)
    return Paged(items=items, cursor=following)


@router.get("/plannings/{planning_id}")
async def get_planning(door: Door, who: Caller, planning_id: str) -> PlanningRecord:
    """One planning session: what was asked, each stage with its duration, what came of it."""
    return await door.planning(who, planning_id)
