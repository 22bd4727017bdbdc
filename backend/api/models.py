"""/api/models: the models there are, and those that are used."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.llm import MODELS, Model, chosen

router = APIRouter(prefix="/models", tags=["models"], route_class=StrictRoute)


class Models(BaseModel):
    """`used` names the model per task, and is empty where none is configured. Prices are in USD per
    million tokens, contexts in tokens."""

    used: dict[str, str]
    models: list[Model]


@router.get("")
async def list_models(door: Door, who: Caller) -> Models:
    """The models Lightning knows by price and ability, and which of them plans for you."""
    settings = door.settings
    used: dict[str, str] = {}
    if (plans := chosen(settings)) is not None:
        used = {"plan": plans, "select": chosen(settings, "select") or plans}
    return Models(used=used, models=list(MODELS))
