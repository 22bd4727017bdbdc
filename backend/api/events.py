"""POST /api/events: events from outside, ours, seed-shaped, or CloudEvents 1.0."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.contracts.errors import Invalid
from backend.contracts.events import derived_id

router = APIRouter(tags=["events"], route_class=StrictRoute)

_TYPE = re.compile(r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$")
_OURS = frozenset({"id", "type", "userID", "timestamp", "source", "data", "metadata", "category"})
_CLOUD = frozenset(
    {"specversion", "id", "source", "type", "time", "data", "datacontenttype", "dataschema"}
    | {"subject", "userid"}
)
_MAX_TYPE, _MAX_TEXT = 128, 1024
_time: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event as it was sent. `id` is None when the sender gave none, `user_id` likewise."""

    type: str
    data: Mapping[str, Any]
    source: str
    id: str | None = None
    user_id: str | None = None


class Accepted(BaseModel):
    """`id` is the event's in Lightning; sending the same event again answers with the same."""

    id: str
    type: str


def parse_event(body: Mapping[str, Any]) -> Incoming:
    """Read an event of any of the three shapes. Raises `Invalid` (EXEC_EVENT_INVALID)."""
    cloud = "specversion" in body
    unknown = sorted(set(body) - (_CLOUD if cloud else _OURS))
    if cloud and body["specversion"] != "1.0":
        raise _invalid("Only CloudEvents 1.0 are taken.")
    if unknown:
        raise _invalid(f"An event has no {', '.join(map(repr, unknown[:5]))}.")
    if cloud and not (body.get("id") and body.get("source")):
        raise _invalid("A CloudEvent needs id and source.")
    if not cloud and body.get("category", "input") != "input":
        raise _invalid("From outside only events of the category 'input' are taken.")
    type = _text(body, "type")
    if type is None or len(type) > _MAX_TYPE or not _TYPE.fullmatch(type):
        raise _invalid("type must be words joined by dots, like email.received.")
    _check_time(body.get("time" if cloud else "timestamp"))
    return Incoming(
        type,
        _data(body),
        _text(body, "source") or "api",
        _text(body, "id"),
        _text(body, "userid" if cloud else "userID"),
    )


def event_id(event: Incoming) -> str | None:
    """The id of an event in Lightning: unique per source, as CloudEvents has it."""
    return None if event.id is None else derived_id(event.source, event.type, event.id)


def _data(body: Mapping[str, Any]) -> Mapping[str, Any]:
    data = body.get("data")
    if data is None:
        data = body.get("metadata")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise _invalid("The payload (data, or metadata) must be an object.")
    return data


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= _MAX_TEXT):
        raise _invalid(f"{name} must be text of 1 to {_MAX_TEXT} characters.")
    return value


def _check_time(value: Any) -> None:
    if value is None:
        return
    try:
        _time.validate_python(value if isinstance(value, str) else "")
    except ValidationError as error:
        raise _invalid("A time needs its zone, like 2026-11-21T09:00:00Z.") from error


def _invalid(message: str) -> Invalid:
    return Invalid(message, code="EXEC_EVENT_INVALID")


_EXAMPLES = [
    {"type": "email.received", "source": "imap", "userID": "ann", "metadata": {"subject": "Hi"}},
    {
        "specversion": "1.0",
        "id": "42",
        "source": "/shop",
        "type": "shop.order.placed",
        "data": {"total": 12},
    },
]


@router.post("/events", status_code=202)
async def send_event(
    door: Door, who: Caller, body: Annotated[dict[str, Any], Body(examples=_EXAMPLES)]
) -> Accepted:
    """Send an event: `{type, data, id?, source?, userID?, timestamp?}`; with the payload in
    `metadata` instead of `data`; or a CloudEvent 1.0 as JSON.

    Events that start plans (any type of your own) and commands you are entitled to are taken; facts
    come from inside alone. `userID` must be yours, unless you are an operator. The same `id` from the
    same `source` counts once.
    """
    event = parse_event(body)
    id = await door.publish(
        who, event.type, event.data, event_id=event_id(event), user_id=event.user_id
    )
    return Accepted(id=id, type=event.type)
