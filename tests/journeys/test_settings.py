"""A setting that is missing is named before anything is approved; once it is set, the plan goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.journeys.app import App
from tests.journeys.conftest import look, say, sign_in, smtp
from tests.mail import MailServer
from tests.web import Site

pytestmark = pytest.mark.browser


def test_a_missing_mail_server_is_named_before_approval_and_once_set_the_plan_goes_on(
    tmp_path: Path, site: Site, mail: MailServer, window: Callable[..., BrowserContext]
) -> None:
    with App(tmp_path) as app:
        page = sign_in(window().new_page(), app)
        say(page, f"Read {site.url('/text')} and mail it to set@example.com")
        plan = page.locator("[data-plan]").last
        expect(plan).to_have_attribute("data-status", "invalid")
        expect(plan).to_contain_text("SMTP_HOST")
        expect(plan.locator("[data-act=approve]")).to_be_disabled()
        look(page, "smtp-missing")
        app.stop()
        app.settings |= smtp(mail)
        app.start()
        page.reload()
        look(page, "smtp-set")
        expect(plan.locator("[data-act=approve]")).to_be_enabled()
        expect(plan).not_to_contain_text("SMTP_HOST")
        plan.locator("[data-act=approve]").click()
        expect(page.locator("[data-plan]").last).to_contain_text("done in")
    assert [m.recipients for m in mail.messages].count(("set@example.com",)) == 1
