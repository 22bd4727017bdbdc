"""Steps that ask: the question waits, for as long as it takes, and the answer goes on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import look, say
from tests.mail import MailServer
from tests.web import Site

pytestmark = pytest.mark.browser


def test_a_question_waits_survives_a_reload_and_its_answer_goes_on(page: Page) -> None:
    page.get_by_text("Ask me first, then act").click()
    plan = page.locator("[data-plan]")
    expect(plan).to_be_visible()
    look(page, "ask-first")
    plan.locator("[data-act=approve]").click()
    question = plan.locator("[data-question=ask]")
    expect(question).to_contain_text(re.compile("write down"))
    page.reload()
    expect(question).to_contain_text(re.compile("write down"))
    look(page, "question")
    question.get_by_role("textbox").fill("buy oars")
    question.locator("[data-act=answer]").click()
    expect(plan).to_contain_text("done in")
    expect(plan).to_contain_text("buy oars")
    look(page, "answered")


def gated(page: Page, site: Site, to: str) -> None:
    say(page, f"Read {site.url('/text')}, then ask me before sending, and mail it to {to}")
    page.locator("[data-act=approve]").click()
    gate = page.locator("[data-question=gate]")
    expect(gate).to_contain_text("asks before it acts")
    expect(gate.get_by_label("To")).to_have_value(to)
    expect(gate.get_by_label("Body")).to_have_value("Just a few plain words.")


def test_a_gated_step_shows_what_it_would_send_and_sends_what_it_was_changed_to(
    page: Page, site: Site, mail: MailServer
) -> None:
    gated(page, site, "allowed@example.com")
    look(page, "gate")
    assert not [m for m in mail.messages if "allowed@example.com" in m.recipients]
    page.locator("[data-question=gate]").get_by_label("Body").fill("Other words.")
    page.locator("[data-act=allow]").click()
    expect(page.locator("[data-plan]")).to_contain_text("done in")
    (sent,) = [m for m in mail.messages if "allowed@example.com" in m.recipients]
    assert sent.text.strip() == "Other words."


def test_a_denied_step_sends_nothing_and_says_so(page: Page, site: Site, mail: MailServer) -> None:
    gated(page, site, "denied@example.com")
    page.locator("[data-act=deny]").click()
    expect(page.locator("[data-step=send]")).to_have_attribute("data-status", "failed")
    expect(page.locator("[data-plan]")).to_contain_text("EXEC_STEP_DENIED")
    look(page, "denied")
    assert not [m for m in mail.messages if "denied@example.com" in m.recipients]
