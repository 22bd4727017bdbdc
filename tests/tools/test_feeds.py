from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from backend.contracts.errors import ToolError
from backend.tools.builtin.feeds import mended
from tests.tools.conftest import NOW, Use
from tests.web import ENTRIES, PUBLISHED, Site


async def test_an_rss_feed_is_read(use: Use, site: Site) -> None:
    output = (await use("feed.read", url=site.url("/feed.xml"))).output
    assert (output["title"], output["link"]) == ("Harbour News", "https://harbour.example/")
    assert output["count"] == 3
    assert output["entries"][0] == {
        "title": ENTRIES[0][0],
        "link": "https://harbour.example/article",
        "published": PUBLISHED.isoformat(),
        "summary": ENTRIES[0][2],
        "author": "",
    }


async def test_an_atom_feed_is_read_with_times_in_utc_and_links_made_whole(
    use: Use, site: Site
) -> None:
    output = (await use("feed.read", url=site.url("/atom.xml"))).output
    assert output["entries"] == [
        {
            "title": "High tide at noon",
            "link": site.url("/noon"),
            "published": "2026-03-02T08:30:00+00:00",
            "summary": "High water at noon.",
            "author": "Ada",
        }
    ]


async def test_a_page_that_names_its_feed_leads_to_it(use: Use, site: Site) -> None:
    output = (await use("feed.read", url=site.url("/"))).output
    assert output["title"] == "Harbour News"
    assert [asked.path for asked in site.requests] == ["/", "/feed.xml"]


async def test_only_so_many_entries_are_given(use: Use, site: Site) -> None:
    output = (await use("feed.read", url=site.url("/feed.xml"), limit=2)).output
    assert [entry["title"] for entry in output["entries"]] == [title for title, *_ in ENTRIES[:2]]
    assert output["count"] == 2


async def test_only_entries_young_enough_are_given(use: Use, site: Site) -> None:
    age = (NOW - PUBLISHED).total_seconds() / 3600
    young = await use("feed.read", url=site.url("/feed.xml"), max_age_hours=age + 1)
    old = await use("feed.read", url=site.url("/feed.xml"), max_age_hours=age - 1)
    assert (young.output["count"], old.output["count"]) == (3, 0)


@pytest.mark.parametrize("path", ["/article", "/data.json", "/text"])
async def test_what_is_no_feed_is_told_so(use: Use, site: Site, path: str) -> None:
    with pytest.raises(ToolError) as caught:
        await use("feed.read", url=site.url(path))
    assert (caught.value.code, caught.value.transient) == ("EXEC_FEED_INVALID", False)
    assert "web.read" in caught.value.hint


async def test_markup_in_a_feed_becomes_plain_text(use: Use, site: Site) -> None:
    item = (
        "<item><title>A &amp;amp; &lt;i&gt;B&lt;/i&gt;</title><description>&lt;script&gt;alert(1)"
        "&lt;/script&gt;&lt;p&gt;One&lt;/p&gt;&lt;p&gt;Two&lt;/p&gt;</description></item>"
    )
    site.answer("/odd.xml", f"<rss version='2.0'><channel>{item}</channel></rss>")
    entry = (await use("feed.read", url=site.url("/odd.xml"))).output["entries"][0]
    assert entry["title"] == "A & B"
    assert entry["summary"] == "One\nTwo"
    assert entry["published"] == ""


async def test_an_empty_feed_has_no_entries(use: Use, site: Site) -> None:
    site.answer("/none.xml", "<rss version='2.0'><channel><title>None</title></channel></rss>")
    assert (await use("feed.read", url=site.url("/none.xml"))).output["entries"] == []


async def test_a_feed_that_multiplies_entities_is_harmless(use: Use, site: Site) -> None:
    lol = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    bomb = f"<!DOCTYPE rss [<!ENTITY l0 'lol'>{lol}]><rss version='2.0'><channel><title>&l9;"
    site.answer("/lol.xml", bomb + "</title></channel></rss>", content_type="text/xml")
    output = (await use("feed.read", url=site.url("/lol.xml"))).output
    assert len(output["title"]) <= 300


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("4711")
    return tmp_path / "secret"


async def test_a_feed_cannot_read_files(use: Use, site: Site, secret_file: Path) -> None:
    evil = f"<!DOCTYPE rss [<!ENTITY x SYSTEM '{secret_file.as_uri()}'>]><rss version='2.0'>"
    long = "<description>" + "x" * 100_000 + "</description>"
    for body in ("<channel><title>[&x;]</title>", f"<channel><title>[&x;]</title>{long}"):
        site.answer("/xxe.xml", evil + body + "</channel></rss>", content_type="text/xml")
        output = (await use("feed.read", url=site.url("/xxe.xml"))).output
        assert "4711" not in str(output)


async def test_a_large_feed_of_broken_markup_is_read_as_far_as_it_goes(
    use: Use, site: Site
) -> None:
    items = "".join(f"<item><title>Käse & {n}</title></item>" for n in range(3000))
    site.answer("/broken.xml", f"<rss version='2.0'><channel>{items}", content_type="text/xml")
    output = (await use("feed.read", url=site.url("/broken.xml"), limit=500)).output
    assert output["count"] == 500
    assert output["entries"][0]["title"].startswith("Käse")


def test_large_broken_markup_never_reaches_the_slow_parser() -> None:
    evil = b"<rss version='2.0'><channel>" + b"<a" * 200_000
    assert etree.fromstring(mended(evil)).tag == "rss"
    good = b"<rss><channel>" + b"<a/>" * 50_000 + b"</channel></rss>"
    assert mended(good) is good


async def test_a_busy_feed_is_read_at_the_second_try(use: Use, site: Site) -> None:
    with pytest.raises(ToolError) as caught:
        await use("feed.read", url=site.url("/flaky"))
    assert caught.value.transient
    assert (await use("feed.read", url=site.url("/flaky"))).output["count"] == 3
