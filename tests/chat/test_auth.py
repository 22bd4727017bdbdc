"""Sign-in behind TLS: what cannot be seen at a server that speaks plain http."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from chat_app.auth import SignIn, same_site
from tests.systems import working


@pytest.mark.parametrize(
    ("base", "public_url"),
    [("https://plans.example", ""), ("http://10.0.0.7:8000", "https://plans.example")],
)
async def test_where_the_browser_sees_https_the_cookie_never_leaves_it(
    tmp_path: Path, base: str, public_url: str
) -> None:
    async with working(tmp_path, public_url=public_url) as system:
        app = FastAPI()
        app.include_router(SignIn(system.lightning, system.links).router())
        who = await system.lightning.users.local_user()
        link = await system.links.link(who.user_id, base)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=base) as http:
            answer = await http.get(link)
    assert "; secure" in answer.headers["set-cookie"].lower()


async def test_too_many_wrong_passwords_are_told_to_wait(tmp_path: Path) -> None:
    async with working(tmp_path) as system:
        app = FastAPI()
        app.include_router(SignIn(system.lightning, system.links).router())
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            statuses = []
            for _ in range(30):
                answer = await http.post(
                    "/login", data={"username": "ada", "password": "wrong one"}
                )
                statuses.append(answer.status_code)
                if answer.status_code == 429:
                    break
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("origin", "host", "public_url", "ours"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "", True),
        ("http://127.0.0.1:8001", "127.0.0.1:8000", "", False),
        ("https://plans.example", "10.0.0.7:8000", "https://plans.example", True),
        ("https://plans.example.evil", "10.0.0.7:8000", "https://plans.example", False),
        ("null", "127.0.0.1:8000", "", False),
        ("", "", "", False),
    ],
)
def test_an_origin_is_ours_or_not(origin: str, host: str, public_url: str, ours: bool) -> None:
    assert same_site(origin, host, public_url) is ours
