"""/api/counters: what an operator looks at."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.contracts.errors import Forbidden

router = APIRouter(tags=["operation"], route_class=StrictRoute)


class Counted(BaseModel):
    hits: int
    misses: int


@router.get("/counters")
async def counters(door: Door, who: Caller) -> dict[str, Counted]:
    """How often each cache had what was asked for, since this process started; for operators."""
    if not who.roles & {"operator", "admin"}:
        raise Forbidden("Only operators see this.")
    return {name: Counted(**counted) for name, counted in door.counters().items()}
