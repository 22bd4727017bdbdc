"""Saved plans over HTTP: kept under a name, their history, and the shipped templates."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.contracts.plans import Template
from backend.contracts.views import PlanRevision, PlanView

router = APIRouter(tags=["saved plans"], route_class=StrictRoute)

Place = Annotated[str, Field(max_length=300)]


class Save(BaseModel):
    """`name` None keeps the name it has, or takes its title; `revision` None is the newest. `inputs`
    turns values into inputs, and saves that as a plan of its own: true those of recipients, addresses
    and files, a list the values at these places ("steps/0/args/url")."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=80)
    revision: int | None = Field(default=None, ge=1, le=2**31 - 1)
    inputs: bool | Annotated[list[Place], Field(min_length=1, max_length=100)] = False


@router.get("/templates")
async def list_templates(door: Door, who: Caller) -> list[Template]:
    """The shipped plans to start from. Propose the `document` with inputs of your own."""
    return list(door.templates())


@router.get("/plans/{plan_id}/revisions")
async def history(door: Door, who: Caller, plan_id: str) -> list[PlanRevision]:
    """All revisions of a plan, the newest first, each with what it changed and what became of it."""
    return await door.history(who, plan_id)


@router.post("/plans/{plan_id}/save")
async def save(door: Door, who: Caller, plan_id: str, body: Save | None = None) -> PlanView:
    """Keep a plan under a name: then it is the tool `saved` for your other plans. Saving it again under
    another name renames it. 422 for a plan with errors, or one that would come to call itself."""
    wanted = body or Save()
    if not wanted.inputs:
        return await door.save(who, plan_id, wanted.name, wanted.revision)
    paths = wanted.inputs if isinstance(wanted.inputs, list) else None
    return await door.save_template(who, plan_id, wanted.name, paths)


@router.delete("/plans/{plan_id}/save")
async def unsave(door: Door, who: Caller, plan_id: str) -> PlanView:
    """Let go of the name. The plan stays, and so does what was approved to call it."""
    return await door.unsave(who, plan_id)


@router.post("/plans/{plan_id}/archive")
async def archive(door: Door, who: Caller, plan_id: str) -> PlanView:
    """End a plan, its schedules and its name. What runs goes on."""
    return await door.archive(who, plan_id)
