"""One-time links that sign somebody in: random, kept as a hash, short-lived, good once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from backend.contracts.errors import Conflict, Unauthenticated
from backend.contracts.ports import Document, Store

KIND = "login-link"
PATH = "/sign-in"
LIFETIME_S = 600.0


class LoginLinks:
    """Links over a store: documents of kind "login-link", whose id is the code's sha256."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def create(self, user_id: str, lifetime_s: float = LIFETIME_S) -> str:
        """A code that signs `user_id` in, once. Links past their time are swept away."""
        now = self._now()
        for old in await self._store.due(KIND, now):
            await self._store.delete(KIND, old.id, old.owner)
        code = secrets.token_urlsafe(32)
        until = now + timedelta(seconds=lifetime_s)
        await self._store.put(
            Document(KIND, _hash(code), user_id, {}, status="open", due_at=until), create=True
        )
        return code

    async def link(self, user_id: str, address: str) -> str:
        """The whole link, on the server at `address`."""
        return f"{address}{PATH}/{await self.create(user_id)}"

    async def redeem(self, code: str) -> str:
        """The id of the user a code signs in. Of several at the same moment one wins.

        Raises `Unauthenticated` when it is unknown, too old, or was used."""
        document = await self._store.get(KIND, _hash(code), None)
        if document is None or document.status != "open" or document.due_at is None:
            raise _spent()
        if document.due_at <= self._now():
            raise _spent()
        try:
            await self._store.put(replace(document, status="used"))
        except Conflict as error:
            raise _spent() from error
        return document.owner


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _spent() -> Unauthenticated:
    return Unauthenticated(
        "This sign-in link is not valid any more.",
        code="EXEC_LOGIN_LINK_SPENT",
        hint="Start Lightning again for a new link, or sign in with your name and password.",
    )
