"""Killed while a mail is on its way, nothing is sent again behind anybody's back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from playwright.sync_api import BrowserContext, expect

from tests.journeys.app import App
from tests.journeys.conftest import look, say, sign_in, smtp
from tests.mail import Mail, MailServer
from tests.web import Site

pytestmark = pytest.mark.browser


class HoldingServer(MailServer):
    """Takes a message whole and says nothing, until `hold` is cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.hold = True
        self.held = threading.Semaphore(0)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if not self.hold:
            return await super().handle_DATA(server, session, envelope)
        self.held.release()
        assert server.loop is not None
        await server.loop.create_future()
        raise AssertionError("held for good")


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with HoldingServer() as server:
        yield server


ANSWERS = {"again": (1, "done"), "happened": (0, "done"), "stop": (0, "stopped")}
"""How often it is sent then, and what becomes of its run."""


def test_a_mail_interrupted_half_way_is_asked_about_not_sent_again(
    tmp_path: Path, site: Site, mail: HoldingServer, window: Callable[..., BrowserContext]
) -> None:
    with App(tmp_path, **smtp(mail), LEASE_S="2") as app:
        pages = {}
        for answer in ANSWERS:
            page = pages[answer] = sign_in(window().new_page(), app)
            say(page, f"Read {site.url('/text')} and mail it to {answer}@example.com")
            page.locator("[data-act=approve]").click()
            assert mail.held.acquire(timeout=60)
        app.kill()
        mail.hold = False
        app.start()
        for answer, (sent, status) in ANSWERS.items():
            # the page is not touched: it finds its way back by itself
            page = pages[answer]
            step = page.locator("[data-step=send]")
            expect(step).to_have_attribute("data-status", "unknown", timeout=60_000)
            look(page, "unknown")
            assert not to(mail, answer)
            page.locator(f"[data-act={answer}]").click()
            expect(page.locator("[data-plan]")).to_have_attribute("data-status", status)
            look(page, f"unknown-{answer}")
            assert len(to(mail, answer)) == sent


def to(mail: MailServer, answer: str) -> list[Mail]:
    return [m for m in mail.messages if f"{answer}@example.com" in m.recipients]
