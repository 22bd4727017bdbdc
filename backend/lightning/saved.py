"""Saved plans: kept under a name, found again, looked back on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.contracts.errors import Invalid, Issue
from backend.contracts.events import derived_id
from backend.contracts.plans import Checked, PlanDocument, SavedPlan, Template
from backend.contracts.security import Principal
from backend.contracts.views import PlanRevision, PlanView
from backend.drivers.saved import slug
from backend.drivers.turn import commits_of
from backend.lightning.plans import Plans
from backend.lightning.shelf import MOST
from backend.plans.changes import changes
from backend.plans.ir import compile_document, ir_hash
from backend.plans.nested import cycle, with_saved
from backend.plans.parametrise import parametrise
from backend.plans.templates import templates

_LONGEST_NAME = 80
_LATER = frozenset({"PLAN_SETTING_MISSING"})  # may be made right without touching the plan


class SavedPlans(Plans):
    """The verbs of plans that are kept."""

    async def save(
        self,
        who: Principal,
        plan_id: str,
        name: str | None = None,
        revision: int | None = None,
    ) -> PlanView:
        """Keep a revision (None: the newest) under a name: the tool `plan.<slug>` is exactly that
        revision until another is saved. Without a `name` it keeps the one it has, or gets its title.
        Saving again under another name renames it. `Invalid` for a plan with errors, and for one
        that would come to call itself."""
        view = await self._stored(who, plan_id, revision)
        kept = {plan.plan_id: plan for plan in await self._shelf.plans(who.user_id)}
        before = kept.get(plan_id)
        called = _named(name) or (before.name if before else _named(view.document.plan_name))
        if before is None and len(kept) >= MOST:
            raise Invalid(f"{MOST} saved plans are the most.", code="PLAN_TOO_MANY_SAVED")
        checked = await self.validate(who, view.document, view.timezone)
        if wrong := _errors(checked):
            message = "The plan has errors; mend them first."
            raise Invalid(message, code="PLAN_HAS_ERRORS", issues=wrong)
        plan = SavedPlan(
            before.slug if before else slug(called),
            called,
            plan_id,
            view.revision,
            view.ir_hash,
            view.document,
        )
        others = [other for id, other in kept.items() if id != plan_id]
        circle = cycle(plan.tool, with_saved(self.registry.catalogue(), [*others, plan]))
        if circle:
            way = " → ".join(circle)
            raise Invalid(f"It would call itself: {way}.", code="PLAN_CYCLE")
        data = {
            "plan_id": plan_id,
            "revision": view.revision,
            "ir_hash": view.ir_hash,
            "name": called,
            "about": _about(view),
        }
        await self._inside(who, "plan.save", data)
        return await self.plan(who, plan_id)

    async def save_template(
        self,
        who: Principal,
        plan_id: str,
        name: str | None = None,
        paths: Sequence[str] | None = None,
    ) -> PlanView:
        """Keep a plan with inputs in the place of values written into it: of those at `paths`
        ("steps/0/args/url"), or (None) of every recipient, address and file. Where that changes
        anything it is a plan of its own, the same one each time: that from which it is made goes on as
        it is."""
        view = await self._stored(who, plan_id, None)
        document = parametrise(view.document, await self.catalogue(who), paths)
        if document == view.document:
            return await self.save(who, plan_id, name)
        made = await self._template(who, view, document)
        return await self.save(who, made, name)

    async def unsave(self, who: Principal, plan_id: str) -> PlanView:
        """Let go of the name. The plan stays, and so does what was approved to call it."""
        await self._own(who, "plan", plan_id)
        await self._inside(who, "plan.unsave", {"plan_id": plan_id})
        return await self.plan(who, plan_id)

    async def saved(self, who: Principal, words: str = "") -> list[SavedPlan]:
        """By name; with `words`, those in which they stand, the best first."""
        return await self._shelf.plans(who.user_id, words)

    def templates(self) -> tuple[Template, ...]:
        """The shipped plans to start from, by name."""
        return templates()

    async def history(self, who: Principal, plan_id: str) -> list[PlanRevision]:
        """All revisions of a plan, the newest first."""
        plan = await self._own(who, "plan", plan_id)
        decided = await self._decided(plan_id)
        kept = (plan.body or {}).get("saved")
        found: list[PlanRevision] = []
        before: PlanDocument | None = None
        cursor: str | None = None
        while True:
            page = await self.store.list(
                "revision",
                owner=who.user_id,
                parent=plan_id,
                cursor=cursor,
                limit=200,
                newest_first=False,
            )
            for document in page.items:
                body = document.body or {}
                now = PlanDocument.model_validate(body["document"])
                number = body["revision"]
                revision = PlanRevision(
                    number,
                    datetime.fromisoformat(body["created_at"]),
                    body["origin"],
                    ir_hash=body["ir_hash"],
                    request=body.get("request") or "",
                    saved=number == kept,
                    changes=changes(before, now) if before else (),
                )
                found.append(replace(revision, **decided.get(number, {})))
                before = now
            if (cursor := page.cursor) is None:
                return found[::-1]

    # --- inside -----------------------------------------------------------------------------------

    async def _template(self, who: Principal, view: PlanView, document: PlanDocument) -> str:
        """The plan that is the template of this one, its newest revision the document."""
        first = f"template:{view.plan_id}"
        made = derived_id("plan", who.user_id, first)
        plan = await self.store.get("plan", made, who.user_id)
        proposal = first
        if plan is not None:
            if (await self._stored(who, made, None)).document == document:
                return made
            digest = ir_hash(compile_document(document))
            proposal = f"{first}:{(plan.body or {})['latest']}:{digest}"
        await self.propose(
            who,
            document,
            plan_id=made if plan is not None else None,
            request=view.request,
            origin="edited",
            planner=view.planner,
            timezone=view.timezone,
            proposal_id=proposal,
            provenance=view.provenance,
        )
        return made

    async def _decided(self, plan_id: str) -> dict[int, dict[str, Any]]:
        """What became of each revision, from the plan's own log."""
        found: dict[int, dict[str, Any]] = {}
        offered = 0
        for commit in await commits_of(self.bus, f"plan:{plan_id}"):
            for event in commit.outputs:
                match event.type:
                    case "plan.proposed":
                        offered = event.data["revision"]
                    case "plan.approved" | "plan.rejected":
                        word = event.type.removeprefix("plan.")
                        by, at = event.user_id, event.timestamp
                        found[offered] = {"decided": word, "decided_by": by, "decided_at": at}
        return found

    async def _inside(self, who: Principal, type: str, data: dict[str, Any]) -> None:
        command = self._commands.event(who, type, data, outside=False)
        await self._commands.decide(command)


def _named(name: str | None) -> str:
    return " ".join((name or "").split())[:_LONGEST_NAME].strip()


def _errors(checked: Checked) -> tuple[Issue, ...]:
    """What is wrong with the plan itself, whatever the settings and the clock say."""
    return tuple(
        issue
        for issue in checked.issues
        if issue.severity == "error"
        and issue.code not in _LATER
        and not issue.path.startswith("events")
    )


def _about(view: PlanView) -> dict[str, Any]:
    """The words by which a plan is found again."""
    steps = view.document.steps
    return {
        "title": view.document.plan_name,
        "description": view.document.description,
        "request": view.request[:2000],
        "tools": sorted({step.action for step in steps}),
        "steps": [step.name for step in steps[:50]],
    }
