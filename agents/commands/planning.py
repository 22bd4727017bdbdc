"""What `generate` plans with: a planner, the tools, a time zone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from agents.commands.documents import as_document
from agents.planner.session import OnStage, Outcome, plan_once
from agents.terminal import settings_alone
from backend.bootstrap import open_planning, open_system
from backend.contracts.errors import Invalid, RateLimited, Unavailable
from backend.contracts.events import utc_now
from backend.contracts.plans import Catalogue
from backend.contracts.ports import Planner, PlanRequest
from backend.plans.firings import zone
from backend.plans.validation.shape import shape
from backend.security.credentials import LOCAL_USER
from backend.settings import Settings, machine_timezone

MAX_REQUEST = 200_000
_WAY_ON = "Try again, or plan without a model: --offline"


@dataclass(frozen=True, slots=True)
class Desk:
    """`model` says that the planner asks one."""

    planner: Planner
    catalogue: Catalogue
    timezone: str
    model: bool

    async def plan(
        self,
        request: str,
        *,
        previous: Any = None,
        now: datetime | None = None,
        timezone: str | None = None,
        on_stage: OnStage | None = None,
    ) -> Outcome:
        """`previous` is the plan that the request is said about. Raises what the planner's model fails
        with, and `Invalid` (PLAN_ZONE_UNKNOWN, PLAN_REQUEST_INVALID, PLAN_PREVIOUS_INVALID)."""
        if not request.strip() or len(request) > MAX_REQUEST:
            raise Invalid(
                f"A request has 1 to {MAX_REQUEST:,} characters.", code="PLAN_REQUEST_INVALID"
            )
        here = timezone or self.timezone
        moment = now or utc_now()
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone(here))
        zone(here)
        before = plan_before(previous) if previous is not None else None
        asked = PlanRequest(request, LOCAL_USER, here, moment, self.catalogue, previous=before)
        try:
            return await plan_once(self.planner, asked, on_stage)
        except (Unavailable, RateLimited) as error:
            error.hint = _WAY_ON
            raise


def plan_before(raw: Any) -> dict[str, Any]:
    """A plan to be revised; one with faults will do, as long as it has the shape of one. Raises `Invalid`
    (PLAN_PREVIOUS_INVALID)."""
    document, issues = shape(raw)
    if document is None:
        said = "What is to be changed is not a plan."
        raise Invalid(said, code="PLAN_PREVIOUS_INVALID", issues=issues)
    return as_document(document)


@asynccontextmanager
async def open_desk(
    *, offline: bool = False, catalogue: Catalogue | None = None, timezone: str = ""
) -> AsyncIterator[Desk]:
    """Opens the database only to see the person's saved plans: where there is one, and the tools are
    not given."""
    chosen = settings_alone()
    async with open_planning(chosen) as planning:
        planners = planning.planners
        name = "offline" if offline else next(iter(planners), "")
        if name not in planners:
            raise Unavailable("No planner is installed.", code="PLAN_NO_PLANNER")
        if catalogue is None:
            catalogue = await _own(chosen) or planning.catalogue
        here = timezone or chosen.timezone or machine_timezone()
        yield Desk(planners[name], catalogue, here, model=name != "offline")


async def _own(chosen: Settings) -> Catalogue | None:
    if not chosen.database.is_file():
        return None
    async with open_system(chosen) as system:
        lightning = system.lightning
        return await lightning.catalogue(await lightning.users.local_user())


def given_catalogue(file: Path | None) -> Catalogue | None:
    if file is None:
        return None
    from agents.catalogues import read_catalogue

    return read_catalogue(file)
