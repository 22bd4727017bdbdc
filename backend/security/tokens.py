"""Sign-in tokens: JWTs that chat and API both take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

from backend.contracts.errors import Unauthenticated
from backend.contracts.events import new_id
from backend.contracts.security import Principal

_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine, unexpired token says. `generation` must still be the user's."""

    user_id: str
    generation: int
    token_id: str
    expires_at: float


def issue_token(
    principal: Principal, key: str, *, now: datetime, hours: float, generation: int = 0
) -> str:
    """A JWT (HS256) that chat and API both take: `identifier` is what the chat reads."""
    claims = {
        "sub": principal.user_id,
        "identifier": principal.user_id,
        "display_name": principal.name or principal.user_id,
        "roles": sorted(principal.roles),
        "gen": generation,
        "jti": new_id(),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(hours=hours)).timestamp()),
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def read_token(token: str, key: str, *, now: datetime) -> Claims:
    """The claims of a token signed with `key`. One the chat minted has the generation in `metadata`.

    Raises `Unauthenticated`."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            options={"require": ["exp", "identifier"], "verify_exp": False, "verify_iat": False},
        )
    except jwt.PyJWTError as error:
        raise bad_token() from error
    metadata = claims.get("metadata")
    generation = claims.get("gen", metadata.get("gen") if isinstance(metadata, dict) else None)
    user_id, expires_at = claims["identifier"], claims["exp"]
    if not isinstance(generation, int) or not isinstance(user_id, str):
        raise bad_token()
    if not isinstance(expires_at, int | float):
        raise bad_token()
    if expires_at <= now.timestamp():
        raise Unauthenticated(
            "This sign-in has expired.", code="EXEC_TOKEN_EXPIRED", hint="Sign in again."
        )
    return Claims(user_id, generation, str(claims.get("jti", "")), float(expires_at))


def bad_token() -> Unauthenticated:
    return Unauthenticated(
        "The token is not valid.", code="EXEC_TOKEN_INVALID", hint="Get a new one at /api/token."
    )
