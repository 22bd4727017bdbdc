"""Runs, once and live."""

from __future__ import annotations

import asyncio

import httpx

from tests.api.conftest import ASK, PICK, Served, approved, assert_problem
from tests.api.sse import LIVE, Message, followed, messages


async def test_a_run_is_followed_live_to_its_end(ann: httpx.AsyncClient) -> None:
    run_id = (await approved(ann, PICK))["run_id"]
    seen = await followed(ann, run_id)
    types = [message.event for message in seen]
    assert types[0] == "plan.execute" and types[-1] == "run.completed"
    assert "plan.step.completed" in types
    assert all(m.data["type"] == m.event and m.data["userID"] == "ann" for m in seen)
    state = (await ann.get(f"/api/runs/{run_id}")).json()
    assert state["status"] == "completed"
    assert state["steps"]["pick"]["output"] == {"result": 2}
    assert not {"waiting_on", "fired", "active"} & state.keys()
    assert not {"begun", "left"} & state["steps"]["pick"].keys()


async def test_the_same_events_are_there_as_json(ann: httpx.AsyncClient) -> None:
    run_id = (await approved(ann, PICK))["run_id"]
    seen = await followed(ann, run_id)
    page = (await ann.get(f"/api/runs/{run_id}/events")).json()
    assert [e["id"] for e in page["items"]] == [m.data["id"] for m in seen]
    rest = await ann.get(f"/api/runs/{run_id}/events", params={"cursor": page["cursor"]})
    assert rest.json()["items"] == []


async def test_a_cut_stream_goes_on_behind_the_last_event(ann: httpx.AsyncClient) -> None:
    run_id = (await approved(ann, ASK))["run_id"]
    path = f"/api/runs/{run_id}/events"
    first: list[Message] = []
    async with ann.stream("GET", path, headers=LIVE) as answer:
        async for message in messages(answer):
            first.append(message)
            if message.last_id and message.event == "plan.step.waiting":
                break
    answered = await ann.post(f"/api/runs/{run_id}/answer", json={"step": "ask", "answer": "fine"})
    assert answered.status_code == 200, answered.text
    rest = await followed(ann, run_id, {"Last-Event-ID": first[-1].last_id})
    assert not {m.data["id"] for m in first} & {m.data["id"] for m in rest}
    assert rest[0].event == "run.answer" and rest[-1].event == "run.completed"


async def test_a_stream_with_nothing_more_to_come_says_so(ann: httpx.AsyncClient) -> None:
    run_id = (await approved(ann, PICK))["run_id"]
    last = (await followed(ann, run_id))[-1].last_id
    path = f"/api/runs/{run_id}/events"
    answer = await ann.get(path, headers=LIVE | {"Last-Event-ID": last})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_live_streams_end_when_the_server_stops(
    served: Served, ann: httpx.AsyncClient
) -> None:
    run_id = (await approved(ann, ASK))["run_id"]
    following = asyncio.create_task(followed(ann, run_id))
    async with ann.stream("GET", f"/api/runs/{run_id}/events", headers=LIVE) as answer:
        async for message in messages(answer):
            if message.event == "plan.step.waiting":
                served.app.state.stopping.set()
    assert "run.completed" not in [message.event for message in await following]


async def test_an_answer_lets_a_waiting_run_go_on_once(
    served: Served, ann: httpx.AsyncClient
) -> None:
    run_id = (await approved(ann, ASK))["run_id"]
    async with ann.stream("GET", f"/api/runs/{run_id}/events", headers=LIVE) as answer:
        async for message in messages(answer):
            if message.event == "plan.step.waiting":
                break
    state = (await ann.get(f"/api/runs/{run_id}")).json()
    assert state["status"] == "waiting"
    assert state["steps"]["ask"]["question"]["text"] == "Well?"
    path, order = f"/api/runs/{run_id}/answer", {"step": "ask", "answer": "yes, do"}
    assert (await ann.post(path, json=order)).status_code == 200
    assert_problem(await ann.post(path, json=order), 409, "EXEC_TOO_LATE")
    assert "run.completed" in [message.event for message in await followed(ann, run_id)]
    assert await served.system.lightning.files.read("ann", "said.txt") == b"yes, do"


async def test_a_cancelled_run_stops_and_stays_stopped(ann: httpx.AsyncClient) -> None:
    run_id = (await approved(ann, ASK))["run_id"]
    state = (await ann.post(f"/api/runs/{run_id}/cancel")).json()
    assert state["status"] == "cancelled"
    assert all(step["status"] == "cancelled" for step in state["steps"].values())
    answer = await ann.post(f"/api/runs/{run_id}/answer", json={"step": "ask", "answer": "x"})
    assert_problem(answer, 409, "EXEC_TOO_LATE")


async def test_an_approved_plan_runs_again_and_its_runs_are_listed(
    ann: httpx.AsyncClient,
) -> None:
    plan = await approved(ann, PICK)
    again = await ann.post(f"/api/plans/{plan['plan_id']}/run")
    assert again.status_code == 202
    runs = {plan["run_id"], again.json()["run_id"]}
    assert len(runs) == 2
    for run_id in runs:
        assert (await followed(ann, run_id))[-1].event == "run.completed"
    await followed(ann, (await approved(ann, PICK))["run_id"])
    assert len((await ann.get("/api/runs")).json()["items"]) == 3
    listed = await ann.get("/api/runs", params={"plan_id": plan["plan_id"]})
    assert len(listed.json()["items"]) == 2
