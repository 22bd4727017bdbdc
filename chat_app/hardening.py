"""The holes of Chainlit 2.12.0 that we close. It is archived: nobody else will.

Each with its reason:
- routes nobody here needs (MCP, sharing, uploads, foreign sign-ins, a browser's own elements) are shut:
  PUT /project/element let one user overwrite another's card, /mcp has an open CVE;
- any Origin was taken, on the socket too, so that only SameSite stood between a page and an account;
- no header told the browser what a page may load, or that nobody may frame it;
- ids from the browser went into paths and queries as they were;
- a thread born in the open page was not read again after a reconnect;
- events for features we do not have could still be sent;
- a body had no limit, and the page loaded styles from another host.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import chainlit.auth
import chainlit.server
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.contracts.errors import Invalid, LightningError, TooLarge
from backend.settings import Settings
from chat_app import sockets
from chat_app.auth import SignIn, same_site
from chat_app.threads import Threads

SHUT = re.compile(
    r"^/(mcp|copilot|auth/(jwt|header|oauth)|project/(share|file|element|thread/share))(/|$)"
)
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SOCKET = "/ws/socket.io"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
MAX_BODY = 200_000


# --- HTTP -----------------------------------------------------------------------------------------


class Guard:
    """ASGI middleware: who may ask, how much, and what the browser may do with the answer."""

    def __init__(self, app: ASGIApp, settings: Settings, policy: str) -> None:
        self._app = app
        self._settings = settings
        self._headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            "Cross-Origin-Opener-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None and scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        answer: ASGIApp = refusal or self._app
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await answer(scope, self._limited(scope, receive), sending)
        except TooLarge as error:
            if started:
                raise
            await _problem(error)(scope, receive, sending)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers, path = Headers(scope=scope), scope["path"]
        host = headers.get("host", "")
        if not self._known(host):
            return _answer(421, "EXEC_HOST_REFUSED", "This address is not ours.")
        if SHUT.match(path):
            return _answer(404, "EXEC_NOT_FOUND", "There is nothing at this address.")
        if int(headers.get("content-length") or 0) > _limit(scope):
            return _answer(413, TooLarge.code, f"This is more than {_limit(scope):,} bytes.")
        method = scope.get("method", "GET")
        if scope["type"] == "http" and method not in UNSAFE and not path.startswith(SOCKET):
            return None
        origin = headers.get("origin")
        foreign = headers.get("sec-fetch-site") == "cross-site"
        if foreign or (origin and not same_site(origin, host, self._settings.public_url)):
            return _answer(403, "EXEC_ORIGIN_REFUSED", "This came from another site.")
        return None

    def _known(self, host: str) -> bool:
        """On loopback only our own names: another one is a page that made DNS point here."""
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if self._settings.host not in LOOPBACK:
            return True
        public = re.sub(r"^https?://", "", self._settings.public_url).split("/")[0].split(":")[0]
        return name.lower() in LOOPBACK or (bool(public) and name.lower() == public.lower())

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """A body that does not say how long it is ends where it is too long."""
        limit = _limit(scope)
        read = 0

        async def receiving() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise TooLarge(f"This is more than {limit:,} bytes.")
            return message

        return receiving


def _limit(scope: Scope) -> float:
    """Bytes of a body; the API has limits of its own."""
    if scope["path"].startswith("/api"):
        return float("inf")
    return sockets.MAX_BYTES if scope["path"].startswith(SOCKET) else MAX_BODY


def feedback_router(threads: Threads, signed_in: SignIn) -> APIRouter:
    """Thumbs, on one's own messages only: Chainlit asked nobody whose they were."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(signed_in.current_user)])

    async def body_of(request: Request) -> dict[str, Any]:
        try:
            found = await request.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Invalid("This is not what feedback looks like.")
        return found

    async def put(request: Request) -> dict[str, Any]:
        from chainlit.types import Feedback

        given = (await body_of(request)).get("feedback")
        if not isinstance(given, dict) or given.get("value") not in (0, 1):
            raise Invalid("This is not what feedback looks like.")
        comment = given.get("comment")
        text = comment if isinstance(comment, str) else None
        kept = await threads.upsert_feedback(
            Feedback(forId=str(given.get("forId")), value=given["value"], comment=text)
        )
        return {"success": True, "feedbackId": kept}

    async def delete(request: Request) -> dict[str, Any]:
        await threads.delete_feedback(str((await body_of(request)).get("feedbackId")))
        return {"success": True}

    router.add_api_route("/feedback", put, methods=["PUT"])
    router.add_api_route("/feedback", delete, methods=["DELETE"])
    return router


def _answer(status: int, code: str, detail: str) -> JSONResponse:
    return JSONResponse({"status": status, "code": code, "detail": detail}, status)


def _problem(error: LightningError) -> JSONResponse:
    return _answer(error.status, error.code, error.message)


# --- the page -------------------------------------------------------------------------------------

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_FOREIGN = re.compile(r"<link\b[^>]*href=\"https?://[^>]*>", re.DOTALL)


def page() -> str:
    """Chainlit's page, without what it would load from other hosts."""
    html = str(chainlit.server.get_html_template(""))  # type: ignore[no-untyped-call]
    return _FOREIGN.sub("", html)


def policy(html: str) -> str:
    """What the page may do. A custom element is compiled in the browser: hence `unsafe-eval`."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in _SCRIPT.findall(html)
    )
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval' {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


# --- Chainlit itself ------------------------------------------------------------------------------


def harden(threads: Threads, sign_in: SignIn, arrived: sockets.Arrived) -> str:
    """Close the holes inside Chainlit; returns the page's policy. Once a process."""
    app: FastAPI = chainlit.server.app
    app.dependency_overrides[chainlit.auth.get_current_user] = sign_in.current_user
    app.add_exception_handler(LightningError, _as_problem)
    html = page()
    chainlit.server.get_html_template = lambda _root: html
    sockets.guard(threads, sign_in, arrived)
    return policy(html)


async def _as_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LightningError)
    return _problem(error)
