"""Who calls: a bearer token, or the cookie of somebody signed in to the chat."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from backend.contracts.errors import Forbidden, Unauthenticated, Unavailable
from backend.contracts.security import Principal
from backend.lightning import Lightning

COOKIE = "access_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_bearer = HTTPBearer(auto_error=False, description="A token of POST /api/token.")


def lightning(request: Request) -> Lightning:
    """The running system. Raises `Unavailable` before it is up."""
    found = getattr(request.app.state, "lightning", None)
    if found is None:
        raise Unavailable("Lightning is starting.", hint="Try again in a moment.")
    assert isinstance(found, Lightning)
    return found


Door = Annotated[Lightning, Depends(lightning)]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def caller(request: Request, door: Door, bearer: Bearer) -> Principal:
    """Whoever the token stands for. Raises `Unauthenticated`, and `Forbidden` when another site made
    the browser send its cookie."""
    who = await visitor(request, door, bearer)
    if who is None:
        raise Unauthenticated(
            "This needs a token.", hint="Send Authorization: Bearer <token of POST /api/token>."
        )
    return who


async def visitor(request: Request, door: Door, bearer: Bearer) -> Principal | None:
    """As `caller`, but None for somebody who shows nothing at all."""
    if bearer is not None:
        return await door.users.principal(bearer.credentials)
    if "authorization" in request.headers:
        raise Unauthenticated("Only the Bearer scheme is taken.", code="EXEC_TOKEN_INVALID")
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None
    _same_site(request, door.settings.public_url)
    return await door.users.principal(cookie)


def _same_site(request: Request, public_url: str) -> None:
    origin = request.headers.get("origin")
    if request.method in _SAFE or origin is None:
        return
    ours = {request.headers.get("host"), urlsplit(public_url).netloc}
    netloc = urlsplit(origin).netloc
    if not netloc or netloc not in ours:  # a sandboxed page says "null"
        raise Forbidden("This came from another site.", code="EXEC_ORIGIN_REFUSED")


Caller = Annotated[Principal, Depends(caller)]
Visitor = Annotated[Principal | None, Depends(visitor)]
