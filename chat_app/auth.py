"""One sign-in for chat, API and dashboard: our own token in Chainlit's cookie."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from chainlit.auth import reuseable_oauth
from chainlit.user import PersistedUser
from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from backend.contracts.errors import LightningError, RateLimited, Unauthenticated
from backend.contracts.security import Principal
from backend.lightning import Lightning
from backend.security.login_links import PATH, LoginLinks
from chat_app.threads import caller

COOKIE = "access_token"


class SignIn:
    """The routes that sign in and out, and who a cookie stands for."""

    def __init__(self, lightning: Lightning, links: LoginLinks) -> None:
        self._users = lightning.users
        self._links = links
        self._settings = lightning.settings

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        router.add_api_route(f"{PATH}/{{code}}", self.by_link, methods=["GET"])
        router.add_api_route("/login", self.by_password, methods=["POST"])
        router.add_api_route("/logout", self.leave, methods=["POST"])
        router.add_api_route("/user", self.who, methods=["GET"])
        return router

    async def current_user(
        self, token: Annotated[str | None, Depends(reuseable_oauth)]
    ) -> PersistedUser:
        """In place of Chainlit's: a token of a removed or signed-out user is worth nothing."""
        try:
            who = await self._users.principal(token or "")
        except LightningError as error:
            raise HTTPException(401, "Sign in first.") from error
        caller.set(who.user_id)
        return _chainlit_user(who)

    async def by_link(self, code: str, request: Request) -> Response:
        """Redeem a one-time link."""
        try:
            who = await self._users.user(await self._links.redeem(code))
        except Unauthenticated:
            return RedirectResponse("/login?error=linkSpent", 303)
        response = RedirectResponse("/", 303)
        await self._remember(request, response, who)
        return response

    async def by_password(
        self,
        request: Request,
        username: Annotated[str, Form(max_length=200)] = "",
        password: Annotated[str, Form(max_length=1024)] = "",
    ) -> Response:
        address = request.client.host if request.client else ""
        try:
            who = await self._users.authenticate(username, password, address=address)
        except RateLimited as error:
            wait = {"Retry-After": str(int(error.retry_after_s) + 1)}
            return JSONResponse({"detail": "wait a minute, then try again"}, 429, wait)
        except LightningError:
            return JSONResponse({"detail": "name or password is wrong"}, 401)
        response = JSONResponse({"success": True})
        await self._remember(request, response, who)
        return response

    async def leave(self, request: Request) -> Response:
        response = JSONResponse({"success": True})
        for name in request.cookies:
            if name == COOKIE or name.startswith(f"{COOKIE}_"):
                response.delete_cookie(name, path="/", secure=self.secure(request), httponly=True)
        return response

    async def who(self, request: Request) -> Response:
        """Who is signed in; asked at each page load, so that coming back keeps one signed in."""
        user = await self.current_user(await reuseable_oauth(request))
        response = JSONResponse(user.to_dict(), headers={"Cache-Control": "no-store"})
        if request.cookies.get(COOKIE):
            await self._remember(request, response, await self._users.user(user.identifier))
        return response

    async def password_callback(self, name: str, password: str) -> Any:
        """Chainlit asks whether there is one, to offer the form; /login is ours."""
        return None

    def secure(self, request: Request) -> bool:
        """Whether the browser sees https, also behind a proxy that ends TLS."""
        return request.url.scheme == "https" or self._settings.public_url.startswith("https:")

    async def _remember(self, request: Request, response: Response, who: Principal) -> None:
        response.set_cookie(
            COOKIE,
            await self._users.token(who),
            max_age=int(timedelta(hours=self._settings.token_hours).total_seconds()),
            path="/",
            httponly=True,
            samesite="lax",
            secure=self.secure(request),
        )


def same_site(origin: str, host: str, public_url: str) -> bool:
    """Whether a page of this origin is ours."""
    netloc = urlsplit(origin).netloc
    return bool(netloc) and netloc in (host, urlsplit(public_url).netloc)


def _chainlit_user(who: Principal) -> PersistedUser:
    return PersistedUser(
        id=who.user_id, identifier=who.user_id, display_name=who.name or who.user_id, createdAt=""
    )
