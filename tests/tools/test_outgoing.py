from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend.contracts.errors import Invalid, ToolError
from backend.tools.addresses import check_url, is_public
from backend.tools.outgoing import Outgoing
from tests.certificates import Certificate, make_certificate
from tests.tools.conftest import Bench
from tests.web import RSS, Site


@pytest.fixture
async def http(bench: Bench) -> AsyncIterator[Outgoing]:
    http = Outgoing(bench.settings(http_max_bytes=100_000))
    yield http
    await http.aclose()


async def refused(http: Outgoing, url: str, method: str = "GET", **more: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        (await http.request(method, url, **more)).require_success()
    return caught.value


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_may_be_reached(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    """0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 192.0.0.8 192.0.2.1
    192.88.99.1 192.168.1.1 198.18.0.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 fe80::1 fe80::1%eth0 fc00::1 fd12::1 fec0::1 ff02::1 2001:db8::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 2002:7f00:1::
    2002:a9fe:a9fe::1 2001:0:7f00:1::""".split(),  # noqa: SIM905 - a table
)
def test_an_address_that_is_not_public_is_none(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "localhost.", "LOCALHOST", "2130706433", "0x7f000001", "0177.0.0.1",
     "127.1", "0", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "①②⑦.⓪.⓪.①"],
)  # fmt: skip
async def test_no_spelling_of_this_machine_gets_through(
    bench: Bench, site: Site, host: str
) -> None:
    http = Outgoing(bench.settings(allow_private_network=False))
    with pytest.raises((ToolError, Invalid)) as caught:
        await http.get(f"http://{host}:{site.port}/feed.xml")
    assert caught.value.code in ("EXEC_ADDRESS_REFUSED", "EXEC_URL_INVALID")
    assert site.requests == []
    await http.aclose()


async def test_the_private_network_is_refused_with_what_to_set(bench: Bench, site: Site) -> None:
    http = Outgoing(bench.settings(allow_private_network=False))
    error = await refused(http, site.url("/feed.xml"))
    assert error.code == "EXEC_ADDRESS_REFUSED"
    assert "ALLOW_PRIVATE_NETWORK" in error.hint
    await http.aclose()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_private_address_is_refused(
    bench: Bench, site: Site, status: int
) -> None:
    http = Outgoing(bench.settings(), may_reach=lambda address: address == "127.0.0.1")
    url = site.url(f"/redirect?status={status}&to=http://127.0.0.2:{site.port}/feed.xml")
    assert (await refused(http, url)).code == "EXEC_ADDRESS_REFUSED"
    assert site.count("/redirect") == 1
    assert site.count("/feed.xml") == 0
    await http.aclose()


class Names:
    """A resolver that answers with what it is told, in turn; the last answer stays."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        family = socket.AF_INET6 if ":" in answer else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (each, port)) for each in answer.split()]


async def test_a_name_is_looked_up_once_and_exactly_that_address_is_used(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names("127.0.0.1", "127.0.0.2")
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names)
    http = Outgoing(bench.settings(), may_reach=lambda address: address == "127.0.0.1")
    response = await http.get(site.url("/feed.xml", host="rebinding.example"))
    assert response.status == 200
    assert names.asked == ["rebinding.example"]
    assert site.requests[0].headers["host"] == f"rebinding.example:{site.port}"
    assert (await refused(http, site.url("/", host="rebinding.example"))).code == (
        "EXEC_ADDRESS_REFUSED"
    )
    await http.aclose()


async def test_a_name_with_one_private_address_among_others_is_refused(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", Names("127.0.0.1 127.0.0.2"))
    http = Outgoing(bench.settings(), may_reach=lambda address: address == "127.0.0.1")
    assert (await refused(http, site.url("/"))).code == "EXEC_ADDRESS_REFUSED"
    assert site.requests == []
    await http.aclose()


async def test_the_next_address_of_a_name_is_tried_when_the_first_is_dead(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", Names("127.0.0.9 127.0.0.1"))
    http = Outgoing(bench.settings())
    assert (await http.get(site.url("/text"))).text == "Just a few plain words."
    await http.aclose()


@pytest.mark.parametrize(
    ("failure", "transient"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), False),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), True),
        (UnicodeError("label too long"), False),
    ],
)
async def test_a_name_that_is_not_found_is_told_from_one_that_was_not_looked_up(
    http: Outgoing, monkeypatch: pytest.MonkeyPatch, failure: Exception, transient: bool
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", Names(failure))
    error = await refused(http, "http://nowhere.example/")
    assert (error.code, error.transient) == ("EXEC_HTTP_UNREACHABLE", transient)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "gopher://x/", "javascript:alert(1)", "//x/", "",
     "http://", "http:///path", "example.com/feed", "http://a b/", "http://[::1", "http://x:99999/", "http://./",
     "http://user:secret@example.com/", "http://user@example.com/", "http://user:secret@exa mple.com/",
     "ftp://user:secret@x/", "http://example.com\n.evil/",
     "https://example.com/" + "a" * 9000, "http://" + "a" * 300 + "/", "http://xn--/", "http://\ud800/"],
)  # fmt: skip
async def test_what_is_no_plain_web_address_is_invalid_before_anything_is_sent(
    http: Outgoing, url: str
) -> None:
    with pytest.raises((Invalid, ToolError)) as caught:
        await http.request("GET", url)
    assert caught.value.code in ("EXEC_URL_INVALID", "EXEC_HTTP_UNREACHABLE")
    assert "secret" not in caught.value.message


def test_an_address_without_a_scheme_is_answered_with_the_likely_one() -> None:
    with pytest.raises(Invalid) as caught:
        check_url("news.example/feed")
    assert caught.value.hint == "Did you mean https://news.example/feed?"


# --- redirects ------------------------------------------------------------------------------------


async def test_redirects_are_followed_and_the_last_address_is_told(
    http: Outgoing, site: Site
) -> None:
    response = await http.get(site.url("/redirect?to=/redirect?to=/feed.xml"))
    assert response.text == RSS
    assert response.url == site.url("/feed.xml")


async def test_the_sixth_redirect_is_one_too_many(http: Outgoing, site: Site) -> None:
    assert (await refused(http, site.url("/loop"))).code == "EXEC_HTTP_REDIRECTS"
    assert site.count("/loop") == 6


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://example.com/", "http://u:p@127.0.0.1/"]
)
async def test_a_redirect_away_from_the_web_is_refused(http: Outgoing, site: Site, to: str) -> None:
    with pytest.raises(Invalid) as caught:
        await http.get(site.url(f"/redirect?to={to}"))
    assert caught.value.code == "EXEC_URL_INVALID"


async def test_credentials_do_not_travel_to_another_host(http: Outgoing, site: Site) -> None:
    secrets = {"Authorization": "Bearer s", "Cookie": "a=b", "X-Api-Key": "k", "Accept": "x/y"}
    to = site.url("/echo", host="localhost")
    await http.request("GET", site.url(f"/redirect?to={to}"), headers=secrets)
    seen = site.requests[-1].headers
    assert seen["accept"] == "x/y"
    assert not {"authorization", "cookie", "x-api-key"} & seen.keys()
    await http.request("GET", site.url("/redirect?to=/echo"), headers=secrets)
    assert site.requests[-1].headers["authorization"] == "Bearer s"


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [
        (301, "GET", b""),
        (302, "GET", b""),
        (303, "GET", b""),
        (307, "POST", b"x"),
        (308, "POST", b"x"),
    ],
)
async def test_a_redirected_post_keeps_its_body_only_where_the_status_says_so(
    http: Outgoing, site: Site, status: int, method: str, body: bytes
) -> None:
    url = site.url(f"/redirect?status={status}&to=/echo")
    await http.request("POST", url, content=b"x", headers={"Content-Type": "text/plain"})
    assert (site.requests[-1].method, site.requests[-1].body) == (method, body)


async def test_no_cookie_is_kept_for_the_next_request(http: Outgoing, site: Site) -> None:
    site.answer("/cookie", "", headers={"Set-Cookie": "who=ada; Path=/"})
    await http.get(site.url("/cookie"))
    await http.get(site.url("/echo"))
    assert "cookie" not in site.requests[-1].headers


async def test_a_proxy_in_the_environment_is_not_used(
    http: Outgoing, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert (await http.get(site.url("/text"))).ok


# --- sizes and times ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/huge", "/bomb"])
async def test_what_is_too_large_is_cut_off(http: Outgoing, site: Site, path: str) -> None:
    error = await refused(http, site.url(path))
    assert (error.code, error.transient) == ("EXEC_HTTP_TOO_LARGE", False)


@pytest.mark.parametrize("path", ["/twice", "/damaged"])
async def test_an_encoding_that_cannot_be_bounded_or_is_damaged_is_refused(
    http: Outgoing, site: Site, path: str
) -> None:
    assert (await refused(http, site.url(path))).code == "EXEC_HTTP_BROKEN"


async def test_a_body_of_exactly_the_limit_is_taken(http: Outgoing, site: Site) -> None:
    site.answer("/exact", b"x" * 100_000)
    site.answer("/more", b"x" * 100_001)
    assert len((await http.get(site.url("/exact"))).body) == 100_000
    assert (await refused(http, site.url("/more"))).code == "EXEC_HTTP_TOO_LARGE"


async def test_a_packed_body_is_unpacked(http: Outgoing, site: Site) -> None:
    assert (await http.get(site.url("/packed"))).text == RSS


async def test_a_site_that_does_not_answer_is_given_up(bench: Bench, site: Site) -> None:
    http = Outgoing(bench.settings(http_timeout_s=0.2))
    error = await refused(http, site.url("/slow"))
    assert (error.code, error.transient) == ("EXEC_HTTP_TIMEOUT", True)
    await http.aclose()


async def test_a_post_that_may_have_arrived_is_not_repeated(bench: Bench, site: Site) -> None:
    http = Outgoing(bench.settings(http_timeout_s=0.2))
    for path in ("/slow", "/cut"):
        error = await refused(http, site.url(path), "POST")
        assert not error.transient
        assert "may have arrived" in error.hint
    await http.aclose()


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "status", "transient"),
    [
        ("GET", 400, False), ("GET", 404, False), ("GET", 408, True), ("GET", 429, True),
        ("GET", 500, True), ("GET", 503, True),
        ("POST", 404, False), ("POST", 429, True), ("POST", 500, False), ("POST", 503, True),
    ],
)  # fmt: skip
async def test_only_an_answer_that_may_be_better_next_time_is_transient(
    http: Outgoing, site: Site, method: str, status: int, transient: bool
) -> None:
    error = await refused(http, site.url(f"/status/{status}"), method)
    assert (error.code, error.transient) == ("EXEC_HTTP_STATUS", transient)
    assert str(status) in error.message


async def test_a_site_that_is_down_is_transient_even_for_a_post(http: Outgoing) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        error = await refused(http, url, "POST")
    assert (error.code, error.transient) == ("EXEC_HTTP_UNREACHABLE", True)


async def test_a_connection_that_breaks_off_is_transient(http: Outgoing, site: Site) -> None:
    error = await refused(http, site.url("/cut"))
    assert (error.code, error.transient) == ("EXEC_HTTP_UNREACHABLE", True)


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil"}, {"Content-Length": "0"}, {"Transfer-Encoding": "chunked"}, {"A": "b\r\nC: d"},
     {"A\r\nB": "c"}, {"A: b": "c"}, {"": "x"}, {"A": "☃"}, {"A": "\x00"}],
)  # fmt: skip
async def test_a_header_that_could_be_another_request_is_refused(
    http: Outgoing, site: Site, headers: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as caught:
        await http.request("GET", site.url("/echo"), headers=headers)
    assert caught.value.code == "EXEC_HTTP_HEADER_INVALID"
    assert site.requests == []


async def test_text_is_read_in_the_charset_it_came_in(http: Outgoing, site: Site) -> None:
    site.answer("/latin", "Käse".encode("latin-1"), content_type="text/plain; charset=latin-1")
    site.answer("/odd", "Käse", content_type="text/plain; charset=no-such")
    assert (await http.get(site.url("/latin"))).text == "Käse"
    assert (await http.get(site.url("/odd"))).text == "Käse"


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path, "harbour.example")


async def test_a_certificate_nobody_vouches_for_is_refused(
    http: Outgoing, certificate: Certificate
) -> None:
    with Site(tls=certificate.server) as site:
        error = await refused(http, site.url("/text"))
        assert site.requests == []
    assert (error.code, error.transient) == ("EXEC_HTTP_CERTIFICATE", False)


async def test_the_certificate_is_checked_for_the_name_not_for_the_address_connected_to(
    bench: Bench, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.chain))
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", Names("127.0.0.1"))
    http = Outgoing(bench.settings())
    with Site(tls=certificate.server) as site:
        assert (await http.get(site.url("/text", host="harbour.example"))).ok
        error = await refused(http, site.url("/text", host="other.example"))
    assert error.code == "EXEC_HTTP_CERTIFICATE"
    await http.aclose()
