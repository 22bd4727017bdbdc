"""GET /api/notify: what somebody needs who takes our deliveries, or sends us some."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.contracts.errors import Forbidden
from backend.security.webhooks import secret

router = APIRouter(tags=["notify"], route_class=StrictRoute)


class Notifying(BaseModel):
    """`url` is NOTIFY_URL; `secret` signs what is sent there, and what `POST /notify` takes."""

    url: str
    secret: str


@router.get("/notify")
async def notifying(door: Door, who: Caller) -> Notifying:
    """Where deliveries go, and the secret that signs them (Standard Webhooks). For admins."""
    if "admin" not in who.roles:
        raise Forbidden("Only an admin may see the secret of deliveries.")
    return Notifying(url=door.settings.notify_url, secret=secret(door.settings.jwt_signing_key))
