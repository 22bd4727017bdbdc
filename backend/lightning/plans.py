"""Plans: proposed, edited, looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backend.contracts.errors import Conflict, Invalid, Issue
from backend.contracts.events import derived_id, new_id
from backend.contracts.plans import Catalogue, Checked, PlanDocument
from backend.contracts.security import Principal
from backend.contracts.views import PlanView
from backend.lightning.inputs import check_inputs
from backend.lightning.parts import Parts
from backend.lightning.views import plan_view
from backend.plans.edits import edit as edit_document
from backend.plans.lockfile import Lock, Origin, make_lock, tools_hash, trust_of
from backend.plans.nested import bindings
from backend.plans.validation import check

# What a stored revision says beside what validation says of it now.
REMARKS = frozenset({"PLAN_REVALIDATED"})


class Plans(Parts):
    """The verbs of plans that are not decided yet, and the look at any."""

    async def catalogue(self, who: Principal) -> Catalogue:
        """The tools `who` may use, their saved plans among them."""
        return await self._shelf.catalogue(who.user_id, self.registry.catalogue())

    async def validate(
        self,
        who: Principal,
        document: Any,
        timezone: str | None = None,
        not_covered: Sequence[str] = (),
        request: str = "",
    ) -> Checked:
        """All that is right and wrong with a plan document (a mapping, or anything else at all), also
        against what was asked for in `request`."""
        return check(
            document,
            await self.catalogue(who),
            now=self.now(),
            timezone=timezone or self.timezone,
            not_covered=tuple(not_covered),
            request=request,
            validators=self.validators,
            budget_usd=self.settings.plan_budget_usd,
        )

    async def propose(
        self,
        who: Principal,
        document: Mapping[str, Any] | PlanDocument,
        *,
        plan_id: str | None = None,
        thread_id: str | None = None,
        request: str = "",
        origin: Origin = "hand",
        planner: str = "",
        sources: Mapping[str, str] | None = None,
        not_covered: Sequence[str] = (),
        timezone: str | None = None,
        proposal_id: str | None = None,
        provenance: Mapping[str, Any] | None = None,
        remarks: Sequence[Issue] = (),
    ) -> PlanView:
        """Store a document as a new plan, or as the next revision of `plan_id`, for approval.

        It may have issues, they are shown; but its shape must be right (`Invalid`). The same
        `proposal_id` proposes once, however often it is sent. `sources` add to those of the revision
        before. `origin` is "planner" only where a planning session of ours made the document, and then
        `provenance` is the session's; nobody outside can say either. `remarks` stay with the
        revision, beside the issues.
        """
        zone = timezone or self.timezone
        checked = await self.validate(who, document, zone, not_covered, request)
        if checked.document is None or checked.ir is None:
            raise Invalid("This is not a plan.", issues=checked.issues)
        before = None
        if plan_id is not None:
            before = await self._stored(who, plan_id, None)
            sources = {**before.sources, **(sources or {})}
        elif proposal_id is not None:
            plan_id = derived_id("plan", who.user_id, proposal_id)
        plan_id = plan_id or new_id()
        catalogue = await self.catalogue(who)
        planning_id = (provenance or {}).get("planning_id")
        lock = make_lock(
            checked.ir,
            catalogue,
            self.settings.jwt_signing_key,
            created_by=planner if origin == "planner" else who.user_id,
            created_at=self.now(),
            origin=origin,
            trust=trust_of(origin, before.trust if before else None),
            planning_id=planning_id or "",
        )
        data = _revision(checked, lock) | {
            "plan_id": plan_id,
            "catalogue_hash": tools_hash(checked.ir, catalogue),
            "nested": bindings(checked.ir, catalogue),
            "issues": [i.model_dump(mode="json") for i in (*checked.issues, *remarks)],
            "timezone": zone,
            "thread_id": thread_id,
            "request": request,
            "origin": origin,
            "planner": planner,
            "sources": dict(sources or {}),
            "not_covered": list(not_covered),
            "provenance": self.redaction.value(provenance or {}),
            "planning_id": planning_id,
        }
        event_id = derived_id("propose", who.user_id, proposal_id) if proposal_id else None
        command = self._commands.event(
            who,
            "plan.propose",
            data,
            outside=False,
            event_id=event_id,
            correlation_id=planning_id,
        )
        await self._commands.decide(command, again=event_id is not None)
        return await self.plan(who, plan_id)

    async def edit(
        self, who: Principal, plan_id: str, ir_hash: str, edits: Mapping[str, Any]
    ) -> PlanView:
        """A new revision with some literals changed, from exactly the revision the person saw."""
        view = await self._at(who, plan_id, ir_hash)
        document = edit_document(view.document, edits, await self.catalogue(who))
        sources = dict(view.sources)
        for path in edits:
            parts = path.split("/")
            if parts[0] == "steps" and len(parts) > 3:
                sources[f"{document.steps[int(parts[1])].name}.{parts[3]}"] = "edited"
        return await self.propose(
            who,
            document,
            plan_id=plan_id,
            thread_id=view.thread_id,
            request=view.request,
            origin="edited",
            planner=view.planner,
            sources=sources,
            not_covered=view.not_covered,
            timezone=view.timezone,
            provenance=view.provenance,
        )

    async def plan(self, who: Principal, plan_id: str, revision: int | None = None) -> PlanView:
        """As of its newest revision, or of `revision`. The issues of a proposal are those of now: a
        setting may have been made since, a time may have passed."""
        view = await self._stored(who, plan_id, revision)
        if view.status != "proposed":
            return view
        issues = self.checking.issues(view, await self.catalogue(who), self.now())
        return replace(view, issues=(*issues, *(i for i in view.issues if i.code in REMARKS)))

    async def plans(
        self, who: Principal, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[PlanView], str | None]:
        """The newest first, with the cursor of the next page."""
        page = await self.store.list("plan", owner=who.user_id, cursor=cursor, limit=limit)
        return [await self.plan(who, d.id) for d in page.items], page.cursor

    # --- inside -----------------------------------------------------------------------------------

    async def _inputs(
        self, who: Principal, plan_id: str, given: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Inputs of one run, beside those the plan was approved with."""
        plan = await self._own(who, "plan", plan_id)
        approved = (plan.body or {}).get("approved")
        if approved is None or not given:
            return dict(given)
        view = await self._stored(who, plan_id, approved)
        return check_inputs(view.document.inputs, given, whole=False)

    async def _at(self, who: Principal, plan_id: str, ir_hash: str) -> PlanView:
        view = await self.plan(who, plan_id)
        if view.ir_hash != ir_hash:
            raise Conflict(
                "The plan has changed since you saw it.",
                code="PLAN_REVISION_CHANGED",
                hint="Look at the newest card.",
            )
        return view

    async def _stored(self, who: Principal, plan_id: str, revision: int | None) -> PlanView:
        return await plan_view(
            self.store,
            who.user_id,
            plan_id,
            revision,
            catalogue=await self.catalogue(who),
            now=self.now(),
            key=self.settings.jwt_signing_key,
        )

    async def _again(
        self,
        who: Principal,
        view: PlanView,
        origin: Origin,
        remarks: Sequence[Issue],
        proposal_id: str,
    ) -> PlanView:
        """Offer the same document anew, checked against the tools of now; once per `proposal_id`."""
        return await self.propose(
            who,
            view.document,
            plan_id=view.plan_id,
            thread_id=view.thread_id,
            request=view.request,
            origin=origin,
            planner=view.planner,
            sources=view.sources,
            not_covered=view.not_covered,
            timezone=view.timezone,
            proposal_id=proposal_id,
            provenance=view.provenance,
            remarks=remarks,
        )


def _revision(checked: Checked, lock: Lock) -> dict[str, Any]:
    """What a revision keeps of its document."""
    assert checked.document is not None and checked.ir is not None
    return {
        "document": checked.document.model_dump(mode="json", exclude_defaults=True),
        "ir": checked.ir.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "ir_hash": checked.ir_hash,
        "lock": lock.as_json(),
        "valid": checked.ok,
        "triggers": [t.model_dump(mode="json", exclude_none=True) for t in checked.document.events],
        "title": checked.document.plan_name,
    }
