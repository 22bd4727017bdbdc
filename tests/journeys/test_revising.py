"""A plan is changed by saying so: a new card with what is different, the old one out of the way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import look, say
from tests.mail import MailServer
from tests.web import Site

pytestmark = pytest.mark.browser

WEEKDAYS = "Every weekday at 9 in the morning read {url}, summarise it and mail it to {to}"


def test_saying_what_to_change_brings_a_new_card_with_the_difference(
    page: Page, site: Site, mail: MailServer
) -> None:
    say(page, WEEKDAYS.format(url=site.url("/feed.xml"), to="me@example.com"))
    cards = page.locator("[data-plan]")
    expect(cards).to_have_count(1)
    expect(cards.last).to_contain_text("Weekdays at 09:00")

    say(page, "make it 8")
    expect(cards).to_have_count(2)
    expect(cards.last).to_contain_text("Weekdays at 08:00")
    expect(cards.last.locator("[data-change]")).to_have_count(1)
    expect(cards.last.locator("[data-change=changed]")).to_contain_text("09:00")

    say(page, "also save it to news.md")
    expect(cards).to_have_count(3)
    expect(cards.last.locator("[data-change=added]")).to_contain_text("file.write")
    expect(cards.last).to_contain_text("news.md")
    expect(cards.last.locator("[data-step]")).to_have_count(4)
    look(page, "revised")

    for old in (cards.nth(0), cards.nth(1)):
        expect(old).to_have_attribute("data-status", "superseded")
        expect(old.locator("[data-act=approve]")).to_have_count(0)
        expect(old.locator("[data-step]")).to_have_count(0)
        old.locator("[data-act=unfold]").click()
        expect(old.locator("[data-step]").first).to_be_visible()
        expect(old.locator("[data-act=approve]")).to_have_count(0)
        expect(old.locator("input")).to_have_count(0)

    page.reload()
    expect(cards).to_have_count(3)
    expect(cards.first).to_have_attribute("data-status", "superseded")
    cards.last.locator("[data-act=approve]").click()
    expect(cards.last).to_contain_text("Scheduled")
    cards.last.locator("[data-act=run]").click()
    expect(cards.last).to_contain_text("done in")
    assert mail.messages[-1].recipients == ("me@example.com",)


def test_a_plan_is_kept_under_a_name_and_used_again_by_it(page: Page, site: Site) -> None:
    say(page, f"read {site.url('/feed.xml')} and tell me")
    card = page.locator("[data-plan]").last
    card.locator("[data-act=more]").click()
    page.get_by_role("menuitem", name="Save as a routine").click()
    page.get_by_label("Name of the routine").fill("Morning look")
    card.locator("[data-act=save-confirm]").click()
    expect(card.locator(".lt-made")).to_contain_text("Saved.")

    card.locator("[data-act=made]").click()
    expect(card.locator(".lt-made pre")).to_contain_text("feed.read --url=")
    expect(card.locator(".lt-made")).to_contain_text("plan.morning-look")
    look(page, "how-it-came-about")

    say(page, "run my morning look every day at 7")
    again = page.locator("[data-plan]").last
    expect(again).to_contain_text("Every day at 07:00")
    expect(again).to_contain_text("Read a feed")


def test_a_card_left_open_in_another_tab_cannot_approve_what_was_replaced(
    page: Page, site: Site, mail: MailServer
) -> None:
    sent = len(mail.messages)
    say(page, f"Read {site.url('/text')} and mail it to old@example.com")
    expect(page.locator("[data-plan]")).to_have_count(1)
    stale = page.context.new_page()
    stale.goto(page.url)
    button = stale.locator("[data-act=approve]")
    expect(button).to_be_enabled()
    kept: dict[str, str] = {}
    stale.route(
        "**/project/action",
        lambda route: kept.update(body=route.request.post_data) or route.abort(),
    )
    button.click()
    expect(stale.get_by_role("alert")).to_contain_text("could not be reached")
    stale.unroute("**/project/action")

    say(page, "mail it to new@example.com instead")
    cards = page.locator("[data-plan]")
    expect(cards).to_have_count(2)
    expect(cards.last).to_contain_text("new@example.com")
    # the other tab follows, and what its button had meant to send is refused
    expect(stale.locator("[data-plan]").first).to_have_attribute("data-status", "superseded")
    look(stale, "stale")
    answer = stale.evaluate(
        """async (body) => (await (await fetch('/project/action', {method: 'POST', body,
        headers: {'content-type': 'application/json'}})).json()).response""",
        kept["body"],
    )
    assert answer["ok"] is False
    assert answer["error"]["code"] == "PLAN_REVISION_CHANGED"
    assert len(mail.messages) == sent
