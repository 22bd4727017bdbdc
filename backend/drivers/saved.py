"""A person's saved plans, one stream a person: each has a name of its own, and with it is a tool."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.contracts.events import Event
from backend.contracts.ports import Commit, Document
from backend.drivers.turn import Turn, fold

LIST = "saved_list"
_LONGEST = 60
_NAMELESS = "routine"


@dataclass(frozen=True, slots=True)
class Saved:
    """`plans` by plan id: {"slug", "name", "plan_id", "revision", "ir_hash", "about", "saved_at"}."""

    owner: str | None = None
    plans: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class SavedDecider:
    """Decides `saved:<owner>`."""

    prefix = "saved"
    keeps = Saved

    async def open(self, stream: str, commits: Sequence[Commit], cause: Event | None) -> Saved:
        return fold(self, Saved(), commits)

    def owner(self, state: Saved) -> str | None:
        return state.owner

    def closed(self, state: Saved) -> bool:
        return False

    def keep(self, state: Saved) -> Saved:
        return state

    async def recall(self, kept: Saved) -> Saved:
        return kept

    def evolve(self, state: Saved, event: Event) -> Saved:
        data = event.data
        match event.type:
            case "saved.added":
                plan = {**data, "saved_at": event.timestamp.isoformat()}
                return Saved(event.user_id, {**state.plans, data["plan_id"]: plan})
            case "saved.removed":
                left = {id: plan for id, plan in state.plans.items() if id != data["plan_id"]}
                return replace(state, plans=left)
        return state

    def decide(self, state: Saved, turn: Turn) -> None:
        data = turn.cause.data
        match turn.cause.type:
            case "saved.add":
                others = [p["slug"] for id, p in state.plans.items() if id != data["plan_id"]]
                kept = state.plans.get(data["plan_id"])
                wanted = slug(data["name"])
                # a plan saved again under its name keeps the tool that others call
                again = kept is not None and slug(kept["name"]) == wanted
                name = kept["slug"] if kept is not None and again else free(wanted, others)
                said = {k: v for k, v in data.items() if k != "owner"}
                turn.emit("saved.added", {**said, "slug": name})
            case "saved.remove" if data["plan_id"] in state.plans:
                turn.emit("saved.removed", {"plan_id": data["plan_id"]})

    def project(self, before: Saved, after: Saved, turn: Turn) -> None:
        """The list, small and whole, for the catalogue; and each plan by itself, for the search."""
        if after.plans == before.plans or after.owner is None:
            return
        plan_id = turn.cause.data["plan_id"]
        plan = after.plans.get(plan_id)
        slug = plan["slug"] if plan is not None else ""
        turn.write(Document("saved", plan_id, after.owner, plan, sort=slug, position=turn.position))
        entries = [[p["slug"], p["plan_id"], p["revision"]] for p in after.plans.values()]
        body = {"version": turn.position, "plans": sorted(entries)}
        turn.write(Document(LIST, after.owner, after.owner, body, position=turn.position))


def slug(name: str) -> str:
    """ "Morning digest, März" as "morning-digest-marz": letters and digits of ASCII, with hyphens."""
    plain = (
        unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    )
    words = "-".join(re.findall(r"[a-z0-9]+", plain.lower()))
    return words[:_LONGEST].rstrip("-") or _NAMELESS


def free(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or with the first number behind it that nobody has."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name
