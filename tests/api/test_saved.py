"""Saved plans over HTTP."""

from __future__ import annotations

import httpx

from tests.api.conftest import PICK, Served, assert_problem, proposed

MAIL = {
    "plan_name": "mail",
    "events": [{"name": "go", "kind": "manual"}],
    "steps": [
        {
            "name": "note",
            "on": ["go"],
            "action": "file.write",
            "args": {"path": "a.md", "content": "hello"},
        }
    ],
}


async def test_a_plan_is_saved_found_listed_as_a_tool_and_let_go(ann: httpx.AsyncClient) -> None:
    plan = await proposed(ann, PICK)
    place = f"/api/plans/{plan['plan_id']}/save"
    saved = (await ann.post(place, json={"name": "Second best"})).json()
    assert saved["saved"] == "plan.second-best"
    listed = (await ann.get("/api/plans", params={"saved": True})).json()["items"]
    assert [p["plan_id"] for p in listed] == [plan["plan_id"]]
    found = (await ann.get("/api/plans", params={"saved": True, "q": "second"})).json()
    none = (await ann.get("/api/plans", params={"saved": True, "q": "nowhere"})).json()
    assert (len(found["items"]), len(none["items"])) == (1, 0)
    tools = (await ann.get("/api/tools")).text
    assert "plan.second-best" in tools
    assert (await ann.delete(place)).json()["saved"] == ""
    assert (await ann.get("/api/plans", params={"saved": True})).json()["items"] == []


async def test_a_plan_is_saved_as_a_template_of_its_own(ann: httpx.AsyncClient) -> None:
    plan = await proposed(ann, MAIL)
    place = f"/api/plans/{plan['plan_id']}/save"
    made = (await ann.post(place, json={"inputs": True})).json()
    assert made["plan_id"] != plan["plan_id"]
    assert made["document"]["inputs"]["path"]["default"] == "a.md"
    again = (await ann.post(place, json={"inputs": ["steps/0/args/content"]})).json()
    assert list(again["document"]["inputs"]) == ["content"]
    answer = await ann.post(place, json={"inputs": ["steps/0/args/nothing"]})
    assert_problem(answer, 422, "PLAN_EDIT_REFUSED")


async def test_the_revisions_of_a_plan_say_what_changed(ann: httpx.AsyncClient) -> None:
    plan = await proposed(ann, MAIL)
    await ann.post(f"/api/plans/{plan['plan_id']}/reject", json={"reason": "no"})
    (first,) = (await ann.get(f"/api/plans/{plan['plan_id']}/revisions")).json()
    assert (first["number"], first["decided"], first["changes"]) == (1, "rejected", [])


async def test_an_archived_plan_is_saved_no_more(ann: httpx.AsyncClient) -> None:
    plan = await proposed(ann, PICK)
    await ann.post(f"/api/plans/{plan['plan_id']}/save")
    ended = (await ann.post(f"/api/plans/{plan['plan_id']}/archive")).json()
    assert (ended["status"], ended["saved"]) == ("archived", "")
    answer = await ann.post(f"/api/plans/{plan['plan_id']}/save")
    assert_problem(answer, 409, "PLAN_ARCHIVED")


async def test_what_is_anothers_is_not_there(served: Served, ann: httpx.AsyncClient) -> None:
    plan = await proposed(ann, PICK)
    place = f"/api/plans/{plan['plan_id']}"
    await ann.post(f"{place}/save")
    bob = await served.as_user("bob")
    for answer in (
        await bob.post(f"{place}/save"),
        await bob.delete(f"{place}/save"),
        await bob.get(f"{place}/revisions"),
        await bob.post(f"{place}/archive"),
    ):
        assert_problem(answer, 404, "EXEC_NOT_FOUND")
    assert (await bob.get("/api/plans", params={"saved": True})).json()["items"] == []


async def test_templates_are_there_to_start_from(ann: httpx.AsyncClient) -> None:
    templates = (await ann.get("/api/templates")).json()
    watch = next(t for t in templates if t["slug"] == "page-watch")
    document = watch["document"]
    document["inputs"]["url"]["default"] = "https://example.com"
    plan = await proposed(ann, document)
    assert [i for i in plan["issues"] if i["severity"] == "error"] == []
