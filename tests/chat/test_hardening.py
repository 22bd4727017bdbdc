"""Each hole of Chainlit that we close, tried at the real server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.chat.people import Person
from tests.journeys.app import App


@pytest.fixture
async def stranger(app: App) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=app.url)


async def test_every_answer_says_what_the_browser_may_do(stranger: httpx.AsyncClient) -> None:
    async with stranger:
        for path in ("/", "/login", "/public/lightning.css", "/api/health", "/user"):
            headers = (await stranger.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert headers["x-frame-options"] == "DENY", path
            assert headers["referrer-policy"] == "same-origin", path
            assert "frame-ancestors 'none'" in headers["content-security-policy"], path


async def test_the_page_loads_nothing_from_other_hosts_and_runs_no_stray_script(
    stranger: httpx.AsyncClient,
) -> None:
    async with stranger:
        page = await stranger.get("/")
    assert not re.findall(r'(?:src|<link[^>]*href)="https?://', page.text)
    scripts = re.search(r"script-src ([^;]*)", page.headers["content-security-policy"])
    assert scripts is not None
    assert "unsafe-inline" not in scripts[1]
    assert scripts[1].count("sha256-") == len(re.findall(r"<script>", page.text))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/mcp"),
        ("DELETE", "/mcp"),
        ("PUT", "/project/element"),
        ("DELETE", "/project/element"),
        ("POST", "/project/file?session_id=x"),
        ("GET", "/project/file/x?session_id=x"),
        ("GET", "/project/share/x"),
        ("PUT", "/project/thread/share"),
        ("POST", "/auth/jwt"),
        ("POST", "/auth/header"),
        ("GET", "/auth/oauth/github"),
    ],
)
async def test_what_nobody_needs_is_shut(alice: Person, method: str, path: str) -> None:
    answer = await alice.http.request(method, path, json={} if method != "GET" else None)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "", "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_another_sites_page_can_do_nothing(alice: Person, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/project/threads"), ("POST", "/logout"), ("POST", "/login")):
        answer = await alice.http.request(method, path, headers=headers, json={})
        assert answer.status_code == 403, path
        assert answer.json()["code"] == "EXEC_ORIGIN_REFUSED"


async def test_a_socket_from_another_site_is_not_begun(alice: Person) -> None:
    answer = await alice.http.get(
        "/ws/socket.io/?EIO=4&transport=polling", headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


async def test_a_name_that_dns_was_made_to_point_here_is_refused(
    stranger: httpx.AsyncClient,
) -> None:
    async with stranger:
        answer = await stranger.get("/", headers={"Host": "rebound.example:8000"})
    assert answer.status_code == 421


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    app: App, alice: Person
) -> None:
    answer = await alice.http.get("/user")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("access_token=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie  # plain http on loopback


async def test_one_sign_in_serves_chat_and_api(alice: Person) -> None:
    assert (await alice.http.get("/user")).json()["identifier"] == "alice"
    assert (await alice.http.get("/api/plans")).status_code == 200


async def test_a_wrong_password_says_so_and_signs_nobody_in(app: App) -> None:
    async with httpx.AsyncClient(base_url=app.url) as http:
        answer = await http.post("/login", data={"username": "nobody", "password": "wrong wrong"})
        assert answer.status_code == 401
        assert answer.json() == {"detail": "name or password is wrong"}
        assert not http.cookies
        assert (await http.get("/user")).status_code == 401


async def test_after_signing_out_the_browser_has_no_cookie(app: App, bob: Person) -> None:
    await bob.http.post("/logout")
    assert "access_token" not in bob.http.cookies


async def test_the_link_printed_at_the_start_signs_in_once(app: App) -> None:
    async with httpx.AsyncClient(follow_redirects=False) as http:
        first = await http.get(app.link)
        assert first.headers["location"] == "/"
        assert (await http.get(f"{app.url}/user")).json()["identifier"] == "local"
    async with httpx.AsyncClient(follow_redirects=False) as http:
        second = await http.get(app.link)
        assert second.headers["location"] == "/login?error=linkSpent"
        assert not http.cookies


async def test_a_token_chainlit_would_take_for_a_user_who_is_none_is_refused(app: App) -> None:
    import jwt

    key = (app.folder / "data" / "signing.key").read_text().strip()
    forged = jwt.encode({"identifier": "ghost", "exp": 4_000_000_000}, key, algorithm="HS256")
    async with httpx.AsyncClient(base_url=app.url, cookies={"access_token": forged}) as http:
        assert (await http.get("/user")).status_code == 401
        answer = await http.post(
            "/project/threads", json={"pagination": {"first": 5}, "filter": {}}
        )
    assert answer.status_code == 401


async def test_a_body_without_end_is_refused(alice: Person) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"[" * 10_000

    said = await alice.http.post("/project/action", content=b"[" * 1_000_000)
    assert said.status_code == 413
    unsaid = await alice.http.post("/project/action", content=endless())
    assert unsaid.status_code in (400, 413)


async def test_threads_and_messages_of_somebody_else_are_not_found(
    alice: Person, bob: Person
) -> None:
    async with alice.page() as page:
        await page.say("/help")
        said = await page.message("Say what should happen")
        thread = page.thread_id
        body = {"threadId": thread}
        assert (await bob.http.get(f"/project/thread/{thread}")).status_code == 404
        assert (
            await bob.http.put("/project/thread", json={**body, "name": "mine"})
        ).status_code == 404
        assert (await bob.http.request("DELETE", "/project/thread", json=body)).status_code == 404
        feedback = {"feedback": {"forId": said["id"], "value": 0}, "sessionId": page.session_id}
        assert (await bob.http.put("/feedback", json=feedback)).status_code == 404
        assert (await alice.http.put("/feedback", json=feedback)).status_code == 200
        assert (await alice.http.get(f"/project/thread/{thread}")).status_code == 200


async def test_a_session_of_somebody_else_cannot_be_acted_in(alice: Person, bob: Person) -> None:
    async with alice.page() as page:
        body = {"sessionId": page.session_id, "action": {"name": "plan", "payload": {}}}
        assert (await bob.http.post("/project/action", json=body)).status_code == 401


@pytest.mark.parametrize("bad", ["x", "1 OR 1=1", "7f0e2c1a-0000-4000-8000-000000000000'"])
async def test_an_id_that_is_none_finds_nothing(alice: Person, bad: str) -> None:
    assert (await alice.http.get(f"/project/thread/{bad}")).status_code == 404


async def test_files_outside_the_public_folder_stay_private(stranger: httpx.AsyncClient) -> None:
    async with stranger:
        for path in ("/public/../.chainlit/config.toml", "/public/%2e%2e/%2e%2e/pyproject.toml"):
            answer = await stranger.get(path)
            assert "generated_by" not in answer.text
            assert "[project]" not in answer.text


async def test_an_unknown_address_of_the_api_is_not_the_chat(stranger: httpx.AsyncClient) -> None:
    async with stranger:
        answer = await stranger.get("/api/nothing/here")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_own_fonts_styles_and_elements_are_served(stranger: httpx.AsyncClient) -> None:
    async with stranger:
        for path in ("fonts/inter-latin.woff2", "lightning.css", "elements/PlanCard.jsx"):
            assert (await stranger.get(f"/public/{path}")).status_code == 200
