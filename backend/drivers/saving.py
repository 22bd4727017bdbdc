"""Keeping a plan under a name: decided in the plan's own stream, the name itself in its owner's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.drivers.turn import Turn

NAMED = ("plan_id", "revision", "ir_hash", "name", "about")


def save(turn: Turn, latest: int) -> str:
    """Keep the revision that `plan.save` names; returns why not."""
    data = turn.cause.data
    if not 1 <= data["revision"] <= latest:
        return "There is no such revision."
    kept = {name: data.get(name) for name in NAMED}
    turn.emit("plan.saved", kept)
    turn.emit("saved.add", {**kept, "owner": turn.cause.user_id})
    return ""


def unsave(turn: Turn, plan_id: str, saved: Mapping[str, Any]) -> None:
    """Let go of the name, if it has one."""
    if saved:
        turn.emit("plan.unsaved", {"plan_id": plan_id})
        turn.emit("saved.remove", {"plan_id": plan_id, "owner": turn.cause.user_id})
