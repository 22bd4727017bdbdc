"""Webhooks: whoever knows a plan's address starts it, with what they send as the event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.contracts.errors import NotFound, Unauthenticated
from backend.contracts.events import derived_id
from backend.contracts.security import Principal
from backend.lightning.parts import Parts
from backend.security.hooks import called, is_signed, plan_of

TYPE = "webhook.called"


class Hooks(Parts):
    """The verb of webhooks. The address stands for its plan's owner, and for this one trigger alone."""

    async def call_hook(
        self,
        token: str,
        data: Mapping[str, Any],
        *,
        body: bytes,
        signature: str = "",
        delivery_id: str = "",
    ) -> str:
        """Take a call of a web address; returns the event's id. `data` is what `body` says; the same
        `delivery_id` counts once.

        Raises `NotFound` for an address that is none (any more), `Unauthenticated`
        (EXEC_SIGNATURE_INVALID) when its trigger has a secret and the call is not signed with it.
        """
        plan_id = plan_of(token)
        found = await self.store.get("subscription", plan_id, None)
        triggers = (found.body or {})["triggers"] if found and found.status == "active" else ()
        trigger = called(token, plan_id, triggers, self.settings.jwt_signing_key)
        if found is None or trigger is None:
            raise NotFound("There is nothing at this address.", hint="See the plan's card for it.")
        secret = trigger.get("secret")
        if secret and not is_signed(secret, body, signature):
            raise Unauthenticated(
                "The call is not signed with this webhook's secret.",
                code="EXEC_SIGNATURE_INVALID",
                hint="Send X-Hub-Signature-256: sha256=<HMAC-SHA256 of the body, in hex>.",
            )
        name = trigger["name"]
        event = self._commands.event(
            Principal(found.owner),
            "event.received",
            {"type": TYPE, "data": dict(data), "hook": {"plan_id": plan_id, "trigger": name}},
            outside=False,
            event_id=derived_id("hook", plan_id, name, delivery_id) if delivery_id else None,
        )
        await self._commands.send(event)
        return event.id
