"""Two servers on one data folder: whichever a page is at, and when one of them is killed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.agents.conftest import answered
from tests.balancer import Balancer
from tests.journeys.app import App
from tests.journeys.conftest import say, sign_in
from tests.scripted_openai import ScriptedOpenAI

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


@pytest.fixture(scope="module")
def apps(
    tmp_path_factory: pytest.TempPathFactory, model: ScriptedOpenAI
) -> Iterator[tuple[App, App]]:
    folder = tmp_path_factory.mktemp("several")
    settings = {
        "DATA_DIR": str(folder / "data"),
        "LEASE_S": "6",
        "OPENAI_API_KEY": model.key,
        "OPENAI_BASE_URL": model.url,
        "OPENAI_MODEL": "gpt-4o-mini",
    }
    for name in ("one", "two"):
        (folder / name).mkdir()
    with App(folder / "one", **settings) as one, App(folder / "two", **settings) as two:
        yield one, two


def test_a_thread_is_the_same_at_both_and_goes_on_at_the_other_when_one_is_killed(
    window: Callable[..., BrowserContext], apps: tuple[App, App], model: ScriptedOpenAI
) -> None:
    first, second = apps
    context = window()
    with Balancer(first.port) as balancer:
        here = sign_in(context.new_page(), first)
        here.goto(balancer.url)
        here.wait_for_selector("#chat-input")
        say(here, "/plan human.ask --text=Well? >> file.write --path=a.txt --content=x")
        expect(here.locator("[data-plan]")).to_have_count(1)
        here.wait_for_url("**/thread/*")  # the page learns its address a moment after the card
        there = context.new_page()
        there.goto(here.url.replace(balancer.url, second.url))
        there.locator("[data-act=approve]").click()
        for page in (here, there):
            expect(page.locator("[data-plan]")).to_have_attribute("data-status", "waiting")
            expect(page.locator("[data-plan]")).to_have_count(1)

        asked = threading.Event()
        model.rule(lambda _: asked.set())
        model.slow()
        say(here, "when is it high tide")
        expect(there.get_by_text("when is it high tide")).to_have_count(1)
        assert asked.wait(60)
        first.kill()
        balancer.target = second.port
        model.forget()
        model.rule(lambda r: answered("talk") if "response_format" in r else "At noon.")
        model.release()
        for page in (here, there):
            expect(page.get_by_text("At noon.")).to_have_count(1, timeout=60_000)
            expect(page.get_by_text("when is it high tide")).to_have_count(1)
        question = here.locator("[data-question]")
        question.get_by_role("textbox").fill("buy oars")
        question.locator("[data-act=answer]").click()
        for page in (here, there):
            expect(page.locator("[data-plan]")).to_have_attribute("data-status", "done")
            expect(page.locator("[data-plan]")).to_have_count(1)
        there.reload()
        expect(there.get_by_text("At noon.")).to_have_count(1)
        expect(there.locator("[data-plan]")).to_have_count(1)
