"""POST /notify: a signed delivery for a person, put into their thread."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Literal

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.contracts.errors import Conflict, Invalid, NotFound, Unauthenticated
from backend.contracts.events import EVENT_TYPES, Event, derived_id
from backend.contracts.ports import Document, Output
from backend.contracts.security import Principal
from backend.lightning import Lightning
from backend.security.webhooks import TOLERANCE_S, notify_key, verified
from chat_app.threads import MAX_TEXT, Threads

RECEIVED = "notify.received"
FROM_OUTSIDE = "notify"  # what came in this way is not sent on


class Data(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    userID: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1, max_length=MAX_TEXT)
    thread_id: uuid.UUID | None = None


class Incoming(BaseModel):
    """As we send them ourselves: {"type", "timestamp", "data": {"userID", "text", "thread_id"?}}."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["user.message", "llm.chat.response"]
    data: Data


class Accepted(BaseModel):
    """`id` is the delivery's; the same one again changes nothing."""

    id: str
    thread_id: str


def notify_router(lightning: Lightning, threads: Threads) -> APIRouter:
    """The door for messengers. It needs no token: the signature is the right."""
    router = APIRouter(tags=["notify"])
    key = notify_key(lightning.settings.jwt_signing_key)

    @router.post("/notify", status_code=202)
    async def notify(request: Request) -> Accepted:
        """Put a message into a person's thread: the one named, else their newest, else a new one.

        Signed as Standard Webhooks have it; an id is taken once, within five minutes.
        """
        raw = await request.body()
        id = verified(key, request.headers, raw, lightning.now())
        try:
            incoming = Incoming.model_validate(orjson.loads(raw))
        except (json.JSONDecodeError, ValidationError) as error:
            raise Invalid(
                "This is not what a delivery looks like.",
                code="EXEC_DELIVERY_INVALID",
                hint="What it has to be is in docs/reference/notify.md.",
            ) from error
        try:
            who = await lightning.users.user(incoming.data.userID)
        except Unauthenticated:
            raise NotFound("There is no such person.") from None
        thread_id = await _once(lightning, threads, who, id, incoming.data)
        await _say(lightning, who, id, thread_id, incoming.data.text)
        return Accepted(id=id, thread_id=thread_id)

    return router


async def _once(lightning: Lightning, threads: Threads, who: Principal, id: str, data: Data) -> str:
    """The thread of this delivery: decided the first time, and the same ever after."""
    store, now = lightning.store, lightning.now()
    for old in await store.due(RECEIVED, now):
        await store.delete(RECEIVED, old.id, old.owner)
    thread_id = str(data.thread_id) if data.thread_id else await threads.newest(who.user_id)
    body = {"thread_id": thread_id or str(uuid.uuid4())}
    due = now + timedelta(seconds=3 * TOLERANCE_S)
    received = Document(RECEIVED, derived_id(RECEIVED, id), who.user_id, body, due_at=due)
    try:
        await store.put(received, create=True)
    except Conflict:
        found = await store.get(RECEIVED, received.id, who.user_id)
        body = dict(found.body or {}) if found else body
    await threads.open(who.user_id, body["thread_id"], data.text)
    return str(body["thread_id"])


async def _say(lightning: Lightning, who: Principal, id: str, thread_id: str, text: str) -> None:
    kind = EVENT_TYPES["user.message"]
    data = {"thread_id": thread_id, "text": text, "from": FROM_OUTSIDE}
    # An id is delivered into a stream once: sent again, it is not said again.
    event = Event(
        derived_id(RECEIVED, id), kind.name, who.user_id, lightning.now(), data, source="notify"
    )
    await lightning.bus.publish([Output(event, kind.lane, kind.stream(data))])
