"""/api/tools: what a step can call."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.contracts.tools import ToolSpec

router = APIRouter(prefix="/tools", tags=["tools"], route_class=StrictRoute)


class Tools(BaseModel):
    """`missing` names, per tool, the settings without which it cannot work."""

    hash: str
    tools: list[ToolSpec]
    missing: dict[str, list[str]]


@router.get("")
async def list_tools(door: Door, who: Caller) -> Tools:
    """The tools you may use, with their contracts."""
    catalogue = await door.catalogue(who)
    return Tools(
        hash=catalogue.hash,
        tools=[catalogue.tools[id] for id in sorted(catalogue.tools)],
        missing={id: list(names) for id, names in catalogue.missing.items()},
    )
