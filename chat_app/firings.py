"""The cards of the runs that nobody started by hand: of schedules, of events, of calls that ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from backend.contracts.errors import NotFound
from backend.contracts.plans import TIMED_KINDS
from backend.contracts.runs import ENDED_RUN, RunState
from backend.contracts.security import Principal
from backend.contracts.views import NEWEST_RUNS, PlanView, ThreadUpdate
from backend.lightning import Lightning
from chat_app.cards import card
from chat_app.rooms import Room, derived
from chat_app.threads import stamp

REVISIONS_SEARCHED = 20
FOLDABLE = frozenset({"done", "failed", "stopped"})


class Firings:
    """Draws them into a room whose lock is held."""

    def __init__(self, lightning: Lightning) -> None:
        self._lightning = lightning

    async def show(self, room: Room, update: ThreadUpdate, views: Mapping[str, PlanView]) -> None:
        """A run that the clock or an event started has a card of its own; of those that ended a
        few, the others are counted."""
        for plan_id, fired in _fired(update.runs, views).items():
            old = [r for r in fired[:-NEWEST_RUNS] if r.status in ENDED_RUN]
            for run in fired:
                if run not in old or _firing(run) in room.cards:
                    await self._show(room, run, views[plan_id])
            uncarded = [r for r in old if _firing(r) not in room.cards]
            counts = Counter[str](r.status for r in uncarded)
            counts.update(update.earlier.get(plan_id, {}))
            await self._fold(room, plan_id, (counts.total(), counts["failed"]))

    async def _show(self, room: Room, run: RunState, view: PlanView) -> None:
        id = _firing(run)
        message = derived("message", id)
        if id not in room.cards:
            at = stamp(run.started_at) if run.started_at else ""
            await room.post("", id=message, at=at)
        seen = await self._revision_of(room.who, run, view)
        props = card(
            seen,
            await self._lightning.catalogue(room.who),
            now=self._lightning.now(),
            zone=room.zone,
            run=run,
            due=_due(run, seen) or run.started_at,
            earlier=_earlier(room.cards.get(id)),
        )
        await room.show(id, message, props)

    async def called(self, room: Room, run: RunState) -> None:
        """The run of a saved plan that another run calls has a card once it asks something: all else is
        told by the step that called it."""
        if run.asking or run.status == "stalled" or _firing(run) in room.cards:
            with suppress(NotFound):
                view = await self._lightning.plan(room.who, run.plan_id)
                await self._show(room, run, view)

    async def _fold(self, room: Room, plan_id: str, counted: tuple[int, int]) -> None:
        """The oldest of many cards of a plan's firings make way; the oldest left counts them."""
        cards = [
            c
            for c in room.cards.values()
            if c["props"].get("plan") == plan_id and c["props"].get("kind") == "run"
        ]
        cards.sort(key=lambda c: c["props"]["run"]["started"])
        folded = [c for c in cards[:-NEWEST_RUNS] if c["props"]["status"] in FOLDABLE]
        number, failed = counted
        for element in folded:
            before = _earlier(element)
            number += before[0] + 1
            failed += before[1] + (element["props"]["status"] == "failed")
            await room.take_away(element["id"])
        left = next((c for c in cards if c not in folded), None)
        if number and left is not None:
            have = _earlier(left)
            props = {**left["props"], "earlier": [have[0] + number, have[1] + failed]}
            await room.show(left["id"], left["forId"], props)

    async def _revision_of(self, who: Principal, run: RunState, view: PlanView) -> PlanView:
        """The revision a run is of; an older one when the plan was changed since."""
        found, number = view, view.revision
        while found.ir_hash != run.ir_hash and number > max(1, view.revision - REVISIONS_SEARCHED):
            number -= 1
            found = await self._lightning.plan(who, view.plan_id, number)
        return found if found.ir_hash == run.ir_hash else view


def _fired(runs: tuple[RunState, ...], views: Mapping[str, PlanView]) -> dict[str, list[RunState]]:
    """What schedules and triggers started, of each plan, the oldest first."""
    by_plan: dict[str, list[RunState]] = {}
    for run in sorted(runs, key=lambda r: r.started_at.timestamp() if r.started_at else 0):
        view = views.get(run.plan_id)
        if view is not None and run.run_id != view.run_id and run.event:
            by_plan.setdefault(run.plan_id, []).append(run)
    return by_plan


def _firing(run: RunState) -> str:
    return derived("run", run.run_id)


def _earlier(element: Mapping[str, Any] | None) -> tuple[int, int]:
    number, failed = (element["props"].get("earlier") if element else None) or (0, 0)
    return int(number), int(failed)


def _due(run: RunState, view: PlanView) -> datetime | None:
    """When the clock wanted the run. An event says what it likes: its "due" is no time of ours."""
    if all(t.kind not in TIMED_KINDS for t in view.document.events):
        return None
    try:
        due = datetime.fromisoformat(str(run.event.get("due")))
    except ValueError:
        return None
    return due if due.tzinfo else None
