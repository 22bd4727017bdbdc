"""web.read: the readable text of a page."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from backend.contracts.errors import ToolError
from backend.tools.builtin.http import Url
from backend.tools.builtin.readable import text_of
from backend.tools.define import ToolContext, tool
from backend.tools.outgoing import Response


class Page(TypedDict):
    """`text` is Markdown; `published` an ISO date where the page tells one; `truncated` says that
    the text went on."""

    title: str
    url: str
    text: str
    author: str
    published: str
    truncated: bool


@tool(
    "web.read",
    name="Read a web page",
    purity="pure",
    duration_s=2.0,
    timeout_s=60,
    capabilities=("network",),
    produces=("text",),
    examples=(
        "read the article",
        "open the page and get its text",
        "what does this website say",
        "fetch the web page",
    ),
)
async def read(
    context: ToolContext,
    url: Url,
    max_chars: Annotated[int, Field(ge=100, le=1_000_000)] = 50_000,
) -> Page:
    """Read a web page and return its title and main text, without menus and advertisements.

    Args:
        url: the page's address
        max_chars: cut the text after so many characters
    """
    response = await context.http.get(url, accept="text/html, text/plain;q=0.9, */*;q=0.5")
    if "html" in response.content_type:
        page = await asyncio.to_thread(_extract, response)
    elif response.content_type.startswith("text/") or not response.content_type:
        page = _page(response, text=response.text)
    else:
        said = f"{response.url} is {response.content_type}, not a page to read."
        hint = "For data, use http.get; for a feed, feed.read."
        raise ToolError(said, code="EXEC_PAGE_UNREADABLE", hint=hint)
    if not page["text"].strip():
        said = f"{response.url} holds no readable text."
        hint = "Pages that are drawn by JavaScript cannot be read."
        raise ToolError(said, code="EXEC_PAGE_UNREADABLE", hint=hint)
    page["truncated"] = len(page["text"]) > max_chars
    page["text"] = page["text"][:max_chars]
    return page


def _extract(response: Response) -> Page:
    import trafilatura

    source = response.text if response.charset else response.body
    found = trafilatura.bare_extraction(
        source,
        url=response.url,
        include_comments=False,
        include_formatting=True,
        include_links=False,
        with_metadata=True,
    )
    if found is None or isinstance(found, dict) or not found.text:
        title = "" if found is None or isinstance(found, dict) else found.title or ""
        return _page(response, title=title, text=text_of(response.text))
    return _page(
        response,
        title=found.title or "",
        text=found.text,
        author=found.author or "",
        published=found.date or "",
    )


def _page(
    response: Response, *, text: str, title: str = "", author: str = "", published: str = ""
) -> Page:
    return Page(
        title=title,
        url=response.url,
        text=text,
        author=author,
        published=published,
        truncated=False,
    )
