"""A schedule fires whether anybody looks or not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.app import App
from tests.journeys.conftest import look, say, sign_in
from tests.web import Site

pytestmark = pytest.mark.browser


def scheduled(page: Page, words: str) -> None:
    say(page, words)
    page.locator("[data-act=approve]").click()
    expect(page.locator("[data-plan]").first).to_contain_text("Scheduled")


def test_a_firing_appears_as_a_card_of_its_own_while_the_page_is_open(
    page: Page, site: Site
) -> None:
    scheduled(page, f"Every 2 seconds read {site.url('/text')} and save it to live.txt")
    firings = page.locator("[data-plan][data-kind=run]")
    expect(firings.first).to_contain_text("done in")
    expect(firings.first).to_contain_text("Run of")
    expect(firings.nth(1)).to_contain_text("done in")
    plan = page.locator("[data-plan][data-kind=plan]")
    look(page, "firings")
    plan.locator("[data-act=pause]").click()
    expect(plan).to_contain_text("Paused")
    plan.locator("[data-act=resume]").click()
    expect(plan).to_contain_text("Scheduled")
    plan.locator("[data-act=more]").click()
    page.locator("[data-act=archive]").click()
    page.locator("[data-act=archive-confirm]").click()
    expect(plan).to_contain_text("It will not run again")
    asked = page.context.request.get(f"{page.url.split('/thread')[0]}/api/schedules").json()
    own = plan.get_attribute("data-plan")
    assert own and own not in [schedule["plan_id"] for schedule in asked["items"]]


def test_what_fired_while_the_page_was_closed_is_there_on_return(
    site: Site, app: App, window: Callable[..., BrowserContext]
) -> None:
    page = sign_in(window().new_page(), app)
    site.answer("/away", "Something to read", content_type="text/plain")
    scheduled(page, f"Every 3 seconds read {site.url('/away')} and save it to away.txt")
    address = page.url
    page.context.close()
    seen = site.count("/away")
    elsewhere = sign_in(window().new_page(), app)
    while site.count("/away") < seen + 2:
        elsewhere.wait_for_timeout(50)
    elsewhere.goto(address)
    firings = elsewhere.locator("[data-plan][data-kind=run]")
    expect(firings.first).to_contain_text("done in")
    look(elsewhere, "away")
    plan = elsewhere.locator("[data-plan][data-kind=plan]")
    expect(plan).to_contain_text("Scheduled")
    plan.locator("[data-act=more]").click()
    elsewhere.locator("[data-act=archive]").click()
    elsewhere.locator("[data-act=archive-confirm]").click()
    expect(plan).to_contain_text("It will not run again")


def test_a_plan_that_a_webhook_starts_shows_its_address_and_runs_when_it_is_called(
    page: Page, site: Site
) -> None:
    say(page, f"When the webhook is called, read {site.url('/text')} and save it to called.txt")
    page.locator("[data-act=approve]").click()
    plan = page.locator("[data-plan][data-kind=plan]")
    expect(plan).to_contain_text("Listening")
    address = plan.locator(".lt-hook code").inner_text()
    look(page, "webhook")
    assert page.context.request.post(address, data={"n": 1}).status == 202
    firing = page.locator("[data-plan][data-kind=run]")
    expect(firing).to_contain_text("done in")
    expect(plan).to_contain_text("Listening")
