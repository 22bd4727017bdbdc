"""One sentence becomes an approved plan, and its results arrive live in the chat."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.app import App, stored
from tests.journeys.conftest import say, smtp
from tests.mail import MailServer
from tests.web import Site

pytestmark = pytest.mark.browser

WEEKDAYS = (
    "Every weekday at 9 in the morning read {url}, summarise it and mail it to me@example.com"
)


@pytest.fixture(scope="module", params=["sqlite", "postgres", "azure"])
def where(request: pytest.FixtureRequest) -> str:
    """The database."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def site(where: str) -> Iterator[Site]:
    """Of each database its own: they count."""
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def mail(where: str) -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, mail: MailServer, where: str) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    with stored(where) as database, App(folder, **smtp(mail), **database) as app:
        yield app


def test_a_sentence_becomes_a_schedule_that_really_reads_summarises_and_mails(
    page: Page, site: Site, mail: MailServer, app: App, window: Callable[..., BrowserContext]
) -> None:
    say(page, WEEKDAYS.format(url=site.url("/feed.xml")))
    plan = page.locator("[data-plan]")
    expect(plan).to_contain_text("Weekdays at 09:00")
    expect(plan).to_contain_text(re.compile(r"(next|today|tomorrow) "))
    expect(plan.locator("[data-step]")).to_have_count(3)

    plan.locator("[data-step=send] button").first.click()
    address = plan.locator("input[data-path='steps/2/args/to']")
    expect(address).to_have_value("me@example.com")
    address.fill("you@example.com")
    page.click("[data-act=edit]")
    newest = page.locator("[data-plan]").last
    expect(newest).to_contain_text("you@example.com")

    page.locator("[data-act=approve]").last.click()
    expect(newest).to_contain_text("Scheduled")
    assert mail.messages == []
    page.locator("[data-act=run]").last.click()
    expect(newest).to_contain_text("done in")
    (sent,) = mail.messages
    assert sent.recipients == ("you@example.com",)
    assert "Sailing ships cross the bay again" in sent.text
    assert site.count("/feed.xml") == 1

    def shows_it_all(other: Page) -> None:
        shown = other.locator("[data-plan]").last
        expect(shown).to_contain_text("Scheduled")
        expect(shown).to_contain_text("done in")
        expect(shown).to_contain_text("Sailing ships cross the bay again")

    shows_it_all(page)
    page.wait_for_url("**/thread/*")
    page.reload()
    shows_it_all(page)
    second = page.context.new_page()
    second.goto(page.url)
    shows_it_all(second)


def test_killed_in_the_middle_it_goes_on_and_mails_once(
    page: Page, site: Site, mail: MailServer, app: App
) -> None:
    say(page, f"Read {site.url('/slow')} and mail it to once@example.com")
    page.locator("[data-act=approve]").click()
    expect(page.locator("[data-plan]")).to_contain_text("Running")
    while not site.count("/slow"):
        page.wait_for_timeout(20)
    app.kill()
    site.release()
    app.start()
    # the page is not touched: it finds its way back by itself
    expect(page.locator("[data-plan]")).to_contain_text("done in", timeout=60_000)
    page.reload()
    expect(page.locator("[data-plan]")).to_contain_text("done in")
    assert [m.recipients for m in mail.messages].count(("once@example.com",)) == 1
    assert site.count("/slow") == 2
