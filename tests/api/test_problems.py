"""Bad requests: a clear coded answer, whatever is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from backend.api.body import MAX_BYTES
from tests.api.conftest import PICK, Served, assert_problem


async def test_an_unknown_address_is_a_problem(ann: httpx.AsyncClient) -> None:
    for path in ("/api/nothing", "/api/plans/x/nothing", "/api/"):
        assert_problem(await ann.get(path), 404, "EXEC_NOT_FOUND")


async def test_a_wrong_method_says_which_are_right(ann: httpx.AsyncClient) -> None:
    answer = await ann.put("/api/plans", json={})
    assert_problem(answer, 405, "EXEC_METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"document": NaN}',
        b'{"prompt": "\\ud800"}',
        b'{"document": ' + b'{"a":' * 500 + b"1" + b"}" * 501,
        b'{"document": ' + b"[" * 100_000,
        b"\xff\xfe",
    ],
)
async def test_broken_json_is_400(ann: httpx.AsyncClient, body: bytes) -> None:
    answer = await ann.post(
        "/api/plans", content=body, headers={"content-type": "application/json"}
    )
    assert_problem(answer, 400, "EXEC_JSON_INVALID")


async def test_a_misshapen_body_says_where(ann: httpx.AsyncClient) -> None:
    body = assert_problem(
        await ann.post("/api/plans/x/approve", json={"ir_hash": 3, "more": 1}),
        422,
        "EXEC_REQUEST_INVALID",
    )
    assert {issue["path"] for issue in body["issues"]} == {"body/ir_hash", "body/more"}
    for wrong in ({}, {"prompt": "x", "document": {}}, {"prompt": ""}, [], "text", None):
        assert_problem(await ann.post("/api/plans", json=wrong), 422, "EXEC_REQUEST_INVALID")


async def test_a_body_that_is_not_json_is_refused(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/api/plans", content=b"a=b", headers={"content-type": "text/plain"})
    assert_problem(answer, 422, "EXEC_REQUEST_INVALID")


async def test_ten_megabytes_are_refused_before_they_are_sent(served: Served) -> None:
    where = urlsplit(served.address)
    assert where.hostname and where.port
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(
        b"POST /api/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 10000000\r\n\r\n{"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in head
    writer.close()


async def test_an_endless_body_is_refused_while_it_comes(ann: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BYTES // 100_000 * 2):
            yield b" " * 100_000

    answer = await ann.post(
        "/api/plans", content=endless(), headers={"content-type": "application/json"}
    )
    assert_problem(answer, 413, "EXEC_TOO_LARGE")


async def test_hostile_addresses_and_cursors_are_answered_with_a_code(
    ann: httpx.AsyncClient,
) -> None:
    for id in ("%00", "%F0%9F%98%80", "..%2f..%2fetc", "a" * 3000, "'; DROP TABLE documents;--"):
        for kind in ("plans", "runs"):
            answer = await ann.get(f"/api/{kind}/{id}")
            assert_problem(answer, 404, answer.json()["code"])
    for cursor in ("x", "%00", "AAAA", "a" * 5000):
        answer = await ann.get(f"/api/plans?cursor={cursor}")
        assert answer.status_code in (200, 422), answer.text
    assert_problem(await ann.get("/api/plans?limit=0"), 422, "EXEC_REQUEST_INVALID")
    assert_problem(await ann.get("/api/plans?limit=9999"), 422, "EXEC_REQUEST_INVALID")


async def test_a_document_that_is_no_plan_says_what_is_wrong(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/api/plans", json={"document": {"plan_name": "x", "steps": []}})
    body = assert_problem(answer, 422, "PLAN_INVALID")
    assert any(issue["path"].startswith("steps") for issue in body["issues"])


async def test_a_plan_with_an_unknown_tool_is_kept_with_its_issue_and_cannot_be_approved(
    ann: httpx.AsyncClient,
) -> None:
    step = PICK["steps"][0] | {"action": "json.qery"}
    plan = (await ann.post("/api/plans", json={"document": PICK | {"steps": [step]}})).json()
    assert [issue["path"] for issue in plan["issues"]] == ["steps/0/action"]
    answer = await ann.post(
        f"/api/plans/{plan['plan_id']}/approve", json={"ir_hash": plan["ir_hash"]}
    )
    body = assert_problem(answer, 422, "PLAN_HAS_ERRORS")
    assert body["issues"] and body["issues"][0]["available"]
    checked = (await ann.post(f"/api/plans/{plan['plan_id']}/validate")).json()
    assert checked["ok"] is False and checked["ir_hash"] == plan["ir_hash"]
