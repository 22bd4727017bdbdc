"""With a model: talk as it comes, plans it writes, and a way on when it is down."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.agents.conftest import answered, drafted, step
from tests.journeys.app import App
from tests.journeys.conftest import look, say, smtp
from tests.mail import MailServer
from tests.scripted_openai import ScriptedOpenAI
from tests.web import Site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, mail: MailServer, model: ScriptedOpenAI
) -> Iterator[App]:
    settings = {
        **smtp(mail),
        "OPENAI_API_KEY": model.key,
        "OPENAI_BASE_URL": model.url,
        "OPENAI_MODEL": "gpt-4o-mini",
    }
    with App(tmp_path_factory.mktemp("app"), **settings) as app:
        yield app


def test_talk_is_answered_in_the_models_words(page: Page, model: ScriptedOpenAI) -> None:
    model.answer(answered("talk"))
    model.say("Good morning, Ann. What should happen today?")
    say(page, "good morning")
    expect(page.locator(".ai-message").last).to_contain_text("What should happen today?")
    assert model.requests[-1]["stream"] is True
    page.reload()
    expect(page.locator(".ai-message").last).to_contain_text("What should happen today?")
    expect(page.locator("[data-plan]")).to_have_count(0)


def test_the_model_writes_the_plan_and_its_steps_really_run(
    page: Page, model: ScriptedOpenAI, site: Site, mail: MailServer
) -> None:
    fetch = step("fetch", "feed.read", url=site.url("/feed.xml"))
    sum_up = step("sum_up", "text.summarize", "fetch", text="${fetch.entries}")
    send = step(
        "send",
        "email.send",
        "sum_up",
        to="me@example.com",
        subject="News",
        body="${sum_up.summary}",
    )
    model.answer(drafted(fetch, sum_up, send))
    model.say("Ships are back in the bay, and ferries fall silent.")
    say(page, f"Mail me@example.com what matters in {site.url('/feed.xml')}")
    plan = page.locator("[data-plan]")
    expect(plan).to_contain_text("Feed summary by mail")
    expect(plan).not_to_contain_text("Planned offline")
    look(page, "model-plan")
    plan.locator("[data-act=approve]").click()
    expect(plan).to_contain_text("done in")
    expect(plan).to_contain_text("Ships are back in the bay")
    assert mail.messages[-1].text.startswith("Ships are back in the bay")


def test_a_question_of_the_model_can_be_answered_by_a_click(
    page: Page, model: ScriptedOpenAI
) -> None:
    model.answer(answered("question", "Which of the two?", "The harbour", "The tides"))
    say(page, "save the news")
    model.answer(drafted(step("tell", "notify.user", text="Hello")))
    page.get_by_role("button", name="The tides").click()
    expect(page.locator("[data-plan]")).to_be_visible()
    assert "The tides" in str(model.requests[-1]["messages"])


def test_when_the_model_is_down_the_words_are_kept_and_planned_offline(
    page: Page, model: ScriptedOpenAI, site: Site
) -> None:
    words = f"Fetch {site.url('/text')} and save it to kept.txt"
    for _ in range(4):
        model.fail(500, "on fire")
    say(page, words)
    told = page.locator(".ai-message").last
    expect(told).to_contain_text(re.compile("Your words are kept"))
    expect(told).to_contain_text(re.compile(r"EXEC_|LLM_|PLAN_"))
    look(page, "model-down")
    expect(page).to_have_url(re.compile("/thread/"))  # from here on a reload comes back here
    model.forget()
    page.reload()
    page.get_by_role("button", name="Plan offline").click()
    plan = page.locator("[data-plan]")
    expect(plan).to_contain_text("kept.txt")
    expect(plan).to_contain_text("Planned offline")
    plan.locator("[data-act=approve]").click()
    expect(plan).to_contain_text("done in")
