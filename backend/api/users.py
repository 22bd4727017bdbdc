"""POST /api/register and /api/token: who somebody is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from backend.api.auth import Door, Visitor
from backend.api.body import StrictRoute
from backend.contracts.errors import Forbidden
from backend.contracts.security import Role

router = APIRouter(tags=["users"], route_class=StrictRoute)


class Registration(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200, examples=["ann"])
    password: str = Field(min_length=8, max_length=1024)
    roles: list[Role] = Field(default=["user"], min_length=1, max_length=3)


class User(BaseModel):
    user_id: str
    name: str
    roles: list[Role]


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    password: str = Field(max_length=1024)


class Token(BaseModel):
    """`expires_in` is in seconds."""

    access_token: str
    token_type: str = "bearer"
    expires_in: int


@router.post("/register", status_code=201)
async def register(door: Door, who: Visitor, body: Registration) -> User:
    """Create a user. Open to everybody only where the setting `ALLOW_REGISTRATION` is on; an admin may
    always, and alone may give roles other than `user`."""
    admin = who is not None and "admin" in who.roles
    if not admin and not door.settings.allow_registration:
        raise Forbidden(
            "Registration is closed here.",
            code="EXEC_REGISTRATION_CLOSED",
            hint="Ask an admin, or set ALLOW_REGISTRATION=true.",
        )
    if not admin and set(body.roles) != {"user"}:
        raise Forbidden("Only an admin gives roles.")
    made = await door.users.register(body.name, body.password, roles=body.roles)
    return User(user_id=made.user_id, name=made.name, roles=sorted(made.roles))


@router.post("/token")
async def token(request: Request, door: Door, body: Login) -> Token:
    """Exchange name and password for a token. It works for the chat too. After five failures within
    a minute for a name and address the answer is 429 with `Retry-After`."""
    who = await door.users.authenticate(body.name, body.password, address=_address(request))
    hours = door.settings.token_hours
    return Token(access_token=await door.users.token(who), expires_in=int(hours * 3600))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
