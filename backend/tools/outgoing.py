"""HTTP to the outside, guarded: addresses checked, redirects followed by hand, size and time bounded."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Self

import httpcore
import httpx

from backend.contracts.errors import Invalid, ToolError
from backend.settings import Settings
from backend.tools.addresses import CheckedNetwork, check_url, is_public

USER_AGENT = "Lightning/0.1"
MAX_REDIRECTS = 5
MAX_CONNECTIONS = 256
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_TAKEN = frozenset({429, 503})
_FORWARDED = ("accept", "accept-language", "content-type", "user-agent")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "te", "upgrade"})


@dataclass(frozen=True, slots=True)
class Response:
    """`url` is where redirects ended; header names are in lower case; `body` is decompressed."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def content_type(self) -> str:
        return self._content_type().get_content_type() if "content-type" in self.headers else ""

    @property
    def charset(self) -> str | None:
        return self._content_type().get_content_charset()

    @property
    def text(self) -> str:
        try:
            return self.body.decode(self.charset or "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def require_success(self) -> Self:
        """Itself; or `ToolError` EXEC_HTTP_STATUS, transient where asking again may help."""
        if self.ok:
            return self
        repeatable = self.method in REPEATABLE and (self.status >= 500 or self.status == 408)
        raise ToolError(
            f"{httpx.URL(self.url).host} answered {self.status} {_reason(self.status)}".rstrip()
            + f" for {self.url}.",
            code="EXEC_HTTP_STATUS",
            hint=_advice(self.status),
            transient=self.status in _NOT_TAKEN or repeatable,
        )

    def _content_type(self) -> Message:
        message = Message()
        message["content-type"] = self.headers.get("content-type", "")
        return message


class Outgoing:
    """The one way out. No cookies, proxies or credentials are kept between requests, and every
    request connects anew, so that no address goes unchecked: `may_reach` is asked about each IP
    address, and by default allows the public ones, or all where a setting says so."""

    def __init__(
        self, settings: Settings, *, may_reach: Callable[[str], bool] | None = None
    ) -> None:
        self._settings = settings
        self._may_reach = may_reach or (_any if settings.allow_private_network else is_public)
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def get(self, url: str, *, accept: str = "*/*") -> Response:
        """GET that demands success."""
        return (await self.request("GET", url, headers={"Accept": accept})).require_success()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str | int | float | bool] | None = None,
        content: bytes = b"",
    ) -> Response:
        """Whatever status comes back after at most 5 redirects.

        `ToolError`: EXEC_ADDRESS_REFUSED, EXEC_HTTP_UNREACHABLE, EXEC_HTTP_TIMEOUT (both transient
        if the method may be repeated or nothing was sent), EXEC_HTTP_TOO_LARGE,
        EXEC_HTTP_CERTIFICATE, EXEC_HTTP_REDIRECTS, EXEC_HTTP_BROKEN. `Invalid`: EXEC_URL_INVALID,
        EXEC_HTTP_HEADER_INVALID.
        """
        target = check_url(url)
        if query:
            target = target.copy_merge_params(query)
        request = _request(method, target, headers or {}, content)
        connections = await self._connections()
        try:
            async with asyncio.timeout(self._settings.http_timeout_s):
                for _ in range(MAX_REDIRECTS + 1):
                    response = await self._once(connections, request)
                    location = response.headers.get("location", "")
                    if response.status not in _REDIRECTS or not location:
                        return response
                    request = _redirected(request, response.status, location)
        except TimeoutError as error:
            said = f"{request.url.host} did not answer within {self._settings.http_timeout_s:g} s."
            raise _interrupted(request, said, "EXEC_HTTP_TIMEOUT") from error
        said = f"{url[:200]} redirects more than {MAX_REDIRECTS} times."
        raise ToolError(said, code="EXEC_HTTP_REDIRECTS")

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

    async def _once(
        self, connections: httpcore.AsyncConnectionPool, request: httpx.Request
    ) -> Response:
        try:
            async with connections.stream(
                request.method,
                _target(request.url),
                headers=request.headers.raw,
                content=request.content or None,
            ) as answer:
                headers = _headers(answer.headers)
                body = b""
                if request.method != "HEAD":
                    limit = self._settings.http_max_bytes
                    body = await _read(answer.aiter_stream(), request.url.host, headers, limit)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise _unconnected(request.url.host, error) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            said = f"The connection to {request.url.host} broke off."
            raise _interrupted(request, said, "EXEC_HTTP_UNREACHABLE") from error
        return Response(request.method, str(request.url), answer.status, headers, body)

    async def _connections(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            trusted = await asyncio.to_thread(httpx.create_ssl_context)
            self._pool = self._pool or httpcore.AsyncConnectionPool(
                ssl_context=trusted,
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=0,
                network_backend=CheckedNetwork(self._may_reach),
            )
        return self._pool


def _any(address: str) -> bool:
    return True


def _request(
    method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes
) -> httpx.Request:
    for name, value in headers.items():
        clean = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        if not clean or name.lower() in _OURS or not value.isprintable() or not value.isascii():
            said = f"The header {name[:100]!r} cannot be sent."
            raise Invalid(said, code="EXEC_HTTP_HEADER_INVALID")
    ours = {"User-Agent": USER_AGENT, "Accept": "*/*", "Connection": "close"}
    merged = httpx.Headers({**ours, **headers, "Accept-Encoding": "gzip"})
    return httpx.Request(method, url.copy_with(fragment=None), headers=merged, content=content)


def _redirected(request: httpx.Request, status: int, location: str) -> httpx.Request:
    url = check_url(str(_joined(request.url, location)))
    headers = request.headers
    if _origin(url) != _origin(request.url):
        headers = httpx.Headers({k: v for k, v in headers.items() if k in _FORWARDED})
    kept = {name: value for name, value in headers.items() if name not in _OURS}
    if status in (307, 308) or request.method in ("GET", "HEAD"):
        return _request(request.method, url, kept, request.content)
    kept.pop("content-type", None)
    return _request("GET", url, kept, b"")


def _joined(url: httpx.URL, location: str) -> httpx.URL:
    try:
        return url.join(location)
    except (httpx.InvalidURL, UnicodeError) as error:
        said = f"{url.host} redirects to {location[:200]!r}, which is not an address."
        raise ToolError(said, code="EXEC_HTTP_REDIRECTS") from error


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _target(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return dict(httpx.Headers(raw).items())


async def _read(
    chunks: AsyncIterator[bytes], host: str, headers: Mapping[str, str], limit: int
) -> bytes:
    """The body, decompressed; never more than `limit` bytes of it are held."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise _broken(host, f"in an encoding we did not ask for ({encoding[:40]})")
    packed = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
    body = bytearray()
    async for chunk in chunks:
        try:
            body += packed.decompress(chunk, limit + 1 - len(body)) if packed else chunk
        except zlib.error as error:
            raise _broken(host, "with a damaged body") from error
        if len(body) > limit:
            said = f"{host} sends more than {limit:,} bytes."
            raise ToolError(said, code="EXEC_HTTP_TOO_LARGE", hint="HTTP_MAX_BYTES is the limit.")
    if packed and body and not packed.eof:
        raise _broken(host, "with a damaged body")
    return bytes(body)


def _broken(host: str, how: str) -> ToolError:
    return ToolError(f"{host} answers {how}.", code="EXEC_HTTP_BROKEN")


def _interrupted(request: httpx.Request, said: str, code: str) -> ToolError:
    """After the request may have been sent: only what is harmless to repeat is transient."""
    if request.method in REPEATABLE:
        return ToolError(said, code=code, transient=True)
    hint = "The request may have arrived; look there before running this step again."
    return ToolError(said, code=code, hint=hint, unknown=True)


def _unconnected(host: str, error: Exception) -> ToolError:
    if is_certificate_error(error):
        said = f"The certificate of {host} cannot be trusted."
        return ToolError(said, code="EXEC_HTTP_CERTIFICATE")
    said = f"{host} cannot be reached."
    return ToolError(said, code="EXEC_HTTP_UNREACHABLE", transient=True)


def is_certificate_error(error: BaseException | None) -> bool:
    """Whether a connection failed because nobody we trust vouches for the other side."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _reason(status: int) -> str:
    return httpx.codes.get_reason_phrase(status)


def _advice(status: int) -> str:
    if status in (401, 403):
        return "It wants a sign-in, or takes no requests from programs."
    if status in (404, 410):
        return "Look whether the address is right."
    if status == 429:
        return "It was asked too often; run it again later."
    return "The site is out of order; run it again later." if status >= 500 else ""
