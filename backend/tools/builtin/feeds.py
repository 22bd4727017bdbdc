"""feed.read: RSS and Atom feeds."""

from __future__ import annotations

import asyncio
import calendar
import io
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
from lxml import etree  # type: ignore[import-untyped]
from pydantic import Field
from typing_extensions import TypedDict

from backend.contracts.errors import ToolError
from backend.tools.builtin.http import Url
from backend.tools.builtin.readable import one_line, parsed, text_of
from backend.tools.define import ToolContext, tool
from backend.tools.outgoing import Response

ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.8"
MAX_SUMMARY = 4_000
MAX_BROKEN = 60_000
_FEED_TYPES = ("application/rss+xml", "application/atom+xml")


class Entry(TypedDict):
    """`published` is an ISO time in UTC, or empty where the feed gives none."""

    title: str
    link: str
    published: str
    summary: str
    author: str


class Feed(TypedDict):
    title: str
    link: str
    entries: list[Entry]
    count: int


@tool(
    "feed.read",
    name="Read a feed",
    purity="pure",
    duration_s=1.5,
    timeout_s=60,
    capabilities=("network",),
    produces=("entries",),
    examples=(
        "read the RSS feed",
        "fetch the feed at this address",
        "get the latest news headlines from a site",
        "read what is new on the blog",
    ),
)
async def read_feed(
    context: ToolContext,
    url: Url,
    limit: Annotated[int, Field(ge=1, le=500)] = 30,
    max_age_hours: Annotated[float, Field(ge=0, le=100_000)] = 0,
) -> Feed:
    """Read an RSS or Atom feed: its title and its latest entries with title, link, time and text.

    Args:
        url: the feed's address, or a page that names its feed
        limit: at most so many entries
        max_age_hours: only entries published in the last so many hours; 0 takes all
    """
    response = await context.http.get(url, accept=ACCEPT)
    feed = await asyncio.to_thread(_parse, response)
    if feed is None and (found := await asyncio.to_thread(_named_feed, response)):
        response = await context.http.get(found, accept=ACCEPT)
        feed = await asyncio.to_thread(_parse, response)
    if feed is None:
        said = f"There is no RSS or Atom feed at {response.url}."
        hint = "To read an ordinary page, use web.read."
        raise ToolError(said, code="EXEC_FEED_INVALID", hint=hint)
    entries = feed["entries"]
    if max_age_hours:
        oldest = (context.now() - timedelta(hours=max_age_hours)).isoformat()
        entries = [entry for entry in entries if entry["published"] >= oldest]
    entries = entries[:limit]
    return Feed(title=feed["title"], link=feed["link"], entries=entries, count=len(entries))


def _parse(response: Response) -> Feed | None:
    import feedparser

    # A string would be taken for an address or a file name; a stream never is.
    body = mended(response.body)
    kind = response.headers.get("content-type", "")
    read = feedparser.parse(
        io.BytesIO(body),
        response_headers={
            "content-type": kind if body is response.body else "application/xml; charset=utf-8",
            "content-location": response.url,
        },
        # Only text is taken out of what comes, so there is no markup to clean or to complete.
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not read.get("version"):
        return None
    about = read.feed
    entries = [_entry(each) for each in read.entries]
    return Feed(
        title=one_line(text_of(about.get("title", "")), 300),
        link=about.get("link", ""),
        entries=entries,
        count=len(entries),
    )


def mended(body: bytes) -> bytes:
    """A large feed that is no XML, made into XML: feedparser's own way with broken markup needs hours
    for a few megabytes of the wrong kind."""
    if len(body) <= MAX_BROKEN:
        return body
    safely = {"resolve_entities": False, "no_network": True}
    try:
        etree.fromstring(body, etree.XMLParser(**safely))
    except etree.XMLSyntaxError:
        tree = etree.fromstring(body, etree.XMLParser(recover=True, **safely))
        return bytes(etree.tostring(tree, encoding="utf-8")) if tree is not None else b""
    return body


def _entry(entry: Mapping[str, Any]) -> Entry:
    written = entry.get("summary") or next(
        (part.get("value", "") for part in entry.get("content", ())), ""
    )
    summary = text_of(written)
    return Entry(
        title=one_line(text_of(entry.get("title", "")) or summary, 300),
        link=entry.get("link", ""),
        published=_iso(entry.get("published_parsed") or entry.get("updated_parsed")),
        summary=summary[:MAX_SUMMARY],
        author=one_line(entry.get("author", ""), 200),
    )


def _iso(when: time.struct_time | None) -> str:
    if when is None:
        return ""
    try:
        return datetime.fromtimestamp(calendar.timegm(when), UTC).isoformat()
    except (OverflowError, ValueError):
        return ""


def _named_feed(response: Response) -> str:
    """The address of the feed that an HTML page names in its head."""
    if "html" not in response.content_type:
        return ""
    tree = parsed(response.text)
    links = tree.iter("link") if tree is not None else ()
    named = next((link.get("href", "") for link in links if link.get("type") in _FEED_TYPES), "")
    try:
        return str(httpx.URL(response.url).join(named)) if named else ""
    except (httpx.InvalidURL, UnicodeError):
        return ""
