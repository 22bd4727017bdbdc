"""http.get and http.request: any HTTP interface."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from backend.tools.define import ToolContext, tool
from backend.tools.outgoing import Response

Url = Annotated[str, Field(min_length=1, max_length=8000, json_schema_extra={"format": "uri"})]
Headers = Annotated[dict[str, str], Field(max_length=50)]
Query = Annotated[dict[str, str | int | float | bool], Field(max_length=100)]


class Answer(TypedDict):
    """`json` is the parsed body where it is JSON, else null; header names are in lower case."""

    status: int
    ok: bool
    url: str
    headers: dict[str, str]
    content_type: str
    body: str
    json: Any


@tool(
    "http.get",
    name="Get over HTTP",
    purity="pure",
    duration_s=1.0,
    timeout_s=60,
    capabilities=("network",),
    examples=(
        "get the JSON from this API",
        "call the endpoint and read what it returns",
        "download the data at this address",
        "check whether the site is up",
    ),
)
async def get(
    context: ToolContext,
    url: Url,
    headers: Headers | None = None,
    query: Query | None = None,
    any_status: bool = False,
) -> Answer:
    """Get a web address and return its status, headers and body; JSON is parsed.

    Args:
        url: the address to get
        headers: extra request headers
        query: parameters added to the address
        any_status: also return answers like 404 or 500 instead of failing on them
    """
    return await _exchange(context, "GET", url, headers, query, None, any_status)


@tool(
    "http.request",
    name="Send an HTTP request",
    purity="effect",
    effects=("sends 1 request to {url}",),
    duration_s=1.0,
    timeout_s=60,
    capabilities=("network",),
    examples=(
        "post this to the webhook",
        "send the data to the API",
        "call the API with PUT",
        "delete it over HTTP",
    ),
)
async def request(
    context: ToolContext,
    url: Url,
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "POST",
    headers: Headers | None = None,
    query: Query | None = None,
    body: Any = None,
    any_status: bool = False,
) -> Answer:
    """Send an HTTP request with any method and body and return the answer.

    Args:
        url: the address to send to
        method: the HTTP method
        headers: extra request headers
        query: parameters added to the address
        body: what to send; text as it is, anything else as JSON
        any_status: also return answers like 404 or 500 instead of failing on them
    """
    return await _exchange(context, method, url, headers, query, body, any_status)


async def _exchange(
    context: ToolContext,
    method: str,
    url: str,
    headers: dict[str, str] | None,
    query: dict[str, Any] | None,
    body: Any,
    any_status: bool,
) -> Answer:
    content = body.encode() if isinstance(body, str) else b""
    sent = {"Accept": "application/json, */*;q=0.8"}
    if body is not None and not isinstance(body, str):
        content = orjson.dumps(body)
        sent["Content-Type"] = "application/json"
    if method in ("POST", "PATCH"):
        sent["Idempotency-Key"] = context.call.key
    given = {name.title(): value for name, value in (headers or {}).items()}
    response = await context.http.request(
        method, url, headers={**sent, **given}, content=content, query=query
    )
    return _answer(response if any_status else response.require_success())


def _answer(response: Response) -> Answer:
    return Answer(
        status=response.status,
        ok=response.ok,
        url=response.url,
        headers=dict(response.headers),
        content_type=response.content_type,
        body=response.text,
        json=_parsed(response),
    )


def _parsed(response: Response) -> Any:
    kind = response.content_type
    if kind != "application/json" and not kind.endswith("+json"):
        return None
    try:
        return orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return None
