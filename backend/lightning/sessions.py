"""Planning sessions: had, recorded, looked at."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from backend.contracts.errors import LightningError
from backend.contracts.events import derived_id, new_id
from backend.contracts.planning import PLANNING, PlanningRecord
from backend.contracts.ports import Document, PlanAnswer, Planner, PlanRequest
from backend.contracts.security import Principal
from backend.contracts.views import PlanView
from backend.lightning.plans import Plans

_record: TypeAdapter[PlanningRecord] = TypeAdapter(PlanningRecord)


class Sessions(Plans):
    """The verbs of planning. A session is kept for as long as a closed run; the revision that came of
    it keeps its `provenance` for good."""

    async def propose_words(
        self,
        who: Principal,
        planner: Planner,
        text: str,
        timezone: str | None = None,
        proposal_id: str | None = None,
    ) -> PlanView | PlanAnswer:
        """Have `planner` make a plan of `text`, and propose it; the answer itself when it is no plan.

        The session is recorded, whatever comes of it. Errors: those of the planner's model.
        """
        zone = timezone or self.timezone
        if proposal_id is not None:
            plan_id = derived_id("plan", who.user_id, proposal_id)
            if await self.store.get("plan", plan_id, who.user_id):
                return await self.plan(who, plan_id)
        session = derived_id("planning", who.user_id, proposal_id) if proposal_id else new_id()
        answer, record = await self.ask(who, planner, text, zone, session)
        if answer.kind != "plan" or answer.document is None:
            return answer
        view = await self.propose(
            who,
            answer.document,
            request=text,
            origin="planner",
            planner=answer.planner,
            sources=answer.sources,
            not_covered=answer.not_covered,
            timezone=zone,
            proposal_id=proposal_id,
            provenance=record.provenance(),
        )
        await self.record(who, proposed(record, view))
        return view

    async def ask(
        self, who: Principal, planner: Planner, text: str, timezone: str, planning_id: str
    ) -> tuple[PlanAnswer, PlanningRecord]:
        """What `planner` answers to `text`, and the session's record, which is kept."""
        request = PlanRequest(text, who.user_id, timezone, self.now(), await self.catalogue(who))
        record = PlanningRecord(planning_id, who.user_id, text, request.now, "error")
        began = time.perf_counter()
        try:
            answer = await planner.plan(request)
        except Exception as error:
            code = error.code if isinstance(error, LightningError) else LightningError.code
            await self.record(who, replace(record, code=code, duration_ms=_since(began)))
            raise
        record = answered(record, answer, duration_ms=_since(began))
        await self.record(who, record)
        return answer, record

    async def record(self, who: Principal, record: PlanningRecord) -> None:
        """Keep a planning session of `who`'s, or what more is known of it. Secrets are masked."""
        owned = replace(record, owner=who.user_id)
        body = self.redaction.value(_record.dump_python(owned, mode="json"))
        await self.store.put(
            Document(
                PLANNING,
                record.id,
                who.user_id,
                body,
                parent=record.thread_id,
                status=record.outcome,
                sort=record.started_at.isoformat(),
                due_at=self.now() + timedelta(days=self.settings.retention_days),
            )
        )

    async def planning(self, who: Principal, planning_id: str) -> PlanningRecord:
        """How a planning session went. Raises `NotFound`, also for one that is forgotten by now."""
        found = await self._own(who, PLANNING, planning_id)
        return _record.validate_python(found.body)

    async def plannings(
        self, who: Principal, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[PlanningRecord], str | None]:
        """The newest first, with the cursor of the next page."""
        page = await self.store.list(PLANNING, owner=who.user_id, cursor=cursor, limit=limit)
        return [_record.validate_python(d.body) for d in page.items], page.cursor


def answered(
    record: PlanningRecord,
    answer: PlanAnswer,
    *,
    duration_ms: float,
    stages: tuple[Mapping[str, Any], ...] | None = None,
    repairs: tuple[Mapping[str, str], ...] = (),
) -> PlanningRecord:
    """The record with what a planner answered."""
    return replace(
        record,
        outcome=answer.kind,
        planner=answer.planner,
        model=str(answer.usage.get("model", "")),
        duration_ms=duration_ms,
        stages=answer.stages if stages is None else stages,
        repairs=repairs,
        selection=answer.selection,
        usage=answer.usage,
        confidence=answer.confidence,
        not_covered=answer.not_covered,
    )


def proposed(record: PlanningRecord, view: PlanView) -> PlanningRecord:
    """The record with the revision that came of it."""
    return replace(record, plan_id=view.plan_id, revision=view.revision, ir_hash=view.ir_hash)


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
