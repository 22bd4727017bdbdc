from __future__ import annotations

import pytest

from backend.contracts.errors import Invalid, ToolError
from tests.tools.conftest import Bench, Use
from tests.web import Site


async def test_json_is_parsed_and_the_answer_described(use: Use, site: Site) -> None:
    output = (await use("http.get", url=site.url("/data.json"))).output
    assert output["json"]["items"][0] == {"name": "oar", "price": 12}
    assert (output["status"], output["ok"]) == (200, True)
    assert output["content_type"] == "application/json"
    assert output["url"] == site.url("/data.json")


async def test_what_only_claims_to_be_json_is_left_as_text(use: Use, site: Site) -> None:
    site.answer("/claim", "{", content_type="application/json")
    output = (await use("http.get", url=site.url("/claim"))).output
    assert (output["json"], output["body"]) == (None, "{")


async def test_query_and_headers_are_sent(use: Use, site: Site) -> None:
    url = site.url("/echo?a=1")
    await use("http.get", url=url, query={"b": "x y", "n": 2}, headers={"X-Token": "t"})
    asked = site.requests[-1]
    assert asked.query == {"a": ["1"], "b": ["x y"], "n": ["2"]}
    assert asked.headers["x-token"] == "t"
    assert asked.headers["user-agent"].startswith("Lightning/")


async def test_an_error_status_fails_the_step_unless_any_status_is_wanted(
    use: Use, site: Site
) -> None:
    with pytest.raises(ToolError) as caught:
        await use("http.get", url=site.url("/status/404"))
    assert caught.value.code == "EXEC_HTTP_STATUS"
    output = (await use("http.get", url=site.url("/status/404"), any_status=True)).output
    assert (output["status"], output["ok"]) == (404, False)


async def test_a_body_is_sent_as_json_or_as_the_text_it_is(use: Use, site: Site) -> None:
    url = site.url("/echo")
    await use("http.request", url=url, body={"a": [1, None]})
    assert site.requests[-1].method == "POST"
    assert site.requests[-1].body == b'{"a":[1,null]}'
    assert site.requests[-1].headers["content-type"] == "application/json"
    await use("http.request", url=url, method="PUT", body="plain", headers={"content-type": "x/y"})
    assert (site.requests[-1].method, site.requests[-1].body) == ("PUT", b"plain")
    assert site.requests[-1].headers["content-type"] == "x/y"


async def test_a_post_carries_the_key_of_its_attempt(bench: Bench, site: Site) -> None:
    await bench.use("http.request", url=site.url("/echo"))
    assert site.requests[-1].headers["idempotency-key"] == bench.key
    await bench.use("http.request", url=site.url("/echo"), method="GET")
    assert "idempotency-key" not in site.requests[-1].headers


async def test_an_unknown_method_is_refused(use: Use, site: Site) -> None:
    with pytest.raises(Invalid):
        await use("http.request", url=site.url("/echo"), method="TRACE")
    assert site.requests == []
