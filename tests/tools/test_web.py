from __future__ import annotations

import pytest

from backend.contracts.errors import ToolError
from tests.tools.conftest import Use
from tests.web import Site


async def test_the_article_is_read_without_the_page_around_it(use: Use, site: Site) -> None:
    output = (await use("web.read", url=site.url("/article"))).output
    assert output["title"] == "Sailing ships cross the bay again"
    assert "Forty crews came from nine countries" in output["text"]
    assert "Cookie settings" not in output["text"]
    assert "About us" not in output["text"]
    assert (output["author"], output["published"]) == ("Ada Marsh", "2026-03-02")
    assert output["truncated"] is False


async def test_plain_text_is_taken_as_it_is(use: Use, site: Site) -> None:
    assert (await use("web.read", url=site.url("/text"))).output[
        "text"
    ] == "Just a few plain words."


async def test_a_page_too_short_for_an_article_still_gives_its_words(use: Use, site: Site) -> None:
    site.answer(
        "/short", "<html><head><title>T</title></head><body><p>Gone fishing.</p></body></html>"
    )
    assert "Gone fishing." in (await use("web.read", url=site.url("/short"))).output["text"]


async def test_a_long_text_is_cut_and_says_so(use: Use, site: Site) -> None:
    output = (await use("web.read", url=site.url("/article"), max_chars=100)).output
    assert (len(output["text"]), output["truncated"]) == (100, True)


@pytest.mark.parametrize("path", ["/picture", "/data.json", "/empty"])
async def test_what_has_no_text_is_told_so(use: Use, site: Site, path: str) -> None:
    site.answer("/empty", "<html><body><script>draw()</script></body></html>")
    with pytest.raises(ToolError) as caught:
        await use("web.read", url=site.url(path))
    assert caught.value.code == "EXEC_PAGE_UNREADABLE"


async def test_letters_beyond_ascii_survive(use: Use, site: Site) -> None:
    page = "<html><head><meta charset='iso-8859-1'></head><body><p>Käse für Zoë.</p></body></html>"
    site.answer("/latin", page.encode("latin-1"), content_type="text/html")
    assert "Käse für Zoë." in (await use("web.read", url=site.url("/latin"))).output["text"]


@pytest.mark.parametrize("body", ["<" * 5_000, "<div>" * 5_000, "\x00<p>", "<!--" * 2_000])
async def test_broken_markup_is_no_crash(use: Use, site: Site, body: str) -> None:
    site.answer("/broken", body)
    try:
        await use("web.read", url=site.url("/broken"))
    except ToolError as error:
        assert error.code == "EXEC_PAGE_UNREADABLE"
