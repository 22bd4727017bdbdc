"""/api/schedules: when plans run next."""

from __future__ import annotations

from fastapi import APIRouter

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.api.paging import Paged
from backend.contracts.schedules import Schedule

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=StrictRoute)


@router.get("")
async def list_schedules(door: Door, who: Caller) -> Paged[Schedule]:
    """Your schedules that have not ended."""
    return Paged(items=await door.schedules(who))


@router.post("/{schedule_id}/pause")
async def pause(door: Door, who: Caller, schedule_id: str) -> Schedule:
    """Let due times pass until it is resumed."""
    return await door.pause(who, schedule_id)


@router.post("/{schedule_id}/resume")
async def resume(door: Door, who: Caller, schedule_id: str) -> Schedule:
    """Go on with the next due time from now; what was missed is not made up for."""
    return await door.resume(who, schedule_id)


@router.delete("/{schedule_id}", status_code=204)
async def delete(door: Door, who: Caller, schedule_id: str) -> None:
    """End a schedule. Its plan and runs stay."""
    await door.delete_schedule(who, schedule_id)
