"""Events from outside that start plans: matched against what their owner's approved plans listen to."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from backend.contracts.errors import Invalid
from backend.contracts.events import derived_id
from backend.contracts.ports import Delivery, Store
from backend.drivers.turn import Turn
from backend.expressions import parse


class TriggerDriver:
    """Handles `event.received`: every matching trigger starts a run of its own."""

    handles: tuple[str, ...] = ("event.received",)

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle(self, turn: Turn, delivery: Delivery) -> None:
        cause = turn.cause
        cursor: str | None = None
        while True:
            page = await self._store.list(
                "subscription", owner=cause.user_id, status="active", cursor=cursor
            )
            for document in page.items:
                for trigger in (document.body or {})["triggers"]:
                    if _matches(document.id, trigger, cause.data):
                        turn.emit(
                            "plan.trigger",
                            {
                                "plan_id": document.id,
                                "trigger": trigger["name"],
                                "event": {"type": cause.data["type"], **cause.data["data"]},
                            },
                            # not by its place: the same event sent again may meet further plans
                            id=derived_id(cause.id, document.id, trigger["name"]),
                        )
            cursor = page.cursor
            if cursor is None:
                return

    def failed(self, turn: Turn, error: Mapping[str, Any]) -> None:
        turn.emit("event.ignored", {"type": turn.cause.type, "error": dict(error)})


def _matches(plan_id: str, trigger: Mapping[str, Any], received: Mapping[str, Any]) -> bool:
    # `hook` comes from inside alone: the call of one plan's address starts nothing else
    if (hook := received.get("hook")) is not None:
        meant = hook == {"plan_id": plan_id, "trigger": trigger["name"]}
    else:
        meant = trigger["kind"] == "event" and fnmatchcase(received["type"], trigger["type"])
    if not meant:
        return False
    if not trigger.get("filter"):
        return True
    try:
        return bool(parse(trigger["filter"]).evaluate({"event": received["data"]}))
    except Invalid:
        return False
