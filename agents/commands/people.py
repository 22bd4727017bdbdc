"""Who a command acts for, and which of their plans and runs it means."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TypeVar

from backend.contracts.errors import Invalid, NotFound
from backend.contracts.runs import RunState
from backend.contracts.security import Principal
from backend.contracts.views import PlanView
from backend.lightning import Lightning

SHORTEST = 4
_WHOLE = 32
_HEX = frozenset("0123456789abcdef")
_PAGE = 200
_LIST = "See yours: lightning-planner status"

Found = TypeVar("Found")


async def person(lightning: Lightning, user_id: str) -> Principal:
    """The user of that id; without one, this machine's own."""
    users = lightning.users
    return await (users.user(user_id) if user_id else users.local_user())


async def plan_of(lightning: Lightning, who: Principal, said: str) -> PlanView:
    """The plan of that id, of which the first characters are enough.

    Raises `NotFound`, and `Invalid` (PLAN_ID_AMBIGUOUS).
    """
    try:
        return await lightning.plan(who, said)
    except NotFound:
        recent, _ = await lightning.plans(who, limit=_PAGE)
        found = _only((view.plan_id, view) for view in recent if _begins(view.plan_id, said))
        if found is None:
            raise NotFound(f"There is no plan {said[:40]}.", hint=_LIST) from None
        return found


async def run_of(lightning: Lightning, who: Principal, said: str) -> RunState:
    """The run of that id, in the same way, for who looked for a plan of that id before."""
    try:
        return await lightning.run_state(who, said)
    except NotFound:
        recent, _ = await lightning.runs(who, limit=_PAGE)
        ids = [str(run["run_id"]) for run in recent]
        found = _only((id, id) for id in ids if _begins(id, said))
        if found is None:
            raise NotFound(f"There is no plan or run {said[:40]}.", hint=_LIST) from None
        return await lightning.run_state(who, found)


async def meant(lightning: Lightning, who: Principal, said: str) -> str:
    """An id with the beginning of a plan's or a run's in its first part ("run:step") made whole; every
    other id as it is."""
    start, colon, rest = said.partition(":")
    if not SHORTEST <= len(start) < _WHOLE or not set(start.lower()) <= _HEX:
        return said
    with contextlib.suppress(NotFound):
        return f"{(await plan_of(lightning, who, start)).plan_id}{colon}{rest}"
    with contextlib.suppress(NotFound):
        return f"{(await run_of(lightning, who, start)).run_id}{colon}{rest}"
    return said


def _begins(id: str, said: str) -> bool:
    return len(said) >= SHORTEST and id.startswith(said.lower())


def _only(found: Iterable[tuple[str, Found]]) -> Found | None:
    those = list(found)
    if len(those) > 1:
        ids = tuple(id[:12] for id, _ in those)
        raise Invalid(
            "Several begin with that.",
            code="PLAN_ID_AMBIGUOUS",
            hint=f"Say more of it: {', '.join(ids[:5])}",
        )
    return those[0][1] if those else None
