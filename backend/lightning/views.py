"""Read models built from what the streams have written: plans with their revisions, schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.contracts.errors import Issue, NotFound
from backend.contracts.plans import IR, TIMED_KINDS, Catalogue, PlanDocument
from backend.contracts.ports import Document, Store
from backend.contracts.schedules import Schedule
from backend.contracts.views import PlanView
from backend.plans.changes import changes
from backend.plans.firings import firings, words
from backend.plans.forecast import forecast
from backend.plans.lockfile import is_signed, read_lock
from backend.security.hooks import PATH, hook_token

_NEXT = 3


async def plan_view(
    store: Store,
    owner: str | None,
    plan_id: str,
    revision: int | None,
    *,
    catalogue: Catalogue,
    now: datetime,
    key: str,
) -> PlanView:
    """A plan as of `revision` (None: the newest). `key` is the instance's signing key: a revision is
    trusted as far as the lock that it signed says. Raises `NotFound`."""
    plan = await store.get("plan", plan_id, owner)
    if plan is None or plan.body is None:
        raise NotFound("There is no such plan.")
    number = revision or plan.body["latest"]
    stored = await store.get("revision", f"{plan_id}:{number}", owner)
    if stored is None or stored.body is None:
        raise NotFound("There is no such revision.")
    before = await store.get("revision", f"{plan_id}:{number - 1}", owner) if number > 1 else None
    page = await store.list("schedule", owner=owner, parent=plan_id)
    schedules = tuple(schedule(d) for d in page.items if d.status != "ended")
    view = _view(plan, stored.body, before, schedules, catalogue, now)
    lock = read_lock(view.lock)
    signed = lock is not None and lock.ir_hash == view.ir_hash and is_signed(lock, key)
    return replace(
        view, trust=lock.trust if lock and signed else view.trust, hooks=_hooks(view, key)
    )


def _hooks(view: PlanView, key: str) -> dict[str, str]:
    if view.status != "scheduled":
        return {}
    names = [t.name for t in view.document.events if t.kind == "webhook"]
    return {name: f"{PATH}/{hook_token(view.plan_id, name, key)}" for name in names}


def _view(
    plan: Document,
    stored: Mapping[str, Any],
    before: Document | None,
    schedules: tuple[Schedule, ...],
    catalogue: Catalogue,
    now: datetime,
) -> PlanView:
    body = plan.body or {}
    document = PlanDocument.model_validate(stored["document"])
    zone = stored["timezone"]
    timed = [t for t in document.events if t.kind in TIMED_KINDS]
    number = stored["revision"]
    old = PlanDocument.model_validate(before.body["document"]) if before and before.body else None
    return PlanView(
        plan_id=plan.id,
        owner=plan.owner,
        revision=number,
        latest=body["latest"],
        status=body["status"] if number == body["latest"] else "superseded",
        ir_hash=stored["ir_hash"],
        catalogue_hash=stored["catalogue_hash"],
        document=document,
        issues=tuple(Issue.model_validate(i) for i in stored["issues"]),
        changes=changes(old, document) if old else (),
        when=", ".join(words(t, zone) for t in timed),
        timezone=zone,
        firings=tuple(sorted(f for t in timed for f in firings(t, now, zone, _NEXT))[:_NEXT]),
        forecast=forecast(IR.model_validate(stored["ir"]), catalogue),
        schedules=schedules,
        run_id=body["run_id"] if number in (body["approved"], body["latest"]) else None,
        thread_id=stored.get("thread_id"),
        origin=stored["origin"],
        planner=stored.get("planner", ""),
        request=stored.get("request", ""),
        not_covered=tuple(stored.get("not_covered", ())),
        sources=stored.get("sources", {}),
        lock=stored.get("lock", {}),
        provenance=stored.get("provenance", {}),
        saved=_tool(plan, catalogue),
        decided_by=body.get("decided_by"),
        decided_at=_time(body.get("decided_at")),
        reason=body.get("reason", ""),
        created_at=_time(stored.get("created_at")),
    )


def _tool(plan: Document, catalogue: Catalogue) -> str:
    if (plan.body or {}).get("saved") is None:
        return ""
    tools = catalogue.tools.values()
    return next((t.id for t in tools if t.config.get("plan_id") == plan.id), "")


def schedule(document: Document) -> Schedule:
    body = document.body or {}
    return Schedule(
        id=document.id,
        plan_id=body["plan_id"],
        ir_hash=body["ir_hash"],
        owner=document.owner,
        trigger=body["trigger"],
        timezone=body["timezone"],
        status=document.status,  # type: ignore[arg-type]
        generation=body["generation"],
        next_due=_time(body["next_due"]),
        last_due=_time(body["last_due"]),
        thread_id=body.get("thread_id"),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
