"""/api/runs: what happens, once and live."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Request, Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from pydantic import BaseModel, ConfigDict, Field

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.api.paging import Cursor, Limit, Paged
from backend.api.shapes import INNER, event_as_json
from backend.contracts.events import Event
from backend.contracts.runs import ENDED_RUN, RunState

router = APIRouter(prefix="/runs", tags=["runs"], route_class=StrictRoute)

_PING_S = 15.0
LastEventId = Annotated[
    str | None, Header(max_length=4096, description="Resume a stream behind this event.")
]


class Answer(BaseModel):
    """`answer` is "allow" or "deny" for a gate, "again", "happened" or "stop" for an effect that was
    interrupted, and whatever the question asks for otherwise."""

    model_config = ConfigDict(extra="forbid")

    step: str = Field(max_length=64)
    answer: Any
    index: int | None = Field(default=None, ge=0)
    iteration: int | None = Field(default=None, ge=1)


@router.get("")
async def list_runs(
    door: Door,
    who: Caller,
    plan_id: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Paged[dict[str, Any]]:
    """Summaries of your runs, the newest first."""
    items, following = await door.runs(who, plan_id, cursor, limit)
    return Paged(items=items, cursor=following)


@router.get("/{run_id}", response_model_exclude=INNER)
async def get_run(door: Door, who: Caller, run_id: str) -> RunState:
    """The state of a run and of each of its steps."""
    return await door.run_state(who, run_id)


@router.get(
    "/{run_id}/events",
    response_model=None,
    responses={
        200: {
            "model": Paged[dict[str, Any]],
            "description": "A page of events, or with `Accept: text/event-stream` the live stream.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "The stream has nothing more to come: do not reconnect."},
    },
)
async def get_events(
    request: Request,
    door: Door,
    who: Caller,
    run_id: str,
    cursor: Cursor = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    last_event_id: LastEventId = None,
) -> Response | Paged[dict[str, Any]]:
    """What happened in a run, in order: as JSON from `cursor`, or live as Server-Sent Events.

    A stream begins with what has happened already, names each event's type, and closes when the run
    ends. After a cut it resumes with `Last-Event-ID`, as browsers do by themselves; an event may
    then come twice (its `id` tells).
    """
    if "text/event-stream" not in accept:
        events, following = await door.run_events(who, run_id, cursor)
        return Paged(items=[event_as_json(e) for e in events], cursor=following)
    start = last_event_id or cursor
    state = await door.run_state(who, run_id)
    events, _ = await door.run_events(who, run_id, start)
    if state.status in ENDED_RUN and not events:
        return Response(status_code=204)
    stopping: asyncio.Event | None = getattr(request.app.state, "stopping", None)
    feed = door.follow_run(who, run_id, start)
    return EventSourceResponse(
        _stream(feed, stopping or asyncio.Event()), headers={"X-Accel-Buffering": "no"}
    )


@router.post("/{run_id}/cancel", response_model_exclude=INNER)
async def cancel(door: Door, who: Caller, run_id: str) -> RunState:
    """Stop a run: nothing new starts. What was done stays done."""
    return await door.cancel(who, run_id)


@router.post("/{run_id}/replay", status_code=202)
async def replay(door: Door, who: Caller, run_id: str) -> None:
    """Try again what a stalled run is stuck over; 409 when it is not."""
    await door.replay_run(who, run_id)


@router.post("/{run_id}/answer", response_model_exclude=INNER)
async def answer(door: Door, who: Caller, run_id: str, body: Answer) -> RunState:
    """Answer what a waiting step asks; the first answer counts, later ones are 409."""
    return await door.answer(who, run_id, body.step, body.answer, body.index, body.iteration)


async def _stream(
    feed: AsyncIterator[tuple[list[Event], str]], stopping: asyncio.Event
) -> AsyncGenerator[bytes, None]:
    """Events as they come, a comment when none does for a while; ends with the feed or the server.

    The id goes with the last event of each page: a cursor is behind all of it.
    """
    stop = asyncio.create_task(stopping.wait())
    following: asyncio.Future[tuple[list[Event], str]] | None = None
    try:
        while True:
            following = following or asyncio.ensure_future(anext(feed))
            await asyncio.wait(
                (following, stop), timeout=_PING_S, return_when=asyncio.FIRST_COMPLETED
            )
            if stop.done():
                return
            if not following.done():
                yield KEEPALIVE_COMMENT
                continue
            try:
                events, cursor = following.result()
            except StopAsyncIteration:
                return
            following = None
            for number, event in enumerate(events, 1):
                yield format_sse_event(
                    data_str=orjson.dumps(event_as_json(event)).decode(),
                    event=event.type,
                    id=cursor if number == len(events) else None,
                )
    finally:
        stop.cancel()
        if following is not None:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await following
        if isinstance(feed, AsyncGenerator):
            await feed.aclose()
