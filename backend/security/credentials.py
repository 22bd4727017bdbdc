"""Users: documents of kind "user", whose id is the normalised name."""

from __future__ import annotations

import asyncio
import contextlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import get_args

from backend.contracts.errors import Conflict, Invalid, NotFound, Unauthenticated
from backend.contracts.ports import Document, Store
from backend.contracts.security import Principal, Role
from backend.security.attempts import Attempts
from backend.security.passwords import hash_password, verify_password
from backend.security.tokens import bad_token, issue_token, read_token

KIND = "user"
LOCAL_USER = "local"

_NAME = re.compile(r"^[a-z0-9][a-z0-9._@+-]{0,63}$")
_RESERVED = frozenset({"system", LOCAL_USER})
_ROLES: frozenset[Role] = frozenset(get_args(Role))
_PARALLEL_HASHES = 2  # a hash takes 64 MB; many at once would be a way to exhaust the machine


def normalise_name(name: str) -> str:
    """The id of the user called `name`: NFKC, case-folded. Raises `Invalid`."""
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    if not _NAME.fullmatch(plain):
        raise Invalid(
            "A name has 1 to 64 letters, digits or . _ @ + - and starts with a letter or digit.",
            code="EXEC_NAME_INVALID",
        )
    return plain


class Credentials:
    """Users and their tokens, over a store."""

    def __init__(
        self,
        store: Store,
        key: str,
        *,
        now: Callable[[], datetime],
        token_hours: float = 12,
        attempts: Attempts | None = None,
    ) -> None:
        self._store = store
        self._key = key
        self._now = now
        self._hours = token_hours
        self._attempts = attempts or Attempts(now)
        self._hashing = asyncio.Semaphore(_PARALLEL_HASHES)

    async def register(
        self, name: str, password: str, roles: Iterable[Role] = ("user",)
    ) -> Principal:
        """Raises `Invalid` (name, password, role) and `Conflict` (the name is taken)."""
        user_id = normalise_name(name)
        if user_id in _RESERVED:
            raise _taken(name)
        chosen = frozenset(roles)
        if not chosen or not chosen <= _ROLES:
            raise Invalid(
                "There is no such role.",
                code="EXEC_ROLE_INVALID",
                hint=f"Roles: {', '.join(sorted(_ROLES))}.",
            )
        async with self._hashing:
            hashed = await hash_password(password)
        try:
            await self._store.put(self._document(user_id, name, chosen, hashed), create=True)
        except Conflict as error:
            raise _taken(name) from error
        return Principal(user_id, chosen, name.strip())

    async def local_user(self) -> Principal:
        """The person at this machine: an admin without a password, made at first use."""
        roles: frozenset[Role] = frozenset({"user", "admin"})
        document = self._document(LOCAL_USER, "You", roles, "")
        if await self._store.get(KIND, LOCAL_USER, None) is None:
            with contextlib.suppress(Conflict):  # another process may be first
                await self._store.put(document, create=True)
        return await self.user(LOCAL_USER)

    async def authenticate(self, name: str, password: str, *, address: str = "") -> Principal:
        """The user of this name and password. One answer, after one time, for an unknown name and a
        wrong password. Raises `Unauthenticated`, and `RateLimited` after too many failures."""
        try:
            user_id = normalise_name(name)
        except Invalid:
            user_id = ""
        self._attempts.begin(user_id or "?", address)
        document = await self._store.get(KIND, user_id, None) if user_id else None
        hashed = str(document.body["password"]) if document and document.body else ""
        async with self._hashing:
            genuine = await verify_password(password, hashed)
        if document is None or not genuine:
            raise Unauthenticated(
                "Name or password is wrong.", code="EXEC_LOGIN_FAILED", hint="Try again."
            )
        self._attempts.succeeded(user_id, address)
        return _principal(document)

    async def user(self, user_id: str) -> Principal:
        """A known user. Raises `Unauthenticated`."""
        document = await self._store.get(KIND, user_id, None)
        if document is None:
            raise bad_token()
        return _principal(document)

    async def token(self, principal: Principal) -> str:
        """A token, for a known user only: the chat makes a user of any name it reads.

        Raises `Unauthenticated`."""
        document = await self._store.get(KIND, principal.user_id, None)
        if document is None:
            raise bad_token()
        return issue_token(
            _principal(document),
            self._key,
            now=self._now(),
            hours=self._hours,
            generation=_generation(document),
        )

    async def principal(self, token: str) -> Principal:
        """Whom a token stands for, with the roles of today. Raises `Unauthenticated`."""
        claims = read_token(token, self._key, now=self._now())
        document = await self._store.get(KIND, claims.user_id, None)
        if document is None or _generation(document) != claims.generation:
            raise bad_token()
        return _principal(document)

    async def revoke(self, user_id: str) -> None:
        """End every sign-in of a user. Raises `NotFound`."""
        while True:
            document = await self._store.get(KIND, user_id, None)
            if document is None or document.body is None:
                raise NotFound("There is no such user.")
            body = {**document.body, "generation": _generation(document) + 1}
            try:
                await self._store.put(replace(document, body=body))
            except Conflict:
                continue
            return

    def _document(self, user_id: str, name: str, roles: frozenset[Role], hashed: str) -> Document:
        body = {
            "name": name.strip(),
            "roles": sorted(roles),
            "password": hashed,
            "generation": 0,
            "created_at": self._now().isoformat(),
        }
        return Document(KIND, user_id, user_id, body, sort=user_id)


def _taken(name: str) -> Conflict:
    return Conflict(
        f"The name {name.strip()!r} is taken.", code="EXEC_NAME_TAKEN", hint="Choose another."
    )


def _principal(document: Document) -> Principal:
    body = document.body or {}
    roles = frozenset(role for role in _ROLES if role in body.get("roles", ()))
    return Principal(document.id, roles, str(body.get("name", "")))


def _generation(document: Document) -> int:
    return int((document.body or {}).get("generation", 0))
