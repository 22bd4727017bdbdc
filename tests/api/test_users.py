"""Who calls, and who may not."""

from __future__ import annotations

import httpx
import pytest

from backend.settings import Settings
from tests.api.conftest import (
    ASK,
    PASSWORD,
    PICK,
    Served,
    approved,
    assert_problem,
    proposed,
)


async def test_health_answers_anybody(served: Served) -> None:
    answer = await (await served.client()).get("/api/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checks": {"store": "ok", "bus": "ok", "blobs": "ok"},
        "model": "none: plans are made offline",
    }


async def test_name_and_password_become_a_token_that_opens_the_api(served: Served) -> None:
    await served.as_user("ann")
    client = await served.client()
    answer = await client.post("/api/token", json={"name": "Ann", "password": PASSWORD})
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("bearer", 12 * 3600)
    client.headers["Authorization"] = f"Bearer {body['access_token']}"
    assert (await client.get("/api/plans")).json() == {"items": [], "cursor": None}


async def test_wrong_sign_ins_are_told_nothing_and_then_to_wait(served: Served) -> None:
    await served.as_user("ann")
    client = await served.client()
    said = set()
    for name in ("ann", "nobody"):
        answer = await client.post("/api/token", json={"name": name, "password": "wrong one"})
        assert_problem(answer, 401, "EXEC_LOGIN_FAILED")
        said.add(answer.text)
    assert len(said) == 1
    for _ in range(4):
        await client.post("/api/token", json={"name": "ann", "password": "wrong one"})
    answer = await client.post("/api/token", json={"name": "ann", "password": PASSWORD})
    assert_problem(answer, 429, "EXEC_RATE_LIMITED")
    assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_registration_is_closed_unless_it_is_opened(served: Served) -> None:
    client = await served.client()
    answer = await client.post("/api/register", json={"name": "eve", "password": PASSWORD})
    assert_problem(answer, 403, "EXEC_REGISTRATION_CLOSED")


async def test_an_admin_registers_users_and_gives_roles(served: Served) -> None:
    admin = await served.as_user("root", "user", "admin")
    order = {"name": "Olga", "password": PASSWORD, "roles": ["user", "operator"]}
    answer = await admin.post("/api/register", json=order)
    assert answer.status_code == 201
    assert answer.json() == {"user_id": "olga", "name": "Olga", "roles": ["operator", "user"]}
    assert_problem(await admin.post("/api/register", json=order), 409, "EXEC_NAME_TAKEN")
    short = order | {"name": "p", "password": "short"}
    assert_problem(await admin.post("/api/register", json=short), 422, "EXEC_REQUEST_INVALID")
    odd = order | {"name": "../p"}
    assert_problem(await admin.post("/api/register", json=odd), 422, "EXEC_NAME_INVALID")


class TestOpenRegistration:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"allow_registration": True})

    async def test_anybody_becomes_a_user_and_no_more(self, served: Served) -> None:
        client = await served.client()
        order = {"name": "eve", "password": PASSWORD}
        answer = await client.post("/api/register", json=order | {"roles": ["admin"]})
        assert_problem(answer, 403, "EXEC_FORBIDDEN")
        answer = await client.post("/api/register", json=order)
        assert answer.status_code == 201 and answer.json()["roles"] == ["user"]


OPEN = {"/api/health", "/api/token", "/api/register", "/api/hooks/{token}"}


async def test_every_other_address_needs_a_token_that_is_good(served: Served) -> None:
    tried = 0
    for headers, code in (
        ({}, "EXEC_UNAUTHENTICATED"),
        ({"Authorization": "Bearer a.b.c"}, "EXEC_TOKEN_INVALID"),
        ({"Authorization": "Basic YTpi"}, "EXEC_TOKEN_INVALID"),
        ({"Cookie": "access_token=a.b.c"}, "EXEC_TOKEN_INVALID"),
    ):
        client = await served.client(headers)
        for path, verbs in served.app.openapi()["paths"].items():
            for verb in verbs.keys() - {"parameters"}:
                if path in OPEN:
                    continue
                body = {} if verb == "post" else None
                answer = await client.request(
                    verb, path.replace("{", "").replace("}", ""), json=body
                )
                assert_problem(answer, 401, code)
                assert answer.headers["www-authenticate"] == "Bearer"
                tried += 1
    assert tried > 60


async def test_a_revoked_token_opens_nothing(served: Served, ann: httpx.AsyncClient) -> None:
    assert (await ann.get("/api/plans")).status_code == 200
    await served.system.lightning.users.revoke("ann")
    assert_problem(await ann.get("/api/plans"), 401, "EXEC_TOKEN_INVALID")


async def test_the_chats_cookie_works_from_our_own_pages_alone(served: Served) -> None:
    users = served.system.lightning.users
    token = await users.token(await users.register("ann", PASSWORD))
    client = await served.client({"Cookie": f"access_token={token}"})
    assert (await client.get("/api/plans", headers={"Origin": "https://evil.example"})).is_success
    order = {"document": PICK}
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        answer = await client.post("/api/plans", json=order, headers={"Origin": origin})
        assert_problem(answer, 403, "EXEC_ORIGIN_REFUSED")
    answer = await client.post("/api/plans", json=order, headers={"Origin": served.address})
    assert answer.status_code == 201


async def test_what_is_anothers_is_not_there(served: Served, ann: httpx.AsyncClient) -> None:
    bob = await served.as_user("bob", "user", "admin")
    plan = await approved(ann, ASK)
    timed = PICK | {"events": [{"name": "event.go", "kind": "cron", "schedule": "0 9 * * *"}]}
    schedule = (await approved(ann, timed))["schedules"][0]["id"]
    open_plan = await proposed(ann, PICK)
    id, run, hash = plan["plan_id"], plan["run_id"], {"ir_hash": open_plan["ir_hash"]}
    for verb, path, body in (
        ("GET", f"/api/plans/{id}", None),
        ("POST", f"/api/plans/{id}/validate", None),
        ("POST", f"/api/plans/{open_plan['plan_id']}/approve", hash),
        ("POST", f"/api/plans/{open_plan['plan_id']}/reject", {}),
        ("POST", f"/api/plans/{id}/run", {}),
        ("GET", f"/api/runs/{run}", None),
        ("GET", f"/api/runs/{run}/events", None),
        ("POST", f"/api/runs/{run}/cancel", None),
        ("POST", f"/api/runs/{run}/answer", {"step": "ask", "answer": "mine"}),
        ("POST", f"/api/schedules/{schedule}/pause", None),
        ("POST", f"/api/schedules/{schedule}/resume", None),
        ("DELETE", f"/api/schedules/{schedule}", None),
    ):
        answer = await bob.request(verb, path, json=body)
        assert answer.status_code == 404, (verb, path, answer.text)
    stream = {"Accept": "text/event-stream"}
    assert (await bob.get(f"/api/runs/{run}/events", headers=stream)).status_code == 404
    for kind in ("plans", "runs", "schedules"):
        assert (await bob.get(f"/api/{kind}")).json()["items"] == []
    assert (await ann.get(f"/api/runs/{run}")).json()["status"] == "waiting"
