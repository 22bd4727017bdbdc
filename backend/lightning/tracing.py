"""From a run or a plan back to the sentence that asked for it, link by link."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.contracts.errors import LightningError, NotFound
from backend.contracts.events import Event
from backend.contracts.explanation import Link
from backend.contracts.security import Principal
from backend.contracts.views import Change, PlanView
from backend.drivers.turn import commits_of
from backend.lightning import evidence
from backend.lightning.runs import Runs
from backend.lightning.sessions import Sessions
from backend.plans.firings import zone
from backend.security.redaction import MASK, names_secret

MAX_REVISIONS = 50
MAX_SAID = 300


class Tracing(Sessions, Runs):
    """The ways back. Each returns links, the nearest first."""

    async def _of_run(
        self, who: Principal, run_id: str, step: str | None = None, index: int | None = None
    ) -> list[Link]:
        """From a run, or from what one of its steps did. Raises `NotFound`."""
        summary = await self._own(who, "run", run_id)
        commits = await commits_of(self.bus, f"run:{run_id}")
        if not commits:
            raise NotFound("The history of this run is gone.", code="EXEC_RUN_UNKNOWN")
        begun = commits[0].cause
        view = await self._stored(who, begun.data["plan_id"], begun.data["revision"])
        links = []
        if step is not None:
            called = evidence.called(commits, step, index)
            if called is None:
                raise NotFound(f"This run has no trace of a step {step[:64]}.")
            links += await self._effect(who, view, run_id, step, called)
        links.append(_run(view, run_id, begun, dict(summary.body or {})))
        parent = begun.data.get("parent")
        if parent:
            above = self._of_run(who, parent["run_id"], parent["step"], parent.get("index"))
            return [*links, *await above]
        return [*links, *await self._of_start(who, view, begun)]

    async def _of_start(self, who: Principal, view: PlanView, begun: Event) -> list[Link]:
        """From the start of a run, through the approval of what it ran."""
        commits = await commits_of(self.bus, f"plan:{view.plan_id}")
        start = evidence.started(commits, begun)
        links = []
        if start.trigger is not None and start.trigger.type == "plan.trigger":
            links.append(await self._triggered_by(who, view, start.trigger))
        if start.approval is not None:
            links.append(await self._approved_by(who, view, start.approval))
        return [*links, *await self._of_revision(who, view)]

    async def _of_plan(self, who: Principal, plan_id: str, revision: int | None) -> list[Link]:
        """From a revision of a plan, approved or not (None: the newest)."""
        view = await self._stored(who, plan_id, revision)
        commits = await commits_of(self.bus, f"plan:{plan_id}")
        approval = evidence.approved(commits, view.revision)
        links = [await self._approved_by(who, view, approval)] if approval else []
        return [*links, *await self._of_revision(who, view)]

    async def _of_revision(self, who: Principal, view: PlanView) -> list[Link]:
        """From a revision through those before it, to what was said for each."""
        links: list[Link] = []
        told: set[str] = set()
        for number in range(view.revision, max(0, view.revision - MAX_REVISIONS), -1):
            each = (
                view if number == view.revision else await self._stored(who, view.plan_id, number)
            )
            links += await self._written(who, each)
            planning_id = str(each.provenance.get("planning_id", ""))
            if (each.origin == "edited" and number > 1) or planning_id in told:
                continue
            told.add(planning_id)
            if planning_id and each.origin != "hand":
                links += await self._of_planning(who, each, planning_id)
            elif each.request:
                links.append(_said(planning_id or each.plan_id, each.created_at, each.request))
        return links

    async def _of_planning(self, who: Principal, view: PlanView, planning_id: str) -> list[Link]:
        """From what a revision keeps of its planning session, or the session's record."""
        kept = dict(view.provenance)
        try:
            record = await self.planning(who, planning_id)
            kept |= {"outcome": record.outcome, "confidence": record.confidence}
        except NotFound:
            pass  # forgotten by age; the revision's own account stays
        return _planned(view, planning_id, kept, view.request)

    # --- single links -----------------------------------------------------------------------------

    async def _effect(
        self, who: Principal, view: PlanView, run_id: str, step: str, called: evidence.Called
    ) -> list[Link]:
        data = called.call.data if called.call else {}
        does = ", ".join(view.forecast.step_effects.get(step, ()))
        tool = next((s.action for s in view.document.steps if s.name == step), "")
        attempt = f", attempt {data['attempt']}" if data else ""
        report = called.report
        words = f"step “{step}” ({tool}{attempt})"
        if does and called.said == "done":
            words += f" {does},"
        words += f" {called.said}" + (f" at {_clock(report.timestamp, view)}" if report else "")
        detail = {
            "tool": tool,
            "attempt": data.get("attempt"),
            "iteration": data.get("iteration"),
            "index": data.get("index"),
            "effects": does,
            "outcome": report.type if report else None,
            "error": report.data.get("error") if report else None,
            "event_id": report.id if report else None,
        }
        at = report.timestamp if report else None
        links = [Link("effect", f"{run_id}:{step}", at, words, detail)]
        if called.allowed is not None:
            answer = called.allowed
            by = await self._name(who, str(answer.data.get("by") or answer.user_id))
            said = f"allowed by {by} at {_clock(answer.timestamp, view)}"
            links.append(Link("permission", answer.id, answer.timestamp, said, dict(answer.data)))
        return links

    async def _triggered_by(self, who: Principal, view: PlanView, trigger: Event) -> Link:
        event = trigger.data.get("event") or {}
        at = _clock(trigger.timestamp, view)
        if trigger.category == "input":
            words = f"started by {await self._acting(who, trigger)} at {at}"
        elif due := _time(event.get("due")):
            words = f"due by its schedule at {_clock(due, view)} ({view.when})"
        else:
            words = f"started by the event {event.get('type', trigger.data.get('trigger'))} at {at}"
        detail = {"trigger": trigger.data.get("trigger"), "schedule_id": event.get("schedule_id")}
        return Link("trigger", trigger.id, trigger.timestamp, words, detail)

    async def _approved_by(self, who: Principal, view: PlanView, approval: Event) -> Link:
        by = await self._acting(who, approval)
        words = (
            f"approved by {by} at {_clock(approval.timestamp, view)} "
            f"(revision {view.revision}, hash {view.ir_hash[:12]})"
        )
        detail = {
            "plan_id": view.plan_id,
            "revision": view.revision,
            "ir_hash": view.ir_hash,
            "trust": view.trust,
            "tools": dict(view.lock.get("tool_versions", {})),
        }
        return Link("approval", approval.id, approval.timestamp, words, detail)

    async def _written(self, who: Principal, view: PlanView) -> list[Link]:
        """A revision that no planning session made as it is."""
        remarks = [i.message.rstrip(".") for i in view.issues if i.code == "PLAN_REVALIDATED"]
        at = f" at {_clock(view.created_at, view)}" if view.created_at else ""
        if remarks:
            words = f"revision {view.revision} made{at}: {'; '.join(remarks)}"
        elif view.origin == "edited":
            labels = ", ".join(dict.fromkeys(change.label for change in view.changes))
            by = await self._name(who, view.owner)
            what = labels or ("nothing" if view.revision > 1 else "before it was proposed")
            words = f"edited by {by}{at}: {what} (revision {view.revision})"
        elif view.origin == "hand":
            by = await self._name(who, view.owner)
            words = f"written by hand, given by {by}{at}"
        else:
            return []
        detail = {
            "origin": view.origin,
            "trust": view.trust,
            "changes": [_change(change) for change in view.changes],
        }
        return [Link("revision", f"{view.plan_id}:{view.revision}", view.created_at, words, detail)]

    async def _acting(self, who: Principal, command: Event) -> str:
        return await self._name(who, str(command.metadata.get("acting") or command.user_id))

    async def _name(self, who: Principal, user_id: str) -> str:
        if user_id == who.user_id:
            return who.name or user_id
        try:
            return (await self.users.user(user_id)).name or user_id
        except LightningError:
            return user_id


def _run(view: PlanView, run_id: str, begun: Event, summary: Mapping[str, Any]) -> Link:
    words = f"run {run_id} of “{view.document.plan_name}”, begun at {_clock(begun.timestamp, view)}"
    detail = {
        "plan_id": view.plan_id,
        "revision": view.revision,
        "status": summary.get("status"),
        "planning_id": begun.data.get("planning_id"),
        "correlation_id": begun.correlation_id,
    }
    return Link("run", run_id, begun.timestamp, words, detail)


def _planned(view: PlanView, id: str, kept: Mapping[str, Any], said: str) -> list[Link]:
    """How a revision was planned, and what was `said` for it."""
    at = _time(kept.get("started_at")) or view.created_at
    planner = str(kept.get("planner") or view.planner)
    by = "the offline planner" if planner == "offline" else f"the model {planner}"
    repairs = len(kept.get("repairs", ()))
    words = f"planned by {by}" + (f" at {_clock(at, view)}" if at else "")
    if "duration_ms" in kept:
        words += f" in {kept['duration_ms']:,.0f} ms"
    if repairs:
        words += f", {repairs} {'fault' if repairs == 1 else 'faults'} mended"
    links = [Link("planning", id, at, words, kept)]
    said = str(kept.get("request") or said)
    return [*links, _said(id, at, said)] if said else links


def _change(change: Change) -> dict[str, Any]:
    hidden = names_secret(change.path.rpartition("/")[2])
    old, new = (
        MASK if hidden and value is not None else value for value in (change.old, change.new)
    )
    return {"path": change.path, "old": old, "new": new}


def _said(id: str, at: datetime | None, text: str) -> Link:
    cut = text if len(text) <= MAX_SAID else f"{text[:MAX_SAID]}…"
    return Link("request", id, at, f"you said: “{cut}”", {"text": text})


def _clock(at: datetime, view: PlanView) -> str:
    """A time as the person of the plan reads it."""
    return f"{at.astimezone(zone(view.timezone)):%Y-%m-%d %H:%M}"


def _time(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
