"""wait.until: let time pass without holding anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from backend.contracts.errors import Invalid, Retry, ToolError
from backend.tools.define import ToolContext, tool

MAX_WAIT_S = 366 * 86_400

Timestamp = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]


class Waited(TypedDict):
    until: str


@tool(
    "wait.until",
    name="Wait",
    purity="pure",
    duration_s=60.0,
    timeout_s=10,
    examples=("wait an hour", "pause for ten minutes", "then wait until tomorrow morning", "sleep"),
)
async def until(
    context: ToolContext,
    timestamp: Timestamp | None = None,
    for_s: Annotated[float, Field(gt=0, le=MAX_WAIT_S)] | None = None,
) -> Waited:
    """Wait until a time, or for a number of seconds.

    Args:
        timestamp: an ISO time with its zone
        for_s: how many seconds to wait; give this or a timestamp
    """
    deadline = _deadline(context, timestamp, for_s)
    left = (deadline - context.now()).total_seconds()
    if left > 0:
        raise Retry(left, f"until {deadline.isoformat()}")
    return Waited(until=deadline.isoformat())


def _deadline(context: ToolContext, timestamp: str | None, for_s: float | None) -> datetime:
    """Counted from when the step was asked for, so that a second delivery waits no longer."""
    if (timestamp is None) == (for_s is None):
        raise Invalid("Give either timestamp or for_s.", code="EXEC_ARGS_INVALID")
    if for_s is not None:
        if context.call.asked_at is None:
            said = "It is not known when this step was asked for, so it could wait forever."
            raise ToolError(said, code="EXEC_WAIT_UNBOUNDED")
        return context.call.asked_at + timedelta(seconds=for_s)
    try:
        when = datetime.fromisoformat(timestamp or "")
    except ValueError as error:
        raise Invalid(f"{timestamp!r} is no time.", code="EXEC_ARGS_INVALID") from error
    if when.tzinfo is None:
        raise Invalid(f"{timestamp} lacks its zone.", code="EXEC_ARGS_INVALID")
    return when.astimezone(UTC)
