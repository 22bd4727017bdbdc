"""The same card on every screen: light, dark, a phone; by keyboard; with nothing cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.app import App
from tests.journeys.conftest import look, say, sign_in
from tests.web import Site

pytestmark = pytest.mark.browser

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
SCREENS: list[Any] = [
    pytest.param({"viewport": DESK, "color_scheme": "light"}, id="light"),
    pytest.param({"viewport": DESK, "color_scheme": "dark"}, id="dark"),
    pytest.param(
        {"viewport": PHONE, "color_scheme": "light", "has_touch": True, "is_mobile": True},
        id="phone",
    ),
]
NAMELESS = """() => [...document.querySelectorAll('button, a[href], input, textarea, select, [role=button]')]
  .filter((e) => e.offsetParent && !e.closest('[aria-hidden=true]'))
  .filter((e) => !(e.innerText || '').trim() && !e.getAttribute('aria-label')
    && !e.getAttribute('aria-labelledby') && !(e.labels && e.labels.length) && !e.title
    && !e.getAttribute('placeholder'))
  .map((e) => e.outerHTML.slice(0, 200))"""
OVERFLOWING = """() => {
  const wide = document.documentElement.clientWidth;
  const out = document.documentElement.scrollWidth > wide ? ['page'] : [];
  for (const card of document.querySelectorAll('[data-plan]')) {
    if (card.scrollWidth > card.clientWidth + 1) out.push('card ' + card.dataset.status);
    const box = card.getBoundingClientRect();
    if (box.left < 0 || box.right > wide + 1) out.push('card leaves the page');
    for (const e of card.querySelectorAll('button, input, textarea, select, .lt-title, dd, code'))
      if (e.offsetParent && e.getBoundingClientRect().right > box.right + 1)
        out.push(e.outerHTML.slice(0, 120));
  }
  return out;
}"""
FOCUSED = """() => { const { dataset, className } = document.activeElement;
  return dataset.path || dataset.act || className; }"""
RINGED = """() => { const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
  return outlineStyle !== 'none' || boxShadow !== 'none'; }"""
CONTRAST = """() => {
  const rgb = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] ?? 1]; };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const linear = (x) => (x /= 255) <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  const lum = (c) => { const v = c.slice(0, 3).map(linear);
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
  const ground = (e) => { const stack = [];
    for (let n = e; n; n = n.parentElement) stack.push(rgb(getComputedStyle(n).backgroundColor));
    return stack.reverse().reduce((below, c) => over(c, below), [255, 255, 255, 1]); };
  const bad = [];
  for (const e of document.querySelectorAll('[data-plan] *')) {
    const texts = [...e.childNodes].filter((n) => n.nodeType === 3);
    const words = texts.map((n) => n.data.trim()).join('');
    if (!words || !e.offsetParent || e.closest('.lt-hidden, :disabled')) continue;
    const back = ground(e), front = over(rgb(getComputedStyle(e).color), back);
    const [hi, lo] = [lum(front), lum(back)].sort((a, b) => b - a);
    const ratio = (hi + 0.05) / (lo + 0.05);
    if (ratio < 4.5) bad.push(`${words.slice(0, 40)}: ${ratio.toFixed(2)}`);
    const size = getComputedStyle(e).fontSize;
    if (parseFloat(size) < 13) bad.push(`${words.slice(0, 40)}: ${size}`);
  }
  return bad;
}"""


def sound(page: Page) -> None:
    """Nothing leaves the screen, nothing is nameless, all words can be read."""
    assert page.evaluate(OVERFLOWING) == []
    for _ in range(50):  # what Chainlit has just drawn is named with the next frame
        if not page.evaluate(NAMELESS):
            break
        page.wait_for_timeout(20)
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("screen", SCREENS)
def test_a_plan_is_whole_and_readable_on_every_screen(
    window: Callable[..., BrowserContext],
    app: App,
    site: Site,
    screen: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    name = request.node.callspec.id
    errors: list[str] = []
    context = window(**screen)
    context.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page = sign_in(context.new_page(), app)
    expect(page.locator("html")).to_have_class("dark" if name == "dark" else "light")
    expect(page.get_by_text("Ask me first, then act")).to_be_visible()
    look(page, f"{name}-first")
    sound(page)

    long = "a-rather-long-folder-name/" * 4 + "news.md"
    say(
        page,
        f"Every weekday at 9 read {site.url('/feed.xml')}, summarise it, mail it to "
        f"a.person.with.a.long.name@example.com and save it to {long}",
    )
    plan = page.locator("[data-plan]")
    expect(plan.locator("[data-step]")).to_have_count(4)
    approve = plan.locator("[data-act=approve]")
    expect(approve).to_be_in_viewport(ratio=1)
    look(page, f"{name}-proposed")
    for head in plan.locator(".lt-step-head").all():
        head.click()
    look(page, f"{name}-open")
    sound(page)
    approve.click()
    expect(plan).to_contain_text("Scheduled")
    plan.locator("[data-act=run]").click()
    expect(plan).to_contain_text("done in")
    look(page, f"{name}-done")
    sound(page)
    plan.locator("[data-act=more]").click()
    expect(page.locator("[data-act=archive]")).to_be_visible()
    look(page, f"{name}-menu")
    page.keyboard.press("Escape")
    assert errors == []


def test_everything_in_a_card_can_be_reached_and_done_by_keyboard(page: Page, site: Site) -> None:
    say(page, f"Read {site.url('/text')} and save it to keys.txt")
    plan = page.locator("[data-plan]")
    expect(plan.locator("[data-act=approve]")).to_be_enabled()
    plan.locator(".lt-step-head").first.focus()
    page.keyboard.press("Enter")
    expect(plan.locator(".lt-step-head").first).to_have_attribute("aria-expanded", "true")
    reached = []
    for _ in range(12):
        reached.append(page.evaluate(FOCUSED))
        if reached[-1] == "approve":
            break
        page.keyboard.press("Tab")
    assert "steps/0/args/url" in reached
    assert reached[-1] == "approve"
    assert page.evaluate(RINGED)
    page.keyboard.press("Enter")
    expect(plan).to_contain_text("done in")
    # the focus stays in the card it was in
    assert page.evaluate("() => document.activeElement.className") in ("lt-title", "lt-fold")


def test_the_sign_in_page_is_whole_on_every_screen(
    window: Callable[..., BrowserContext], app: App
) -> None:
    for name, size in (("desk", DESK), ("phone", PHONE)):
        page = window(viewport=size).new_page()
        page.goto(app.url)
        page.wait_for_selector("#password")
        look(page, f"login-{name}")
        assert page.evaluate(OVERFLOWING) == []
        assert page.evaluate(NAMELESS) == []
        page.fill("#email", "nobody")
        page.fill("#password", "wrong password")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong")
        look(page, f"login-{name}-wrong")
