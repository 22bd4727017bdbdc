"""A person's saved plans as tools, made anew only when something was saved."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.contracts.plans import Catalogue, PlanDocument, SavedPlan
from backend.contracts.ports import Document, Store
from backend.drivers.saved import LIST
from backend.plans.nested import with_saved

MOST = 500
_OWNERS = 200


class Shelf:
    """One small read a call says whether what is in memory still holds, whichever process saved."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: OrderedDict[str, tuple[Any, Catalogue, Catalogue]] = OrderedDict()

    async def catalogue(self, owner: str, base: Catalogue) -> Catalogue:
        """`base` and the saved plans of `owner`."""
        listed = await self._store.get(LIST, owner, owner)
        if listed is None or listed.body is None:
            return base
        version = listed.body["version"]
        known = self._made.get(owner)
        if known is not None and known[0] == version and known[1] is base:
            self._made.move_to_end(owner)
            return known[2]
        plans = await self.plans(owner)
        made = await asyncio.to_thread(with_saved, base, plans)
        self._made[owner] = (version, base, made)
        while len(self._made) > _OWNERS:
            self._made.popitem(last=False)
        return made

    async def plans(self, owner: str, words: str = "") -> list[SavedPlan]:
        """By name, or those in which `words` stand, the best first."""
        if words.strip():
            found = await self._store.search("saved", words, owner=owner, limit=50)
        else:
            page = await self._store.list("saved", owner=owner, limit=MOST, newest_first=False)
            found = page.items
        plans = [await self._plan(document) for document in found]
        return [plan for plan in plans if plan is not None]

    async def _plan(self, document: Document) -> SavedPlan | None:
        body: Mapping[str, Any] = document.body or {}
        place = f"{body['plan_id']}:{body['revision']}"
        revision = await self._store.get("revision", place, document.owner)
        if revision is None or revision.body is None:
            return None
        return SavedPlan(
            slug=body["slug"],
            name=body["name"],
            plan_id=body["plan_id"],
            revision=body["revision"],
            ir_hash=body["ir_hash"],
            document=PlanDocument.model_validate(revision.body["document"]),
            request=revision.body.get("request") or "",
            saved_at=datetime.fromisoformat(body["saved_at"]),
        )
