"""/api/dead-letters: events that could not be handled."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.api.paging import Paged
from backend.api.shapes import event_as_json

router = APIRouter(prefix="/dead-letters", tags=["dead letters"], route_class=StrictRoute)


@router.get("")
async def list_letters(door: Door, who: Caller) -> Paged[dict[str, Any]]:
    """Yours, the latest first, each with its `event`, `stream`, `attempt` and `error`; an operator
    sees everybody's."""
    return Paged(
        items=[
            {
                "event": event_as_json(letter.delivery.event),
                "stream": letter.delivery.stream,
                "attempt": letter.delivery.attempt,
                "error": dict(letter.error),
            }
            for letter in await door.dead_letters(who)
        ]
    )


@router.post("/{event_id}/replay", status_code=202)
async def replay(door: Door, who: Caller, event_id: str) -> None:
    """Have it handled after all, as soon as what was in the way is mended."""
    await door.replay(who, event_id)
