"""/api/hooks: the web addresses of plans that a webhook starts. No sign-in: the address is the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Header, Request
from pydantic import BaseModel

from backend.api.auth import Door
from backend.api.body import StrictRoute

router = APIRouter(prefix="/hooks", tags=["hooks"], route_class=StrictRoute)

_FORM = "application/x-www-form-urlencoded"
_Id = Header(max_length=200)


class Called(BaseModel):
    """`id` is the event's in Lightning."""

    id: str


@router.post("/{token}", status_code=202)
async def call(
    door: Door,
    request: Request,
    token: str,
    x_hub_signature_256: Annotated[str, Header(max_length=200)] = "",
    idempotency_key: Annotated[str, _Id] = "",
    webhook_id: Annotated[str, _Id] = "",
    x_github_delivery: Annotated[str, _Id] = "",
) -> Called:
    """Start the plan whose webhook this address is. A JSON object or a form becomes the plan's
    `event`; any other JSON is its `event.body`, any other text its `event.text`.

    Where the trigger has a secret, X-Hub-Signature-256 must sign the body with it. A delivery named by
    Idempotency-Key, Webhook-Id or X-GitHub-Delivery counts once.
    """
    body = await request.body()
    id = await door.call_hook(
        token,
        _data(body, request.headers.get("content-type", "")),
        body=body,
        signature=x_hub_signature_256,
        delivery_id=idempotency_key or webhook_id or x_github_delivery,
    )
    return Called(id=id)


def _data(body: bytes, content_type: str) -> Mapping[str, Any]:
    if not body.strip():
        return {}
    text = body.decode("utf-8", "replace")
    if content_type.partition(";")[0].strip().lower() == _FORM:
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"text": text}
    return value if isinstance(value, dict) else {"body": value}
