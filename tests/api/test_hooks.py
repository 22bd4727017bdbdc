"""Webhooks: an address that starts one plan, for whoever has it, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.api.conftest import PICK, Served, approved, assert_problem, triggered_by

CALLED = triggered_by({"kind": "webhook"})


def hook(plan: Mapping[str, Any]) -> str:
    (path,) = plan["hooks"].values()
    return str(path)


async def starts(served: Served, plan_id: str, wanted: int) -> list[dict[str, Any]]:
    """The first `wanted` runs the plan's stream starts, with the event each carries."""
    found: list[dict[str, Any]] = []
    stream = f"plan:{plan_id}"
    async for news in served.system.lightning.bus.follow({stream: None}):
        for commit in news[stream].commits:
            found += [dict(e.data) for e in commit.outputs if e.type == "plan.execute"]
        if len(found) >= wanted:
            break
    return found


async def test_whoever_has_the_address_starts_the_plan_with_what_they_send(
    served: Served, ann: httpx.AsyncClient
) -> None:
    plan = await approved(ann, CALLED)
    stranger = await served.client()
    answer = await stranger.post(hook(plan), json={"order": 7})
    assert answer.status_code == 202, answer.text
    (run,) = await starts(served, plan["plan_id"], 1)
    assert run["event"] == {"type": "webhook.called", "order": 7}
    assert run["trigger"] == "event.go"


@pytest.mark.parametrize(
    ("content_type", "body", "event"),
    [
        ("application/x-www-form-urlencoded", b"a=1&b=", {"a": "1", "b": ""}),
        ("application/json", b"[1, 2]", {"body": [1, 2]}),
        ("text/plain", b"{not json", {"text": "{not json"}),
        ("text/plain", b"", {}),
    ],
)
async def test_a_form_a_list_and_plain_text_are_taken_as_well(
    served: Served,
    ann: httpx.AsyncClient,
    content_type: str,
    body: bytes,
    event: dict[str, Any],
) -> None:
    plan = await approved(ann, CALLED)
    answer = await ann.post(hook(plan), content=body, headers={"content-type": content_type})
    assert answer.status_code == 202, answer.text
    (run,) = await starts(served, plan["plan_id"], 1)
    assert run["event"] == {"type": "webhook.called"} | event


async def test_a_delivery_that_names_itself_counts_once(
    served: Served, ann: httpx.AsyncClient
) -> None:
    plan = await approved(ann, CALLED)
    for n in (1, 2, 3):
        headers = {"x-github-delivery": "one" if n < 3 else "two"}
        await ann.post(hook(plan), json={"n": n}, headers=headers)
    runs = await starts(served, plan["plan_id"], 2)
    assert sorted(run["event"]["n"] for run in runs) == [1, 3]


async def test_only_what_passes_the_filter_starts_it(
    served: Served, ann: httpx.AsyncClient
) -> None:
    plan = await approved(ann, triggered_by({"kind": "webhook", "filter": 'event.state == "paid"'}))
    await ann.post(hook(plan), json={"state": "open", "n": 1})
    await ann.post(hook(plan), json={"state": "paid", "n": 2})
    (run,) = await starts(served, plan["plan_id"], 1)
    assert run["event"]["n"] == 2


async def test_one_plans_address_starts_no_other_plan(
    served: Served, ann: httpx.AsyncClient
) -> None:
    mine, other = await approved(ann, CALLED), await approved(ann, CALLED)
    everything = await approved(ann, triggered_by({"kind": "event", "type": "*"}))
    assert hook(mine) != hook(other)
    await ann.post(hook(other), json={"n": 1})
    await starts(served, other["plan_id"], 1)
    for plan in (mine, everything):
        history = await served.system.lightning.bus.history(f"plan:{plan['plan_id']}")
        assert not [e for c in history.commits for e in c.outputs if e.type == "plan.execute"]


async def test_an_event_from_outside_cannot_pose_as_a_call(
    served: Served, ann: httpx.AsyncClient
) -> None:
    plan = await approved(ann, CALLED)
    meant = {"plan_id": plan["plan_id"], "trigger": "event.go"}
    await ann.post("/api/events", json={"type": "webhook.called", "data": {"hook": meant}})
    await ann.post(hook(plan), json={"n": 1})
    runs = await starts(served, plan["plan_id"], 1)
    assert [run["event"] for run in runs] == [{"type": "webhook.called", "n": 1}]


async def test_a_secret_must_have_signed_the_call(served: Served, ann: httpx.AsyncClient) -> None:
    plan = await approved(ann, triggered_by({"kind": "webhook", "secret": "between us"}))
    json = {"content-type": "application/json"}

    async def call(body: bytes, **signed: str) -> httpx.Response:
        return await ann.post(hook(plan), content=body, headers=json | signed)

    right = "sha256=" + hmac.new(b"between us", b"1", hashlib.sha256).hexdigest()
    name = "x-hub-signature-256"
    for refused in (
        await call(b"1"),
        await call(b"1", **{name: "sha256="}),
        await call(b"2", **{name: right}),
    ):
        assert_problem(refused, 401, "EXEC_SIGNATURE_INVALID")
    assert (await call(b"1", **{name: right})).status_code == 202


async def test_a_guessed_address_and_that_of_an_ended_plan_are_none(
    served: Served, ann: httpx.AsyncClient
) -> None:
    plan = await approved(ann, CALLED)
    bob = await served.as_user("bob")
    path = hook(plan)
    for wrong in (path[:-1] + ("A" if path[-1] != "A" else "B"), "/api/hooks/x", "/api/hooks/.x"):
        assert_problem(await bob.post(wrong, json={}), 404, "EXEC_NOT_FOUND")
    await ann.post(
        "/api/events", json={"type": "plan.archive", "data": {"plan_id": plan["plan_id"]}}
    )
    async for news in served.system.lightning.bus.follow({f"plan:{plan['plan_id']}": None}):
        commits = news[f"plan:{plan['plan_id']}"].commits
        if any(e.type == "plan.archived" for c in commits for e in c.outputs):
            break
    assert_problem(await ann.post(path, json={}), 404, "EXEC_NOT_FOUND")


async def test_a_plan_shows_its_address_only_while_it_listens(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/api/plans", json={"document": CALLED})
    assert answer.json()["hooks"] == {}
    assert (await approved(ann, PICK))["hooks"] == {}
