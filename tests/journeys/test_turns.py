"""Buttons pressed one after the other each do their work."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import say
from tests.web import Site

pytestmark = pytest.mark.browser


def test_a_button_pressed_while_another_is_under_way_gets_its_turn(page: Page, site: Site) -> None:
    say(page, f"Every hour read the feed {site.url('/feed.xml')} and save it to turns.md")
    plan = page.locator("[data-plan]")
    page.locator("[data-act=approve]").click()
    expect(plan).to_contain_text("Scheduled")
    expect(page.locator("[data-act=pause]")).to_be_visible()
    held: list[Route] = []
    page.route("**/project/action", lambda route: route.continue_() if held else held.append(route))
    page.locator("[data-act=pause]").click()
    while not held:
        page.wait_for_timeout(20)
    page.locator("[data-act=run]").click()
    held[0].continue_()
    expect(plan).to_contain_text("Paused")
    expect(plan).to_contain_text("done in")
