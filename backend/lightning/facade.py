"""Lightning's verbs. Every one acts for somebody, and checks that it is theirs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from backend.contracts.caching import Cache
from backend.contracts.events import EVENT_TYPES, derived_id
from backend.contracts.ports import Charge, Document
from backend.contracts.security import SYSTEM, Principal
from backend.contracts.views import PlanView, ThreadUpdate
from backend.lightning.approvals import Approvals
from backend.lightning.explain import Explaining
from backend.lightning.following import Following
from backend.lightning.hooks import Hooks
from backend.lightning.letters import DeadLetters
from backend.lightning.outages import OK, SILENT
from backend.lightning.saved import SavedPlans
from backend.lightning.schedules import Schedules
from backend.security.authorize import check_outside


class Lightning(Approvals, SavedPlans, Schedules, Hooks, DeadLetters, Explaining):
    """All that can be asked of the product. Built by `backend.bootstrap`; raises `LightningError`s.

    `who` is the person acting; what belongs to others is answered as if it did not exist.
    """

    def follow(
        self, who: Principal, thread_id: str, cursor: str | None = None
    ) -> AsyncGenerator[ThreadUpdate, None]:
        """What is new in a thread since `cursor`, then live; at most one update per 50 ms."""

        async def view(plan_id: str) -> PlanView:
            return await self.plan(who, plan_id)

        following = Following(self.bus, self.store, self._runs, view, who.user_id, thread_id)
        return following.updates(cursor)

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
        correlation = None
        if type in EVENT_TYPES:
            whose = replace(who, user_id=owner)
            payload = await self._checked(whose, type, data)
            name, outside = type, True
            correlation = await self._correlation(whose, type, payload)
        else:
            name, payload, outside = "event.received", {"type": type, "data": dict(data)}, False
        scoped = derived_id("event", owner, event_id) if event_id else None
        event = self._commands.event(
            who,
            name,
            payload,
            outside=outside,
            event_id=scoped,
            user_id=owner,
            correlation_id=correlation,
        )
        await self._commands.send(event)
        return event_id or event.id

    async def health(self) -> dict[str, Any]:
        """Whether the parts we depend on answer: {"status", "checks": {name: "ok" | reason}}. "degraded":
        one does not, or did not lately, but what is asked is kept; "down": nothing can be stored."""
        checks = await self.outages.examine(
            {"store": self._store_answers, "bus": self._bus_answers, "blobs": self._blobs_answer}
        )
        status = "ok" if all(said == OK for said in checks.values()) else "degraded"
        if checks["store"] == SILENT:
            status = "down"
        model = (
            "configured" if self.settings.openai_api_key or self.settings.openai_base_url else ""
        )
        return {
            "status": status,
            "checks": checks,
            "model": model or "none: plans are made offline",
        }

    def counters(self) -> dict[str, dict[str, int]]:
        """How often each cache had what was asked for: {cache: {"hits", "misses"}}."""
        caches: dict[str, Cache[Any, Any]] = {
            "metadata": self.registry.catalogues,
            "validation": self.checking.cache,
            **self.caches,
        }
        return {"selection": {"hits": 0, "misses": 0}} | {
            name: cache.counted() for name, cache in caches.items()
        }

    def charged(self) -> Mapping[str, Charge]:
        """What the backend's calls have cost in this process, by kind of call; nothing where they cost
        nothing by themselves."""
        return self.charges()

    # --- inside -----------------------------------------------------------------------------------

    async def _store_answers(self) -> None:
        await self.store.put(Document("health", "health", SYSTEM.user_id, {}))

    async def _bus_answers(self) -> None:
        await self.bus.history("health:check", limit=1)

    async def _blobs_answer(self) -> None:
        await self.blobs.get(SYSTEM.user_id, await self.blobs.put(SYSTEM.user_id, b"health"))

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
