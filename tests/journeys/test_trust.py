"""What a card says before the yes is what will happen, and caution is one press away."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.app import App
from tests.journeys.conftest import look, say
from tests.web import Site

pytestmark = pytest.mark.browser


def test_a_step_is_made_to_ask_first_and_then_it_asks(page: Page, site: Site) -> None:
    say(page, f"read {site.url('/feed.xml')} and mail each link to each@example.com")
    card = page.locator("[data-plan]")
    send = card.locator("[data-step=send]")
    expect(send).to_contain_text("nobody is asked before")
    expect(send).to_contain_text("Read a feed · entries")
    send.get_by_role("button", name="Ask first", exact=True).click()
    expect(send).to_contain_text("asks first")
    expect(card.get_by_text("nobody is asked before")).to_have_count(0)
    look(page, "made-to-ask")
    card.locator("[data-act=edit]").click()
    expect(card).to_have_attribute("data-revision", "2")
    card.locator("[data-act=approve]").click()
    expect(card.locator("[data-question=gate]").first).to_contain_text("asks before it acts")


def test_a_plan_that_waits_for_an_event_says_so_and_goes_on_listening(page: Page, app: App) -> None:
    say(page, "When an order.created event arrives, mail me@example.com")
    card = page.locator("[data-kind=plan]")
    expect(card).to_contain_text("When “order.created” happens")
    expect(card).not_to_contain_text("Once")
    card.get_by_role("button", name="Approve and listen").click()
    expect(card.locator("[data-state=listening]")).to_be_visible()
    look(page, "listening")

    # What an event says of times is not ours; its run has a card, which is where it could ask.
    event = {"type": "order.created", "data": {"due": "soon"}}
    posted = page.request.post(f"{app.url}/api/events", data=event)
    assert posted.status == 202
    run = page.locator("[data-kind=run]")
    expect(run).to_have_attribute("data-status", "done")
    expect(run).to_contain_text("Run of today")
    expect(card.locator("[data-state=listening]")).to_be_visible()


def test_a_condition_is_read_in_words_before_the_yes(page: Page, site: Site) -> None:
    say(page, f"Every hour check {site.url('/text')} and if it changed mail me@example.com")
    send = page.locator("[data-step=send]")
    expect(send).to_contain_text("Only if Compare with last time · changed")
    expect(send).to_contain_text("me@example.com")
    expect(page.locator("[data-plan]")).to_contain_text("if its condition holds")
    look(page, "condition")
