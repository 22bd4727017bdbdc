"""A browser, and a person in front of it. What journeys share is started once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from tests.browser import FLAGS, installed
from tests.journeys.app import App
from tests.mail import MailServer
from tests.web import Site

PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the session: while Playwright runs, no test of the same process can have a loop.
    path = installed()
    expect.set_options(timeout=PATIENCE_MS)
    assert path is not None, "no browser: run make test, which brings one along"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture(scope="package")
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="package")
def app(tmp_path_factory: pytest.TempPathFactory, mail: MailServer) -> Iterator[App]:
    """Modules that want one with other settings have their own."""
    with App(tmp_path_factory.mktemp("app"), **smtp(mail), ALLOW_REGISTRATION="true") as app:
        yield app


def smtp(mail: MailServer) -> dict[str, str]:
    return {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mail.port),
        "SMTP_FROM": "lightning@example.com",
        "SMTP_TLS": "none",
    }


@pytest.fixture
def window(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Opens windows that reach nothing but this machine, and end the test when a page breaks."""
    opened: list[BrowserContext] = []
    broken: list[str] = []

    def open_window(**options: Any) -> BrowserContext:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        context.route("**/*", _stay_here)
        context.on("weberror", lambda error: broken.append(str(error.error)))
        opened.append(context)
        return context

    yield open_window
    for context in opened:
        context.close()
    assert broken == []


def _stay_here(route: Route) -> None:
    if route.request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
        route.continue_()
    else:
        route.abort()


@pytest.fixture
def page(window: Callable[..., BrowserContext], app: App) -> Page:
    """Signed in, on the first screen."""
    return sign_in(window().new_page(), app)


def sign_in(page: Page, app: App) -> Page:
    """By the link, which works once; later windows are given what it gave the first."""
    if app.cookies:
        page.context.add_cookies(app.cookies)
        page.goto(app.url)
    else:
        page.goto(app.link)
    page.wait_for_selector("#chat-input")
    if not app.cookies:
        app.cookies = [
            {"name": c["name"], "value": c["value"], "url": app.url}
            for c in page.context.cookies()
            if c["name"] == "access_token"
        ]
    return page


def say(page: Page, text: str) -> None:
    page.click("#chat-input")
    page.keyboard.insert_text(text)
    page.click("#chat-submit:not([disabled])")


def look(page: Page, name: str) -> None:
    """Keep a picture of the screen, in the folder that PICTURES names, for somebody to look at."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")
