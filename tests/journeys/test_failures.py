"""What goes wrong says what, why and what to do, and the rest goes on as declared."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.app import App
from tests.journeys.conftest import look, say, sign_in
from tests.mail import MailServer
from tests.web import RSS, Site

pytestmark = pytest.mark.browser


def test_a_page_that_is_not_there_fails_its_step_and_running_again_works_once_it_is(
    page: Page, site: Site, mail: MailServer
) -> None:
    site.answer("/gone.xml", "nothing here", status=404)
    say(page, f"Read the feed {site.url('/gone.xml')} and mail it to gone@example.com")
    page.locator("[data-act=approve]").click()
    plan = page.locator("[data-plan]")
    expect(plan).to_have_attribute("data-status", "failed")
    fault = plan.locator("[data-status=failed]").get_by_role("alert")
    expect(fault).to_contain_text("404")
    expect(fault).to_contain_text("Look whether the address is right")
    expect(fault.locator("code")).to_contain_text("EXEC_")
    expect(plan.locator("[data-step=send]")).to_have_attribute("data-status", "skipped")
    look(page, "failed")
    page.reload()
    expect(fault).to_contain_text("404")
    assert not [m for m in mail.messages if "gone@example.com" in m.recipients]

    site.answer("/gone.xml", RSS, content_type="application/rss+xml")
    plan.locator("[data-act=run]").click()
    expect(plan).to_contain_text("done in")
    (sent,) = [m for m in mail.messages if "gone@example.com" in m.recipients]
    assert sent.recipients == ("gone@example.com",)


def test_a_site_that_is_out_of_order_is_tried_again_and_the_retry_is_shown(
    page: Page, site: Site
) -> None:
    site.answer("/busy", "out of order", status=503, headers={"Retry-After": "1"})
    say(page, f"Read {site.url('/busy')} and save it to busy.txt")
    page.locator("[data-act=approve]").click()
    plan = page.locator("[data-plan]")
    first = plan.locator("[data-step]").first
    expect(first).to_have_attribute("data-status", "retrying")
    expect(first).to_contain_text("503")
    look(page, "retrying")
    site.answer("/busy", "It is back", content_type="text/plain")
    expect(plan).to_contain_text("done in")
    expect(plan).to_contain_text("It is back")


def test_stop_ends_a_run_and_nothing_after_it_happens(
    window: Callable[..., BrowserContext], app: App, mail: MailServer
) -> None:
    with Site() as site:
        page = sign_in(window().new_page(), app)
        say(page, f"Read {site.url('/slow')} and mail it to stopped@example.com")
        page.locator("[data-act=approve]").click()
        plan = page.locator("[data-plan]")
        expect(plan.locator("[data-step]").first).to_have_attribute("data-status", "running")
        look(page, "running")
        plan.locator("[data-act=cancel]").click()
        expect(plan).to_have_attribute("data-status", "stopped")
        site.release()
        page.reload()
        expect(plan).to_have_attribute("data-status", "stopped")
        look(page, "stopped")
    assert not [m for m in mail.messages if "stopped@example.com" in m.recipients]
