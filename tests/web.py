"""A real web site on loopback: feeds, an article, and everything that goes wrong on the web.

    with Site() as site:
        site.url("/feed.xml")      # an RSS feed of three entries;  /atom.xml, /, /article, /data.json
        site.requests              # what was asked, in order
        site.count("/feed.xml")    # how often
        site.answer("/page", b"…", content_type="text/html")   # a page of your own

`/flaky` answers 503 once and then 200; `/slow` answers when `release()` is called or at the end;
`/huge` and `/bomb` are too large (plain, and packed small); `/redirect?to=…&status=…` redirects;
`/loop` redirects to itself; `/echo` tells what it was sent; `/status/404` answers so; `/cut` breaks off.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

HUGE = 20_000_000
PUBLISHED = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

ENTRIES = (
    (
        "Sailing ships cross the bay again",
        "/article",
        "The harbour opened to tall ships on Monday. Forty crews came from nine countries.",
    ),
    (
        "A quieter engine for ferries",
        "/ferries",
        "Engineers cut the noise of a ferry by half. The new engine runs on stored power.",
    ),
    ("Comments are open", "/comments", "Comments"),
)

RSS = f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Harbour News</title><link>https://harbour.example/</link>
<description>News from the harbour</description>
{
    "".join(
        f"<item><title>{title}</title><link>https://harbour.example{path}</link>"
        f"<description>&lt;p&gt;{text}&lt;/p&gt;</description>"
        f"<pubDate>{format_datetime(PUBLISHED)}</pubDate></item>"
        for title, path, text in ENTRIES
    )
}
</channel></rss>"""

ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Tide Notes</title>
<link href="https://tides.example/"/><id>urn:tides</id><updated>2026-03-02T08:30:00Z</updated>
<entry><title>High tide at noon</title><link href="/noon"/><id>urn:1</id>
<updated>2026-03-02T10:30:00+02:00</updated><author><name>Ada</name></author>
<summary type="html">&lt;b&gt;High&lt;/b&gt; water at noon.</summary></entry></feed>"""

ARTICLE = f"""<!doctype html><html lang="en"><head><title>Sailing ships cross the bay again</title>
<meta name="author" content="Ada Marsh"><meta property="article:published_time" content="2026-03-02">
</head><body><nav><a href="/">Home</a> <a href="/about">About us</a></nav><article>
<h1>Sailing ships cross the bay again</h1>
{
    "".join(
        f"<p>{text}</p>"
        for text in (
            "The harbour opened to tall ships on Monday, after nine years of repairs to its walls.",
            "Forty crews came from nine countries, and the whole town stood on the walls to see the ships.",
            "The harbour master said that the repairs had cost less than the town had feared.",
            "Next year the ships will come in June, when the wind in the bay is kinder to them.",
        )
    )
}
</article><footer>Cookie settings and imprint</footer></body></html>"""

HOME = """<!doctype html><html><head><title>Harbour News</title>
<link rel="alternate" type="application/rss+xml" href="/feed.xml"></head><body>Welcome</body></html>"""


@dataclass(frozen=True)
class Asked:
    """One request as it came in; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Page:
    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Site:
    """The site; a context manager. Its address is `site.url(path)`."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Asked] = []
        self._pages = dict(_PAGES)
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.site = self
        self._scheme = "https" if tls else "http"
        if tls:
            # The handshake belongs to the connection's own thread, not to the one that accepts.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def count(self, path: str) -> int:
        with self._lock:
            return sum(asked.path == path for asked in self.requests)

    def answer(
        self,
        path: str,
        body: bytes | str,
        *,
        content_type: str = "text/html; charset=utf-8",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """From now on, answer this path so."""
        raw = body.encode() if isinstance(body, str) else body
        self._pages[path] = Page(raw, content_type, status, headers or {})

    def release(self) -> None:
        """Let the slow pages answer."""
        self._released.set()

    def respond(self, asked: Asked) -> Page | None:
        """What to answer; None breaks the connection off."""
        with self._lock:
            self.requests.append(asked)
        if asked.path in self._pages:
            return self._pages[asked.path]
        first, _, rest = asked.path.lstrip("/").partition("/")
        answer = getattr(self, f"_on_{first}", None)
        return answer(asked, rest) if answer else Page(b"not here", "text/plain", 404)

    def _on_flaky(self, asked: Asked, rest: str) -> Page:
        if self.count(asked.path) == 1:
            return Page(b"busy", "text/plain", 503, {"Retry-After": "1"})
        return Page(RSS.encode(), "application/rss+xml")

    def _on_slow(self, asked: Asked, rest: str) -> Page:
        self._released.wait(60)
        return Page(b"at last", "text/plain")

    def _on_redirect(self, asked: Asked, rest: str) -> Page:
        status = int(asked.query.get("status", ["302"])[0])
        return Page(b"", "text/plain", status, {"Location": asked.query["to"][0]})

    def _on_loop(self, asked: Asked, rest: str) -> Page:
        return Page(b"", "text/plain", 302, {"Location": "/loop"})

    def _on_status(self, asked: Asked, rest: str) -> Page:
        return Page(f"status {rest}".encode(), "text/plain", int(rest))

    def _on_echo(self, asked: Asked, rest: str) -> Page:
        told: dict[str, Any] = {
            "method": asked.method,
            "query": asked.query,
            "headers": asked.headers,
            "body": asked.body.decode(),
        }
        return Page(json.dumps(told).encode(), "application/json")

    def _on_cut(self, asked: Asked, rest: str) -> None:
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    site: Site

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off, in the handshake too, is part of a test, not its failure."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        # A client that gives up early (too large, too slow) is what the tests are about.
        with contextlib.suppress(OSError):
            self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        page = self.server.site.respond(
            Asked(
                method=self.command,
                path=parts.path,
                query=parse_qs(parts.query),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
        )
        self.close_connection = True
        if page is None:
            return
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        for name, value in page.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


_PAGES = {
    "/": Page(HOME.encode()),
    "/feed.xml": Page(RSS.encode(), "application/rss+xml; charset=utf-8"),
    "/atom.xml": Page(ATOM.encode(), "application/atom+xml"),
    "/article": Page(ARTICLE.encode()),
    "/data.json": Page(
        json.dumps(
            {"items": [{"name": "oar", "price": 12}, {"name": "sail", "price": 80}]}
        ).encode(),
        "application/json",
    ),
    "/text": Page(b"Just a few plain words.", "text/plain; charset=utf-8"),
    "/picture": Page(b"\x89PNG\r\n", "image/png"),
    "/huge": Page(b"x" * HUGE, "text/plain"),
    "/packed": Page(
        gzip.compress(RSS.encode()), "application/rss+xml", 200, {"Content-Encoding": "gzip"}
    ),
    "/bomb": Page(gzip.compress(bytes(HUGE)), "text/plain", 200, {"Content-Encoding": "gzip"}),
    "/twice": Page(
        gzip.compress(gzip.compress(bytes(HUGE))),
        "text/plain",
        200,
        {"Content-Encoding": "gzip, gzip"},
    ),
    "/damaged": Page(
        gzip.compress(RSS.encode())[:-20], "text/plain", 200, {"Content-Encoding": "gzip"}
    ),
}
