"""A page that lies, a person who is somebody else, input of any size: nothing half done, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.journeys.app import App
from tests.journeys.conftest import look, say
from tests.mail import MailServer
from tests.web import Site

pytestmark = pytest.mark.browser

TEN_MEGABYTES = 10_000_000


def proposed(page: Page, site: Site, to: str = "me@example.com") -> None:
    say(page, f"Read {site.url('/text')} and mail it to {to}")
    expect(page.locator("[data-act=approve]")).to_be_enabled()


def press(page: Page, act: str, **lies: Any) -> None:
    """Press a button of the newest card, with some of what it sends replaced."""

    def tamper(route: Route) -> None:
        sent = json.loads(route.request.post_data or "{}")
        sent["action"]["payload"] |= lies
        route.continue_(post_data=json.dumps(sent))

    page.route("**/project/action", tamper)
    page.locator(f"[data-act={act}]").last.click()
    expect(page.locator("[data-plan]").get_by_role("alert").last).to_be_visible()
    page.unroute("**/project/action", tamper)


@pytest.mark.parametrize(
    ("lies", "code"),
    [
        ({"hash": "0" * 64}, "PLAN_REVISION_CHANGED"),
        ({"catalogue": "0" * 64}, "PLAN_TOOLS_CHANGED"),
        ({"plan": "01JZZZZZZZZZZZZZZZZZZZZZZZ"}, "EXEC_NOT_FOUND"),
        ({"verb": "delete"}, "reload"),
        ({"plan": {"a": [1]}, "hash": None}, "reload"),
        ({"verb": "edit", "edits": {"steps/0/action": "email.send"}}, "PLAN_EDIT_REFUSED"),
        ({"verb": "edit", "edits": {"steps/9/args/url": "x"}}, "PLAN_EDIT_REFUSED"),
        ({"verb": "cancel", "run": "nobody"}, "EXEC_RUN_UNKNOWN"),
    ],
)
def test_a_tampered_card_is_told_why_and_does_nothing(
    page: Page, site: Site, mail: MailServer, lies: dict[str, Any], code: str
) -> None:
    proposed(page, site, "tampered@example.com")
    press(page, "approve", **lies)
    alert = page.locator("[data-plan]").get_by_role("alert").last
    expect(alert).to_contain_text(code, ignore_case=True)
    look(page, "tampered")
    expect(page.locator("[data-plan]").last).to_have_attribute("data-status", "proposed")
    assert page.locator("[data-run]").count() == 0
    assert not [m for m in mail.messages if "tampered@example.com" in m.recipients]


def registered(window: Callable[..., BrowserContext], app: App, name: str) -> Page:
    page = window().new_page()
    person = {"name": name, "password": "correct horse battery"}
    made = page.request.post(f"{app.url}/api/register", data=person)
    assert made.status == 201, made.text()
    page.goto(app.url)
    page.fill("#email", name)
    page.fill("#password", person["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("#chat-input")
    return page


def test_two_people_see_nothing_of_each_other(
    page: Page, site: Site, app: App, mail: MailServer, window: Callable[..., BrowserContext]
) -> None:
    proposed(page, site, "hers@example.com")
    thread = page.url.rsplit("/", 1)[1]
    plan = page.locator("[data-plan]").get_attribute("data-plan")
    element = page.evaluate(
        """async (id) => (await (await fetch('/project/thread/' + id)).json()).elements[0].id""",
        thread,
    )
    his = registered(window, app, "bob")
    expect(his.locator("body")).not_to_contain_text("Page by mail")
    for path in (
        f"/project/thread/{thread}",
        f"/project/thread/{thread}/element/{element}",
        f"/api/plans/{plan}",
    ):
        answer = his.request.get(f"{app.url}{path}")
        assert answer.status in (401, 403, 404), (path, answer.status, answer.text())
        assert "hers@example.com" not in answer.text()
    his.goto(f"{app.url}/thread/{thread}")
    his.wait_for_selector("#chat-input")
    expect(his.get_by_text("Thread not found")).to_be_visible()
    expect(his.locator("[data-plan]")).to_have_count(0)
    look(his, "not-his-thread")

    # the page is as good as new
    proposed(his, site, "his@example.com")
    press(his, "approve", plan=plan)
    expect(his.get_by_role("alert")).to_contain_text("EXEC_NOT_FOUND")
    expect(page.locator("[data-plan]")).to_have_attribute("data-status", "proposed")
    listed = his.request.get(f"{app.url}/api/plans").json()["items"]
    assert [p["plan_id"] for p in listed] == [his.locator("[data-plan]").get_attribute("data-plan")]
    assert not [m for m in mail.messages if "hers@example.com" in m.recipients]


def test_a_message_of_ten_megabytes_is_refused_and_the_chat_goes_on(page: Page, site: Site) -> None:
    page.click("#chat-input")
    page.evaluate(
        """(n) => { const box = document.querySelector('#chat-input');
        box.textContent = 'x'.repeat(n);
        box.dispatchEvent(new InputEvent('input', {bubbles: true})); }""",
        TEN_MEGABYTES,
    )
    page.click("#chat-submit:not([disabled])")
    expect(page.locator(".ai-message").last).to_contain_text("PLAN_REQUEST_TOO_LARGE")
    look(page, "too-large")
    proposed(page, site)


def test_a_document_that_is_none_is_refused_with_a_code_and_all_that_is_wrong(
    page: Page, app: App
) -> None:
    document = {
        "plan_name": "x",
        "steps": [{"name": "a", "on": ["go"], "action": "no.such"}],
        "y": 1,
    }
    refused = page.request.post(f"{app.url}/api/plans", data={"document": document})
    assert refused.status == 422, refused.text()
    problem = refused.json()
    assert problem["code"].startswith("PLAN_")
    assert problem["issues"]
    broken = page.request.post(
        f"{app.url}/api/plans", data="{not json", headers={"content-type": "application/json"}
    )
    assert (broken.status, broken.json()["code"]) == (422, "EXEC_REQUEST_INVALID")
    say(page, 'Notify me "still here"')
    expect(page.locator("[data-act=approve]")).to_be_enabled()
