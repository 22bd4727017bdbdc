"""What all verbs work with, and the two things all of them do: look whose it is, and send a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from backend.contracts.caching import Cache
from backend.contracts.errors import NotFound
from backend.contracts.events import EVENT_TYPES
from backend.contracts.ports import Blobs, Bus, Charges, Commit, Document, Files, Store
from backend.contracts.security import Principal
from backend.drivers.runs import RunDecider
from backend.lightning.checking import Checking
from backend.lightning.commands import Commands
from backend.lightning.outages import Outages
from backend.lightning.shelf import Shelf
from backend.plans.validation import Validator
from backend.security.credentials import Credentials
from backend.security.redaction import Redaction
from backend.settings import Settings
from backend.tools.registry import Registry


class Parts:
    """The parts of the system. `who` is always the person acting."""

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
        validators: Mapping[str, Validator] | None = None,
        outages: Outages | None = None,
        charges: Charges = dict,
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
        self.outages = outages or Outages(now)
        self.charges = charges
        # those of planners, which are made after this
        self.caches: dict[str, Cache[Any, Any]] = {}
        self.validators = dict(validators or {})
        self.checking = Checking(
            settings.jwt_signing_key, self.validators, settings.plan_budget_usd
        )
        self.redaction = Redaction.of(settings)
        self._shelf = Shelf(store)
        self._runs = runs
        self._commands = Commands(bus, now)

    async def _command(self, who: Principal, type: str, data: Mapping[str, Any]) -> Commit:
        """Send a command of `who`'s and wait for the commit that answers it."""
        event = self._commands.event(
            who, type, data, outside=True, correlation_id=await self._correlation(who, type, data)
        )
        return await self._commands.decide(event)

    async def _correlation(self, who: Principal, type: str, data: Mapping[str, Any]) -> str | None:
        """The planning session behind a plan: what follows from its commands belongs to it."""
        kind = EVENT_TYPES[type]
        if kind.prefix != "plan":
            return None
        plan = await self.store.get("plan", data[kind.key], who.user_id)
        return (plan.body or {}).get("planning_id") if plan else None

    async def _own(self, who: Principal, kind: str, id: str) -> Document:
        document = await self.store.get(kind, id, who.user_id)
        if document is None:
            raise NotFound(f"There is no such {kind}.")
        return document
