"""Lockfiles, planning sessions, explanations and counters over HTTP; and what nobody may claim there."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from backend.contracts.plans import IR
from backend.plans.lockfile import read_lock, verify
from backend.settings import Settings
from tests.api.conftest import PICK, Served, approved, assert_problem, proposed
from tests.api.sse import followed

PROMPT = "every weekday at 9 read https://example.com/feed.xml and save it to news.md"


async def planned(client: httpx.AsyncClient, prompt: str = PROMPT) -> dict[str, Any]:
    answer = await client.post("/api/plans", json={"prompt": prompt})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.usefixtures("planner")
async def test_a_lockfile_is_downloaded_and_can_be_verified(
    served: Served, settings: Settings, ann: httpx.AsyncClient
) -> None:
    plan = await planned(ann)
    answer = await ann.get(f"/api/plans/{plan['plan_id']}/lock")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    lock = read_lock(answer.json())
    assert lock is not None
    assert (lock.ir_hash, lock.trust, lock.created_by) == (plan["ir_hash"], "trusted", "offline")
    assert {tool: version["version"] for tool, version in lock.tool_versions.items()} == {
        "feed.read": "1",
        "file.write": "1",
    }
    revision = await served.system.lightning.store.get("revision", f"{plan['plan_id']}:1", None)
    assert revision is not None and revision.body is not None
    catalogue = served.system.lightning.registry.catalogue()
    ir = IR.model_validate(revision.body["ir"])
    assert verify(lock, ir, catalogue, settings.jwt_signing_key) == ()
    assert plan["lock"] == answer.json() and plan["trust"] == "trusted"


async def test_a_lockfile_of_each_revision_is_kept(served: Served, ann: httpx.AsyncClient) -> None:
    plan = await proposed(ann, PICK)
    who = await served.system.lightning.users.user(plan["owner"])
    await served.system.lightning.edit(
        who, plan["plan_id"], plan["ir_hash"], {"steps/0/args/query": "a[0]"}
    )
    path = f"/api/plans/{plan['plan_id']}/lock"
    first, second = [(await ann.get(path, params={"revision": n})).json() for n in (1, 2)]
    assert first["ir_hash"] == plan["ir_hash"] != second["ir_hash"]
    assert (first["trust"], second["trust"]) == ("untrusted", "untrusted")
    assert_problem(await ann.get(path, params={"revision": 3}), 404, "EXEC_NOT_FOUND")


@pytest.mark.parametrize(
    "claim",
    [
        {"origin": "planner"},
        {"trust": "trusted"},
        {"provenance": {"planning_id": "x"}},
        {"planner": "offline"},
        {"lock": {"trust": "trusted"}},
    ],
)
async def test_nobody_outside_can_say_that_a_planner_made_it(
    ann: httpx.AsyncClient, claim: dict[str, Any]
) -> None:
    beside = await ann.post("/api/plans", json={"document": PICK, **claim})
    assert_problem(beside, 422, "EXEC_REQUEST_INVALID")
    within = await ann.post("/api/plans", json={"document": {**PICK, **claim}})
    assert within.status_code == 422
    by_event = {"plan_id": "x", "document": PICK, **claim}
    event = await ann.post("/api/events", json={"type": "plan.propose", "data": by_event})
    assert_problem(event, 403, "EXEC_EVENT_INSIDE_ONLY")
    assert (await ann.get("/api/plans")).json()["items"] == []


@pytest.mark.usefixtures("planner")
async def test_what_a_planner_made_is_untrusted_when_it_is_sent_as_a_document(
    ann: httpx.AsyncClient,
) -> None:
    plan = await planned(ann)
    again = await proposed(ann, plan["document"])
    assert (again["ir_hash"], again["trust"]) == (plan["ir_hash"], "untrusted")


@pytest.mark.usefixtures("planner")
async def test_a_prompts_session_is_listed_for_its_owner_alone(
    served: Served, ann: httpx.AsyncClient
) -> None:
    plan = await planned(ann)
    assert (await ann.post("/api/plans", json={"prompt": "hello there"})).status_code == 200
    talk, session = (await ann.get("/api/plannings")).json()["items"]
    assert (talk["outcome"], talk["plan_id"], talk["request"]) == ("talk", None, "hello there")
    assert (session["plan_id"], session["outcome"]) == (plan["plan_id"], "plan")
    assert session["id"] == plan["provenance"]["planning_id"]
    one = (await ann.get(f"/api/plannings/{session['id']}")).json()
    assert one == session and [stage["name"] for stage in one["stages"]]
    bob = await served.as_user("bob")
    assert (await bob.get("/api/plannings")).json()["items"] == []
    assert_problem(await bob.get(f"/api/plannings/{session['id']}"), 404, "EXEC_NOT_FOUND")


@pytest.mark.usefixtures("planner")
async def test_a_run_is_explained_to_its_owner_and_to_nobody_else(
    served: Served, ann: httpx.AsyncClient
) -> None:
    said = "remind me every weekday at 9 to drink water"
    plan = await planned(ann, said)
    (step,) = plan["document"]["steps"]
    path = f"/api/plans/{plan['plan_id']}"
    await ann.post(f"{path}/approve", json={"ir_hash": plan["ir_hash"]})
    run_id = (await ann.post(f"{path}/run")).json()["run_id"]
    await followed(ann, run_id)
    answer = await ann.get(f"/api/explain/{run_id}:{step['name']}")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    kinds = [link["kind"] for link in found["links"]]
    assert kinds == ["effect", "run", "trigger", "approval", "planning", "request"]
    assert found["links"][-1]["words"] == f"you said: “{said}”"
    assert found["words"] == " ← ".join(link["words"] for link in found["links"])
    bob = await served.as_user("bob")
    for id in (f"{run_id}:{step['name']}", run_id, plan["plan_id"], found["links"][3]["id"]):
        assert_problem(await bob.get(f"/api/explain/{id}"), 404, "EXEC_NOT_FOUND")
    anybody = await served.client()
    assert_problem(await anybody.get(f"/api/explain/{run_id}"), 401, "EXEC_UNAUTHENTICATED")


@pytest.mark.parametrize("id", ["nothing", "a/b/c", "%00", "<x@example.com>", "..%2f..", "x" * 400])
async def test_an_id_of_nothing_is_a_problem_not_a_failure(ann: httpx.AsyncClient, id: str) -> None:
    assert_problem(await ann.get(f"/api/explain/{id}"), 404, "EXEC_NOT_FOUND")


async def test_caches_are_counted_for_operators_alone(
    served: Served, ann: httpx.AsyncClient
) -> None:
    await approved(ann, PICK)
    olga = await served.as_user("olga", "user", "operator")
    counted = (await olga.get("/api/counters")).json()
    assert {"metadata", "validation", "selection"} <= set(counted)
    assert counted["metadata"]["hits"] > 0
    assert all(set(each) == {"hits", "misses"} for each in counted.values())  # SQLite costs nothing
    assert_problem(await ann.get("/api/counters"), 403, "EXEC_FORBIDDEN")
