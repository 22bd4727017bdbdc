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


class Charged(BaseModel):
    calls: int
    request_units: float


@router.get("/counters")
async def counters(door: Door, who: Caller) -> dict[str, Counted | Charged]:
    """How often each cache had what was asked for, since this process started; for operators. On Cosmos
    DB also what each kind of call has cost there, as `charges.<container>.<operation>`."""
    if not who.roles & {"operator", "admin"}:
        raise Forbidden("Only operators see this.")
    caches = {name: Counted(**counted) for name, counted in door.counters().items()}
    charges = {
        f"charges.{name}": Charged(calls=charge.calls, request_units=round(charge.request_units, 2))
        for name, charge in door.charged().items()
    }
    return caches | charges
