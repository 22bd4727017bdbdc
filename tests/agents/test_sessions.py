"""What is said in the chat is recorded as a planning session, and explained by it later."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from backend.contracts.errors import NotFound
from backend.contracts.planning import PlanningRecord
from tests.agents.conftest import (
    ANN,
    BOB,
    Opening,
    Talk,
    answered,
    drafted,
    repaired,
    step,
)
from tests.scripted_openai import ScriptedOpenAI

ZONE = "Europe/Paris"
REQUEST = "Every weekday at 9 read https://example.com/feed and mail it to me@example.com"
FEED = step("fetch", "feed.read", url="https://example.com/feed")
MAIL = step(
    "send", "email.send", "fetch", to="me@example.com", subject="News", body="${fetch.title}"
)


def digest(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return drafted(*(steps or (FEED, MAIL)), when="0 9 * * 1-5", **more)


async def recorded(talk: Talk) -> list[PlanningRecord]:
    return (await talk.lightning.plannings(ANN))[0]


async def test_a_turn_is_recorded_with_its_stages_its_cost_and_what_came_of_it(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    server.answer(digest())
    reply = await talk.say(ANN, "t1", REQUEST, ZONE)
    assert reply.plan is not None
    (record,) = await recorded(talk)
    assert (record.outcome, record.request, record.thread_id) == ("plan", REQUEST, "t1")
    assert (record.planner, record.model) == ("gpt-4o-mini", "gpt-4o-mini")
    assert (record.plan_id, record.revision) == (reply.plan.plan_id, 1)
    assert record.ir_hash == reply.plan.ir_hash
    assert [dict(stage) for stage in record.stages] == [asdict(s) for s in reply.stages]
    assert record.selection["tools"] == ["feed.read", "email.send"]
    assert record.usage["calls"] == 1 and record.usage["input_tokens"] == 100
    assert reply.plan.trust == "trusted"
    assert reply.plan.provenance["planning_id"] == record.id
    assert reply.plan.provenance["selection"] == record.selection
    stages = [stage["name"] for stage in reply.plan.provenance["stages"]]
    assert stages == ["discover", "select", "draft", "validate"]


async def test_what_was_mended_on_the_way_is_recorded_as_it_was_told(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    server.answer(digest(FEED, {**MAIL, "args": ["to=me@example.com", "body=${nobody.knows}"]}))
    server.answer(repaired(MAIL))
    reply = await talk.say(ANN, "t1", REQUEST, ZONE)
    assert reply.plan is not None
    (record,) = await recorded(talk)
    assert [issue["code"] for issue in record.repairs] == ["PLAN_REFERENCE_UNKNOWN"]
    assert "nobody" in record.repairs[0]["message"]
    assert "repair 1/4" in [stage["name"] for stage in record.stages]
    assert tuple(reply.plan.provenance["repairs"]) == record.repairs


@pytest.mark.parametrize("kind", ["question", "refusal"])
async def test_a_turn_that_made_no_plan_is_recorded_too(
    talk: Talk, server: ScriptedOpenAI, kind: str
) -> None:
    server.answer(answered(kind, "Which feed?"))
    await talk.say(ANN, "t1", "read the feed", ZONE)
    (record,) = await recorded(talk)
    assert (record.outcome, record.plan_id, record.code) == (kind, None, "")


async def test_a_turn_that_failed_is_recorded_with_its_code(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    server.fail(500, "down")
    reply = await talk.say(ANN, "t1", REQUEST, ZONE)
    (record,) = await recorded(talk)
    assert (record.outcome, record.request) == ("error", REQUEST)
    assert record.code and record.code in reply.text


async def test_each_message_is_a_session_of_its_own_and_a_plan_is_explained_by_all_of_them(
    talk: Talk, server: ScriptedOpenAI
) -> None:
    server.answer(digest())
    first = (await talk.say(ANN, "t1", REQUEST, ZONE)).plan
    server.answer(drafted(FEED, MAIL, when="0 8 * * 1-5", kind="revision"))
    second = (await talk.say(ANN, "t1", "make it 8", ZONE)).plan
    assert first is not None and second is not None
    assert (second.revision, second.trust) == (2, "trusted")
    records = {record.request: record for record in await recorded(talk)}
    assert set(records) == {REQUEST, "make it 8"}
    found = await talk.lightning.explain(ANN, second.plan_id)
    said = [link.detail["text"] for link in found.links if link.kind == "request"]
    assert said == ["make it 8", REQUEST]
    by_session = await talk.lightning.explain(ANN, records[REQUEST].id)
    assert by_session.links[-1].words == f"you said: “{REQUEST}”"
    with pytest.raises(NotFound):
        await talk.lightning.explain(BOB, records[REQUEST].id)


async def test_a_plan_typed_in_pipe_syntax_is_no_planners_work(opened: Opening) -> None:
    async with opened(model=False) as talk:
        typed = "/plan file.write --path=a.txt --content=hi"
        reply = await talk.say(ANN, "t1", typed, ZONE)
        assert reply.plan is not None
        assert (reply.plan.origin, reply.plan.trust) == ("hand", "untrusted")
        found = await talk.lightning.explain(ANN, reply.plan.plan_id)
        assert [link.kind for link in found.links] == ["revision", "request"]
        assert found.links[-1].detail["text"] == typed


async def test_a_session_is_recorded_once_though_a_restart_came_between(
    opened: Opening, server: ScriptedOpenAI
) -> None:
    async with opened() as talk:
        server.answer(digest())
        await talk.say(ANN, "t1", REQUEST, ZONE)
        (before,) = await recorded(talk)
        (turn,) = (await talk.lightning.store.list("turn", owner="ann")).items
        # as if the server had died after the reply was made and before it was marked so
        await talk.lightning.store.delete("planning", before.id, "ann")
        await talk.lightning.store.put(replace(turn, status="open", etag=None))
    async with opened() as talk:
        (resumed,) = await talk.conversation.resume_unfinished()
        assert resumed.reply.plan is not None
        (after,) = await recorded(talk)
        assert (after.id, after.plan_id, after.outcome) == (before.id, before.plan_id, "plan")
        assert [stage["name"] for stage in after.stages][:3] == ["discover", "select", "draft"]


async def test_a_secret_said_in_the_chat_is_not_in_the_record(opened: Opening) -> None:
    async with opened(model=False) as talk:
        await talk.say(ANN, "t1", "my password is hunter2, remember it", ZONE)
        (record,) = await recorded(talk)
        assert "hunter2" not in repr(record)
