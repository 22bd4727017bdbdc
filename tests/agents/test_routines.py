"""A plan kept from the thread it was made in, and called by its name ever after."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.agents.conftest import ANN, BOB, Opening, Talk

ZONE = "Europe/Paris"
REQUEST = (
    "Every weekday at 9 in the morning read the feed https://example.com/rss, "
    "summarise it and mail it to me@example.com"
)


@pytest.fixture
async def talk(opened: Opening) -> AsyncIterator[Talk]:
    async with opened(model=False) as talk:
        yield talk


async def test_what_was_just_done_is_saved_with_its_values_as_inputs(talk: Talk) -> None:
    made = (await talk.say(ANN, "t1", REQUEST, ZONE)).plan
    reply = await talk.say(ANN, "t1", "save it as morning digest", ZONE)
    assert reply.kind == "manage"
    assert "Saved as **morning digest** (`plan.morning-digest`)" in reply.text
    assert "me@example.com" in reply.text
    (saved,) = await talk.lightning.saved(ANN)
    assert {n: i.default for n, i in saved.document.inputs.items()} == {
        "url": "https://example.com/rss",
        "to": "me@example.com",
    }
    # the proposal itself waits on as it was
    assert made is not None
    view = await talk.lightning.plan(ANN, made.plan_id)
    assert (view.status, view.revision, view.saved) == ("proposed", 1, "")
    again = await talk.say(ANN, "t1", "save this as morning digest", ZONE)
    assert "plan.morning-digest`" in again.text
    assert len(await talk.lightning.saved(ANN)) == 1


async def test_a_routine_is_run_by_its_name_in_any_thread_with_other_values_and_times(
    talk: Talk,
) -> None:
    await talk.say(ANN, "t1", REQUEST, ZONE)
    await talk.say(ANN, "t1", "save this as morning digest", ZONE)
    request = "run my morning digest tomorrow at 8 for ben@example.com"
    reply = await talk.say(ANN, "t2", request, ZONE)
    assert reply.plan is not None
    assert reply.plan.document.inputs["to"].default == "ben@example.com"
    assert reply.plan.document.events[0].kind == "at"
    assert reply.plan.not_covered == ()
    other = await talk.say(BOB, "t3", "run my morning digest", ZONE)
    assert other.plan is None


async def test_routines_are_listed_looked_back_on_renamed_and_forgotten(talk: Talk) -> None:
    assert "no routines yet" in (await talk.say(ANN, "t1", "what routines do I have?", ZONE)).text
    assert (
        "no plan in this thread" in (await talk.say(ANN, "t1", "save this as a routine", ZONE)).text
    )
    await talk.say(ANN, "t1", REQUEST, ZONE)
    await talk.say(ANN, "t1", "save this as morning digest", ZONE)
    listed = (await talk.say(ANN, "t1", "list my routines", ZONE)).text
    assert "**morning digest**" in listed and "takes" in listed
    history = (await talk.say(ANN, "t1", "show the history of morning digest", ZONE)).text
    assert "History of morning digest" in history and "saved" in history
    unknown = (await talk.say(ANN, "t1", "show the history of mourning digest", ZONE)).text
    assert "Do you mean “morning digest”?" in unknown
    renamed = await talk.say(ANN, "t1", "rename morning digest to *early* news", ZONE)
    assert "plan.early-news" in renamed.text and "\\*early\\*" in renamed.text
    await talk.say(ANN, "t1", "forget the routine *early* news", ZONE)
    assert await talk.lightning.saved(ANN) == []
    templates = (await talk.say(ANN, "t1", "which templates are there?", ZONE)).text
    assert "Page watch" in templates


async def test_a_template_is_started_by_its_name(talk: Talk) -> None:
    request = "use the page watch template with https://example.com/status every 2 hours"
    reply = await talk.say(ANN, "t1", request, ZONE)
    assert reply.plan is not None
    assert reply.plan.document.inputs["url"].default == "https://example.com/status"
    assert [i for i in reply.plan.issues if i.severity == "error"] == []
    assert "2 hours" in reply.plan.when
