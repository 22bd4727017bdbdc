"""From a document or words to an approved plan."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.api.conftest import (
    PICK,
    Served,
    approved,
    assert_problem,
    proposed,
    triggered_by,
)
from tests.api.sse import followed


async def test_a_document_becomes_a_proposal_that_can_be_read_again(
    ann: httpx.AsyncClient,
) -> None:
    answer = await ann.post("/api/plans", json={"document": PICK})
    plan = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/plans/{plan['plan_id']}"
    assert (plan["status"], plan["revision"], plan["issues"]) == ("proposed", 1, [])
    read = (await ann.get(answer.headers["location"])).json()
    assert read["document"] == plan["document"] and read["ir_hash"] == plan["ir_hash"]
    listed = (await ann.get("/api/plans")).json()["items"]
    assert [p["plan_id"] for p in listed] == [plan["plan_id"]]


async def test_a_document_comes_back_as_one_that_can_be_sent(ann: httpx.AsyncClient) -> None:
    plan = await proposed(ann, PICK)
    again = await proposed(ann, plan["document"])
    assert again["ir_hash"] == plan["ir_hash"]


async def test_the_same_key_proposes_once(ann: httpx.AsyncClient) -> None:
    sent = [
        ann.post("/api/plans", json={"document": PICK}, headers={"Idempotency-Key": "one"})
        for _ in range(3)
    ]
    ids = {answer.json()["plan_id"] for answer in await asyncio.gather(*sent)}
    assert len(ids) == 1
    listed = (await ann.get("/api/plans")).json()["items"]
    assert [plan["latest"] for plan in listed] == [1]


@pytest.mark.usefixtures("planner")
async def test_words_become_a_proposal_by_the_planner(ann: httpx.AsyncClient) -> None:
    prompt = "every weekday at 9 read https://example.com/feed.xml and save it to news.md"
    answer = await ann.post("/api/plans", json={"prompt": prompt, "timezone": "Europe/Paris"})
    assert answer.status_code == 201, answer.text
    plan = answer.json()
    assert (plan["origin"], plan["request"]) == ("planner", prompt)
    assert plan["planner"] and plan["timezone"] == "Europe/Paris"
    assert len(plan["firings"]) == 3 and plan["when"]


@pytest.mark.usefixtures("planner")
async def test_words_that_are_no_plan_are_answered_in_words(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/api/plans", json={"prompt": "hello there"})
    assert answer.status_code == 200
    assert answer.json()["kind"] != "plan" and answer.json()["text"]
    assert (await ann.get("/api/plans")).json()["items"] == []


async def test_without_a_planner_a_document_still_works(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/api/plans", json={"prompt": "tell me a story"})
    assert_problem(answer, 503, "PLAN_NO_PLANNER")
    await proposed(ann, PICK)


async def test_three_approvals_at_once_make_one_run(ann: httpx.AsyncClient) -> None:
    plan = await proposed(ann, PICK)
    path, order = f"/api/plans/{plan['plan_id']}/approve", {"ir_hash": plan["ir_hash"]}
    answers = await asyncio.gather(*[ann.post(path, json=order) for _ in range(3)])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["run_id"] for answer in answers}) == 1
    await followed(ann, answers[0].json()["run_id"])
    assert len((await ann.get("/api/runs")).json()["items"]) == 1


async def test_only_the_revision_that_was_seen_can_be_approved(ann: httpx.AsyncClient) -> None:
    plan = await proposed(ann, PICK)
    path = f"/api/plans/{plan['plan_id']}/approve"
    assert_problem(await ann.post(path, json={"ir_hash": "0" * 64}), 409, "PLAN_REVISION_CHANGED")
    assert_problem(
        await ann.post(path, json={"ir_hash": plan["ir_hash"], "catalogue_hash": "other"}),
        409,
        "PLAN_TOOLS_CHANGED",
    )
    assert (await ann.get("/api/runs")).json()["items"] == []


async def test_a_rejected_plan_cannot_be_approved(ann: httpx.AsyncClient) -> None:
    plan = await proposed(ann, PICK)
    path = f"/api/plans/{plan['plan_id']}"
    rejected = await ann.post(f"{path}/reject", json={"reason": "too early"})
    assert (rejected.json()["status"], rejected.json()["reason"]) == ("rejected", "too early")
    answer = await ann.post(f"{path}/approve", json={"ir_hash": plan["ir_hash"]})
    assert_problem(answer, 409, "PLAN_NOT_OPEN")
    assert (await ann.post(f"{path}/run")).status_code == 409


async def test_inputs_are_checked_before_anything_runs(ann: httpx.AsyncClient) -> None:
    document = PICK | {"inputs": {"n": {"type": "integer"}}}
    plan = await proposed(ann, document)
    path = f"/api/plans/{plan['plan_id']}/approve"
    for inputs in ({}, {"n": "1"}, {"n": 1, "m": 2}):
        answer = await ann.post(path, json={"ir_hash": plan["ir_hash"], "inputs": inputs})
        assert_problem(answer, 422, "PLAN_INPUTS_INVALID")
    answer = await ann.post(path, json={"ir_hash": plan["ir_hash"], "inputs": {"n": 1}})
    assert answer.json()["run_id"]


async def test_plans_are_listed_in_pages_the_newest_first(ann: httpx.AsyncClient) -> None:
    made = [(await proposed(ann, PICK | {"plan_name": f"p{n}"}))["plan_id"] for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await ann.get("/api/plans", params=query)).json()
        seen += [plan["plan_id"] for plan in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_a_schedule_is_set_paused_resumed_and_ended(ann: httpx.AsyncClient) -> None:
    plan = await approved(ann, triggered_by({"kind": "cron", "schedule": "0 9 * * 1-5"}))
    assert plan["status"] == "scheduled" and plan["run_id"] is None
    schedule_id = plan["schedules"][0]["id"]
    listed = (await ann.get("/api/schedules")).json()["items"]
    assert [(s["id"], s["plan_id"]) for s in listed] == [(schedule_id, plan["plan_id"])]
    path = f"/api/schedules/{schedule_id}"
    assert (await ann.post(f"{path}/pause")).json()["status"] == "paused"
    resumed = (await ann.post(f"{path}/resume")).json()
    assert resumed["status"] == "active" and resumed["next_due"]
    assert (await ann.post(f"/api/plans/{plan['plan_id']}/run")).status_code == 202
    answer = await ann.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await ann.get("/api/schedules")).json()["items"] == []


async def test_tools_are_listed_with_what_they_miss(ann: httpx.AsyncClient) -> None:
    body = (await ann.get("/api/tools")).json()
    tools = {tool["id"]: tool for tool in body["tools"]}
    assert tools["json.query"]["purity"] == "pure" and tools["json.query"]["description"]
    assert "SMTP_HOST" in body["missing"]["email.send"] and body["hash"]


async def test_the_description_is_complete_and_needs_nothing_from_elsewhere(
    served: Served,
) -> None:
    client = await served.client()
    spec = (await client.get("/api/openapi.json")).json()
    operations = [o for verbs in spec["paths"].values() for o in verbs.values()]
    assert len(operations) >= 20
    for operation in operations:
        assert operation["description"] and "default" in operation["responses"]
    page = (await client.get("/api/docs")).text
    assert "<script" not in page and "http:" not in page and "https:" not in page
    for path in spec["paths"]:
        assert path in page
