"""Two processes on one backend, a page of the same thread at each: one thread, whoever draws it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.agents.conftest import answered
from tests.chat.people import Page, Person, signed_in
from tests.journeys.app import App, stored
from tests.scripted_openai import ScriptedOpenAI
from tests.systems import KEY

ASK = "Ask me what to write down and save the answer to notes.txt"


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What makes the two one: a folder, or a database and a key, as on two machines."""
    if request.param == "sqlite":
        yield {"DATA_DIR": str(tmp_path_factory.mktemp("shared"))}
        return
    with stored(request.param) as database:
        yield {**database, "JWT_SIGNING_KEY": KEY}


@pytest.fixture(scope="module")
def apps(
    tmp_path_factory: pytest.TempPathFactory, model: ScriptedOpenAI, shared: dict[str, str]
) -> Iterator[tuple[App, App]]:
    tmp_path = tmp_path_factory.mktemp("several")
    settings = {
        **shared,
        "ALLOW_REGISTRATION": "true",
        # Long enough for a process that has just started, on a machine that has too much to do.
        "LEASE_S": "8",
        "OPENAI_API_KEY": model.key,
        "OPENAI_BASE_URL": model.url,
        "OPENAI_MODEL": "gpt-4o-mini",
    }
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        folder.mkdir()
    with App(folders[0], **settings) as first, App(folders[1], **settings) as second:
        yield first, second


@pytest.fixture
async def twice(
    apps: tuple[App, App], model: ScriptedOpenAI
) -> AsyncIterator[tuple[Person, Person]]:
    """The same person, at each of the two; another one for each test."""
    model.forget()
    model.requests.clear()
    model.rules.clear()
    name = f"alice-{uuid4().hex[:8]}"
    async with signed_in(apps[0], name) as here, signed_in(apps[1], name) as there:
        yield here, there


async def thread(person: Person, thread_id: str) -> dict[str, Any]:
    """The thread as it is kept."""
    async with person.page(thread_id) as page:
        return dict(await page.until(lambda event, _: event == "resume_thread"))


@contextlib.asynccontextmanager
async def both(
    twice: tuple[Person, Person], model: ScriptedOpenAI
) -> AsyncIterator[tuple[Page, Page]]:
    """A page at each of the two, on one thread in which a word was said."""
    model.answer(answered("talk"))
    model.say("Good morning.")
    async with twice[0].page() as here:
        await here.say("hello")
        await here.message("Good morning.")
        async with twice[1].page(here.thread_id) as there:
            yield here, there


def messages(kept: dict[str, Any]) -> list[str]:
    return [s["output"] for s in kept["steps"] if s["type"] == "assistant_message"]


async def test_what_is_said_and_drawn_at_one_is_shown_at_the_other_once(
    twice: tuple[Person, Person], model: ScriptedOpenAI
) -> None:
    async with both(twice, model) as (here, there):
        # the first draws, the second was there after it
        await there.say("/plan human.ask --text=What? >> file.write --path=a.txt --content=x")
        card = await there.card("proposed")
        assert (await here.card("proposed"))["hash"] == card["hash"]
        await here.message("/plan human.ask")
        assert (await twice[1].press(there, "approve", card))["ok"]
        waiting = await here.card("waiting")
        step = next(s for s in waiting["steps"] if s["state"]["questions"])
        await twice[0].press(here, "answer", waiting, step=step["id"], answer="Buy milk")
        assert (await here.card("done"))["hash"] == (await there.card("done"))["hash"]
    kept = await thread(twice[1], here.thread_id)
    assert [e["props"]["status"] for e in kept["elements"]] == ["done"]
    (card_message,) = [s for s in kept["steps"] if s["id"] == kept["elements"][0]["forId"]]
    assert messages(kept) == ["Good morning.", card_message["output"]]
    assert card_message["output"]


async def test_messages_at_both_at_once_are_answered_one_after_the_other(
    twice: tuple[Person, Person], model: ScriptedOpenAI
) -> None:
    async with both(twice, model) as (here, there):
        model.rule(lambda r: answered("talk") if "response_format" in r else None)
        model.rule(lambda r: f"You said {r['messages'][-1]['content']}")
        words = [f"word {number}" for number in range(4)]
        pages = (here, there) * 2
        await asyncio.gather(*(page.say(w) for page, w in zip(pages, words, strict=True)))
        for word in words:
            await here.message(f"You said {word}")
            await there.message(f"You said {word}")
        talks = [r["messages"] for r in model.requests if "response_format" not in r]
        # every turn has all earlier ones behind it: none ran beside another
        assert [sum(m["role"] == "user" for m in talk) for talk in talks] == [*range(1, 6)]
    kept = await thread(twice[0], here.thread_id)
    assert sorted(messages(kept)) == sorted(["Good morning.", *(f"You said {w}" for w in words)])


async def test_a_turn_whose_process_was_killed_is_finished_by_the_other(
    twice: tuple[Person, Person], apps: tuple[App, App], model: ScriptedOpenAI
) -> None:
    asked = threading.Event()
    async with both(twice, model) as (here, there):
        model.rule(lambda _: asked.set())
        model.slow()
        await here.say("what is the tide")
        await asyncio.to_thread(asked.wait, 30)
        await asyncio.to_thread(apps[0].kill)
        model.forget()
        model.rule(lambda r: answered("talk") if "response_format" in r else "It is high.")
        model.release()
        await there.message("It is high.")
        # the thread is drawn by the one that is left
        await there.say("/plan notify.user --text=Done")
        card = await there.card("proposed")
        await twice[1].press(there, "approve", card)
        await there.card("done")
    kept = await thread(twice[1], here.thread_id)
    assert messages(kept).count("It is high.") == 1
    assert [e["props"]["status"] for e in kept["elements"]] == ["done"]
    said = [s["output"] for s in kept["steps"] if s["type"] == "user_message"]
    assert said.count("what is the tide") == 1
    await asyncio.to_thread(apps[0].start)


async def test_the_one_that_stays_draws_when_the_other_page_is_closed(
    twice: tuple[Person, Person], model: ScriptedOpenAI
) -> None:
    async with both(twice, model) as (here, there):
        await here.socket.disconnect()
        await there.say("/plan notify.user --text=Done")
        card = await there.card("proposed")
        await twice[1].press(there, "approve", card)
        await there.card("done")
        await there.until(lambda event, data: event == "new_message" and data["output"] == "Done")
    kept = await thread(twice[0], here.thread_id)
    assert [e["props"]["status"] for e in kept["elements"]] == ["done"]
    assert messages(kept).count("Done") == 1
