"""Events from outside: what they start, and what they must not."""

from __future__ import annotations

import httpx
import pytest

from tests.api.conftest import PICK, Served, approved, assert_problem, proposed, triggered_by

ORDER = triggered_by({"kind": "event", "type": "order.*"})


@pytest.mark.parametrize(
    "event",
    [
        {"type": "order.placed", "data": {"n": 1}},
        {"type": "order.placed", "userID": "ann", "metadata": {"n": 1}, "source": "shop"},
        {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.placed"},
    ],
)
async def test_every_shape_of_event_is_taken(
    ann: httpx.AsyncClient, event: dict[str, object]
) -> None:
    answer = await ann.post("/api/events", json=event)
    assert answer.status_code == 202, answer.text
    assert answer.json()["type"] == "order.placed" and answer.json()["id"]


async def test_a_cloud_event_may_come_under_its_own_media_type(ann: httpx.AsyncClient) -> None:
    body = b'{"specversion": "1.0", "id": "1", "source": "/s", "type": "a.b"}'
    headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
    assert (await ann.post("/api/events", content=body, headers=headers)).status_code == 202


async def test_the_same_event_sent_again_is_the_same(ann: httpx.AsyncClient) -> None:
    event = {"type": "order.placed", "id": "42", "source": "shop"}
    ids = {(await ann.post("/api/events", json=event)).json()["id"] for _ in range(3)}
    other = await ann.post("/api/events", json=event | {"source": "elsewhere"})
    assert len(ids) == 1 and other.json()["id"] not in ids


@pytest.mark.parametrize(
    "type",
    ["plan.execute", "plan.approved", "run.completed", "plan.step.completed", "plan.propose"],
)
async def test_facts_and_inner_commands_are_refused(ann: httpx.AsyncClient, type: str) -> None:
    data = {"run_id": "x", "plan_id": "x", "ir_hash": "x", "step": "x", "output": {}}
    answer = await ann.post("/api/events", json={"type": type, "data": data})
    assert_problem(answer, 403, "EXEC_EVENT_INSIDE_ONLY")


async def test_nobody_speaks_for_another_but_an_operator(served: Served) -> None:
    ann = await served.as_user("ann")
    olga = await served.as_user("olga", "user", "operator")
    event = {"type": "order.placed", "userID": "bob"}
    assert_problem(await ann.post("/api/events", json=event), 403, "EXEC_FORBIDDEN")
    cloud = {"specversion": "1.0", "id": "1", "source": "s", "type": "a.b", "userid": "bob"}
    assert_problem(await ann.post("/api/events", json=cloud), 403, "EXEC_FORBIDDEN")
    assert (await olga.post("/api/events", json=event)).status_code == 202


async def test_a_command_needs_its_data(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/api/events", json={"type": "plan.approve", "data": {}})
    assert_problem(answer, 422, "EXEC_EVENT_INVALID")


async def test_an_event_starts_the_plans_that_wait_for_it(
    served: Served, ann: httpx.AsyncClient
) -> None:
    plan = await approved(ann, ORDER)
    lightning = served.system.lightning
    await ann.post("/api/events", json={"type": "order.placed", "id": "1", "data": {"n": 1}})
    async for news in lightning.bus.follow({f"plan:{plan['plan_id']}": None}):
        commits = news[f"plan:{plan['plan_id']}"].commits
        if any(e.type == "plan.execute" for c in commits for e in (c.cause, *c.outputs)):
            break
    assert (await proposed(ann, PICK))["status"] == "proposed"
