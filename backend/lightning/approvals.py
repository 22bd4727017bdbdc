"""Decisions about plans: approved, turned down, ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.contracts.errors import Conflict, Invalid, Issue
from backend.contracts.events import derived_id
from backend.contracts.security import Principal
from backend.contracts.views import PlanView
from backend.lightning.inputs import check_inputs
from backend.lightning.plans import Plans
from backend.plans.ir import compile_document
from backend.plans.lockfile import tools_hash


class Approvals(Plans):
    """The verbs that decide."""

    async def approve(
        self,
        who: Principal,
        plan_id: str,
        ir_hash: str,
        catalogue_hash: str | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> PlanView:
        """Approve exactly this revision: it is scheduled if it has a time, else it runs now.

        Asking again for the same is answered with what the first did. `Conflict` when the plan or
        one of its tools has changed since; then a fresh revision waits to be looked at.
        """
        view = await self._at(who, plan_id, ir_hash)
        if view.status == "proposed":
            data = await self._approval(who, view, catalogue_hash, inputs or {})
            await self._command(who, "plan.approve", data)
        elif view.status not in ("approved", "scheduled"):
            raise Conflict(f"This plan was {view.status}.", code="PLAN_NOT_OPEN")
        return await self.plan(who, plan_id)

    async def reject(self, who: Principal, plan_id: str, reason: str = "") -> PlanView:
        await self._own(who, "plan", plan_id)
        await self._command(who, "plan.reject", {"plan_id": plan_id, "reason": reason[:1000]})
        return await self.plan(who, plan_id)

    async def archive(self, who: Principal, plan_id: str) -> PlanView:
        """End a plan and its schedules. What runs goes on."""
        await self._own(who, "plan", plan_id)
        await self._command(who, "plan.archive", {"plan_id": plan_id})
        return await self.plan(who, plan_id)

    # --- inside -----------------------------------------------------------------------------------

    async def _approval(
        self,
        who: Principal,
        view: PlanView,
        catalogue_hash: str | None,
        inputs: Mapping[str, Any],
    ) -> dict[str, Any]:
        """What `plan.approve` says of a proposal that may be approved."""
        given = check_inputs(view.document.inputs, inputs)
        await self._hold(who, view, catalogue_hash)
        if _faulty(view):
            raise Invalid(
                "The plan has errors; mend them first.",
                code="PLAN_HAS_ERRORS",
                issues=view.issues,
            )
        if _faulty(await self._stored(who, view.plan_id, view.revision)):
            # what was wrong was not in the plan, and is no more; once, however many ask
            mended = _revalidated("What was wrong with it before is not any more; checked anew.")
            key = f"{view.plan_id}:{view.revision}:mended"
            await self._again(who, view, view.origin, (mended,), key)
        return {
            "plan_id": view.plan_id,
            "ir_hash": view.ir_hash,
            "catalogue_hash": view.catalogue_hash,
            "inputs": given,
        }

    async def _hold(self, who: Principal, view: PlanView, seen: str | None) -> None:
        """Raise `Conflict` where the plan or its tools are not what was locked, or the tools not those
        that were `seen`; a fresh revision then says what has changed."""
        catalogue = await self.catalogue(who)
        changes = self.checking.lock(view, catalogue)
        if not changes and seen in (None, view.catalogue_hash):
            return
        ours = all(issue.code == "PLAN_TOOLS_CHANGED" for issue in changes)
        said = [f"{issue.message.rstrip('.')}; checked anew." for issue in changes]
        remarks = tuple(
            map(_revalidated, said or ["You had seen it with other tools; checked anew."])
        )
        now = derived_id(tools_hash(compile_document(view.document), catalogue), *said)
        key = f"{view.plan_id}:{view.revision}:{now}"
        await self._again(who, view, view.origin if ours else "hand", remarks, key)
        raise Conflict(
            "A tool it uses has changed since." if ours else "The plan was changed since by hand.",
            code="PLAN_TOOLS_CHANGED" if ours else "PLAN_LOCK_BROKEN",
            hint="Look at the fresh revision and approve that.",
            issues=changes,
        )


def _revalidated(message: str) -> Issue:
    return Issue(code="PLAN_REVALIDATED", message=message, severity="info")


def _faulty(view: PlanView) -> bool:
    return any(issue.severity == "error" for issue in view.issues)
