"""Lightning's verbs. Every one acts for somebody, and checks that it is theirs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import structlog

from backend.contracts.errors import Conflict, Invalid, NotFound
from backend.contracts.events import EVENT_TYPES, Event, derived_id, new_id
from backend.contracts.plans import Catalogue, Checked, PlanDocument
from backend.contracts.ports import Blobs, Bus, Document, Files, Store
from backend.contracts.runs import RunState
from backend.contracts.schedules import Schedule
from backend.contracts.security import Principal
from backend.contracts.views import PlanView, ThreadUpdate
from backend.drivers.runs import RunDecider
from backend.lightning.commands import Commands
from backend.lightning.following import follow_thread, running
from backend.lightning.inputs import check_inputs
from backend.lightning.views import plan_view, schedule
from backend.plans.edits import edit as edit_document
from backend.plans.ir import compile_document
from backend.plans.lockfile import tools_hash
from backend.plans.validation import check
from backend.security.authorize import check_outside
from backend.security.credentials import Credentials
from backend.settings import Settings
from backend.tools.registry import Registry

log = structlog.get_logger()

Origin = Literal["planner", "edited", "hand"]


class Lightning:
    """All that can be asked of the product. Built by `backend.bootstrap`; raises `LightningError`s.

    `who` is the person acting; what belongs to others is answered as if it did not exist.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        store: Store,
        blobs: Blobs,
        files: Files,
        registry: Registry,
        runs: RunDecider,
        users: Credentials,
        settings: Settings,
        now: Callable[[], datetime],
        timezone: str,
    ) -> None:
        self.bus = bus
        self.store = store
        self.blobs = blobs
        self.files = files
        self.registry = registry
        self.users = users
        self.settings = settings
        self.now = now
        self.timezone = timezone
        self._runs = runs
        self._commands = Commands(bus, now)

    # --- plans ------------------------------------------------------------------------------------

    async def catalogue(self, who: Principal) -> Catalogue:
        """The tools `who` may use."""
        return self.registry.catalogue()

    async def validate(
        self,
        who: Principal,
        document: Any,
        timezone: str | None = None,
        not_covered: Sequence[str] = (),
    ) -> Checked:
        """All that is right and wrong with a plan document (a mapping, or anything else at all)."""
        return check(
            document,
            await self.catalogue(who),
            now=self.now(),
            timezone=timezone or self.timezone,
            not_covered=tuple(not_covered),
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
    ) -> PlanView:
        """Store a document as a new plan, or as the next revision of `plan_id`, for approval.

        It may have issues, they are shown; but its shape must be right (`Invalid`). The same
        `proposal_id` proposes once, however often it is sent. `sources` add to those of the revision
        before.
        """
        zone = timezone or self.timezone
        checked = await self.validate(who, document, zone, not_covered)
        if checked.document is None or checked.ir is None:
            raise Invalid("This is not a plan.", issues=checked.issues)
        if plan_id is not None:
            before = await self.plan(who, plan_id)
            sources = {**before.sources, **(sources or {})}
        elif proposal_id is not None:
            plan_id = derived_id("plan", who.user_id, proposal_id)
        plan_id = plan_id or new_id()
        stored = checked.document.model_dump(mode="json", exclude_defaults=True)
        data = {
            "plan_id": plan_id,
            "document": stored,
            "ir": checked.ir.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            "ir_hash": checked.ir_hash,
            "catalogue_hash": tools_hash(checked.ir, await self.catalogue(who)),
            "issues": [i.model_dump(mode="json") for i in checked.issues],
            "valid": checked.ok,
            "triggers": [
                t.model_dump(mode="json", exclude_none=True) for t in checked.document.events
            ],
            "title": checked.document.plan_name,
            "timezone": zone,
            "thread_id": thread_id,
            "request": request,
            "origin": origin,
            "planner": planner,
            "sources": dict(sources or {}),
            "not_covered": list(not_covered),
        }
        event_id = derived_id("propose", who.user_id, proposal_id) if proposal_id else None
        command = self._commands.event(who, "plan.propose", data, outside=False, event_id=event_id)
        await self._commands.decide(command)
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
        )

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

    async def plan(self, who: Principal, plan_id: str, revision: int | None = None) -> PlanView:
        """As of its newest revision, or of `revision`. The issues of a proposal are those of now: a
        setting may have been made since, a time may have passed."""
        view = await self._stored(who, plan_id, revision)
        if view.status != "proposed":
            return view
        checked = await self.validate(who, view.document, view.timezone, view.not_covered)
        return replace(view, issues=checked.issues)

    async def plans(
        self, who: Principal, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[PlanView], str | None]:
        """The newest first, with the cursor of the next page."""
        page = await self.store.list("plan", owner=who.user_id, cursor=cursor, limit=limit)
        return [await self.plan(who, d.id) for d in page.items], page.cursor

    # --- runs -------------------------------------------------------------------------------------

    async def run(
        self, who: Principal, plan_id: str, inputs: Mapping[str, Any] | None = None
    ) -> str:
        """Run the approved revision now; returns the run's id."""
        given = await self._inputs(who, plan_id, inputs or {})
        data = {"plan_id": plan_id, "inputs": given}
        commit = await self._command(who, "plan.trigger", data)
        return next(str(e.data["run_id"]) for e in commit.outputs if e.type == "plan.execute")

    async def cancel(self, who: Principal, run_id: str) -> RunState:
        """Stop a run: nothing new starts. What had been sent stays sent."""
        await self.run_state(who, run_id)
        await self._command(who, "run.cancel", {"run_id": run_id})
        return await self.run_state(who, run_id)

    async def answer(
        self,
        who: Principal,
        run_id: str,
        step: str,
        answer: Any,
        index: int | None = None,
        iteration: int | None = None,
    ) -> RunState:
        """Answer what a step asks. `index` names the item of a `for_each` step; `iteration`, where
        given, must be the one that asks, so that a late answer never meets the next question.
        `Conflict` when it no longer asks."""
        await self.run_state(who, run_id)
        data = {"run_id": run_id, "step": step, "answer": answer, "index": index}
        if iteration is not None:
            data["iteration"] = iteration
        commit = await self._command(who, "run.answer", data)
        if any(e.type == "event.ignored" for e in commit.outputs):
            raise Conflict("This step is not asking any more.", code="EXEC_TOO_LATE")
        return await self.run_state(who, run_id)

    async def run_state(self, who: Principal, run_id: str) -> RunState:
        state = (await running(self.bus, self._runs, run_id, who.user_id)).state
        if state is None:
            raise NotFound("There is no such run.", code="EXEC_RUN_UNKNOWN")
        return state

    async def runs(
        self,
        who: Principal,
        plan_id: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Summaries, the newest first, with the cursor of the next page."""
        page = await self.store.list(
            "run", owner=who.user_id, parent=plan_id, cursor=cursor, limit=limit
        )
        return [dict(d.body or {}) for d in page.items], page.cursor

    async def run_events(
        self, who: Principal, run_id: str, cursor: str | None = None
    ) -> tuple[list[Event], str]:
        await self._own(who, "run", run_id)
        page = await self.bus.history(f"run:{run_id}", cursor)
        return [e for c in page.commits for e in (c.cause, *c.outputs)], page.cursor

    async def follow_run(
        self, who: Principal, run_id: str, cursor: str | None = None
    ) -> AsyncGenerator[tuple[list[Event], str], None]:
        """The run's events since `cursor`, then live. Ends with the run."""
        await self._own(who, "run", run_id)
        stream = f"run:{run_id}"
        async with aclosing(self.bus.follow({stream: cursor})) as feed:
            async for news in feed:
                page = news[stream]
                events = [e for c in page.commits for e in (c.cause, *c.outputs)]
                yield events, page.cursor
                if any(e.type in ("run.completed", "run.failed", "run.cancelled") for e in events):
                    return

    # --- live thread ------------------------------------------------------------------------------

    def follow(
        self, who: Principal, thread_id: str, cursor: str | None = None
    ) -> AsyncGenerator[ThreadUpdate, None]:
        """What is new in a thread since `cursor`, then live; at most one update per 50 ms."""

        async def view(plan_id: str) -> PlanView:
            return await self.plan(who, plan_id)

        return follow_thread(self.bus, self._runs, view, who.user_id, thread_id, cursor)

    # --- schedules --------------------------------------------------------------------------------

    async def schedules(self, who: Principal) -> list[Schedule]:
        """Those that have not ended, the next due first, then the paused ones."""
        found: list[Schedule] = []
        for status in ("active", "paused"):
            cursor: str | None = None
            while True:
                page = await self.store.list(
                    "schedule",
                    owner=who.user_id,
                    status=status,
                    cursor=cursor,
                    limit=500,
                    newest_first=False,
                )
                found += map(schedule, page.items)
                if (cursor := page.cursor) is None:
                    break
        return found

    async def pause(self, who: Principal, schedule_id: str) -> Schedule:
        return await self._schedule(who, "schedule.pause", schedule_id)

    async def resume(self, who: Principal, schedule_id: str) -> Schedule:
        return await self._schedule(who, "schedule.resume", schedule_id)

    async def delete_schedule(self, who: Principal, schedule_id: str) -> Schedule:
        return await self._schedule(who, "schedule.delete", schedule_id)

    # --- events -----------------------------------------------------------------------------------

    async def publish(
        self,
        who: Principal,
        type: str,
        data: Mapping[str, Any],
        *,
        event_id: str | None = None,
        user_id: str | None = None,
    ) -> str:
        """Take an event from outside; returns its id. The same id is taken once. A command is held
        against what it is about before it is taken: what only its stream can tell is answered there."""
        owner = user_id or who.user_id
        check_outside(who, type, data, owner)
        if type in EVENT_TYPES:
            payload = await self._checked(replace(who, user_id=owner), type, data)
            name, outside = type, True
        else:
            name, payload, outside = "event.received", {"type": type, "data": dict(data)}, False
        scoped = derived_id("event", owner, event_id) if event_id else None
        event = self._commands.event(
            who, name, payload, outside=outside, event_id=scoped, user_id=owner
        )
        await self._commands.send(event)
        return event_id or event.id

    async def health(self) -> dict[str, Any]:
        """Whether the parts we depend on answer: {"status", "checks": {name: "ok" | reason}}."""
        checks: dict[str, str] = {}
        try:
            await self.store.list("user", owner=None, limit=1)
            await self.bus.history("health:check")
            checks["database"] = "ok"
        except Exception:
            # Anybody may ask for health: what is wrong in detail stays in the log.
            log.exception("health.degraded", check="database")
            checks["database"] = "does not answer"
        good = all(value == "ok" for value in checks.values())
        return {"status": "ok" if good else "degraded", "checks": checks}

    # --- inside -----------------------------------------------------------------------------------

    async def _command(self, who: Principal, type: str, data: Mapping[str, Any]) -> Any:
        return await self._commands.decide(self._commands.event(who, type, data, outside=True))

    async def _checked(self, who: Principal, type: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """A command's data as its stream may take it. Raises `NotFound` for what is not there, so that
        nobody writes into a stream that is not theirs, or is none yet."""
        kind = EVENT_TYPES[type]
        await self._own(who, kind.prefix, data[kind.key])
        inputs = data.get("inputs") or {}
        if type == "plan.trigger":
            return {**data, "inputs": await self._inputs(who, data["plan_id"], inputs)}
        if type == "plan.approve":
            view = await self._at(who, data["plan_id"], data["ir_hash"])
            if view.status == "proposed":
                return await self._approval(who, view, data.get("catalogue_hash"), inputs)
        return dict(data)

    async def _approval(
        self,
        who: Principal,
        view: PlanView,
        catalogue_hash: str | None,
        inputs: Mapping[str, Any],
    ) -> dict[str, Any]:
        """What `plan.approve` says of a proposal that may be approved."""
        given = check_inputs(view.document.inputs, inputs)
        current = tools_hash(compile_document(view.document), await self.catalogue(who))
        if {current, catalogue_hash or current} != {view.catalogue_hash}:
            await self._again(who, view)
            raise Conflict(
                "A tool it uses has changed since.",
                code="PLAN_TOOLS_CHANGED",
                hint="Look at the fresh revision and approve that.",
            )
        if _faulty(view):
            raise Invalid(
                "The plan has errors; mend them first.",
                code="PLAN_HAS_ERRORS",
                issues=view.issues,
            )
        if _faulty(await self._stored(who, view.plan_id, view.revision)):
            # what was wrong was not in the plan, and is no more; once, however many ask
            await self._again(who, view, f"{view.plan_id}:{view.revision}:mended")
        return {
            "plan_id": view.plan_id,
            "ir_hash": view.ir_hash,
            "catalogue_hash": view.catalogue_hash,
            "inputs": given,
        }

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

    async def _own(self, who: Principal, kind: str, id: str) -> Document:
        document = await self.store.get(kind, id, who.user_id)
        if document is None:
            raise NotFound(f"There is no such {kind}.")
        return document

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
            self.store, who.user_id, plan_id, revision, await self.catalogue(who), self.now()
        )

    async def _again(
        self, who: Principal, view: PlanView, proposal_id: str | None = None
    ) -> PlanView:
        """Offer the same document anew, checked against the tools of now."""
        return await self.propose(
            who,
            view.document,
            plan_id=view.plan_id,
            thread_id=view.thread_id,
            request=view.request,
            origin="edited" if view.origin == "edited" else "hand",
            planner=view.planner,
            sources=view.sources,
            not_covered=view.not_covered,
            timezone=view.timezone,
            proposal_id=proposal_id,
        )

    async def _schedule(self, who: Principal, type: str, schedule_id: str) -> Schedule:
        await self._own(who, "schedule", schedule_id)
        await self._command(who, type, {"schedule_id": schedule_id})
        return schedule(await self._own(who, "schedule", schedule_id))


def _faulty(view: PlanView) -> bool:
    return any(issue.severity == "error" for issue in view.issues)
