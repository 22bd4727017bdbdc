"""Which addresses a plan may reach: the public internet, unless a setting allows the private network."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore
import httpx

from backend.contracts.errors import Invalid, ToolError

MAX_URL = 8_000
# So long for each address of a host, lest a dead one use up the time of the whole request.
CONNECT_S = 5.0
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# Special by IANA's registry, global by the table of older Pythons.
_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_NAT64 = IPv6Network("64:ff9b::/96")
_CREDENTIALS = re.compile(r"//[^/]*@")
_UNKNOWN_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def is_public(text: str) -> bool:
    """Whether an IP address is on the public internet; one that carries an IPv4 address inside
    (mapped, NAT64, 6to4, Teredo) is judged by that."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return _is_public_v4(address)
    if inner := _carried(address):
        return all(map(_is_public_v4, inner))
    return address in _GLOBAL_UNICAST and address.is_global and not address.is_multicast


def _is_public_v4(address: IPv4Address) -> bool:
    special = address.is_multicast or address.is_reserved or any(address in n for n in _SPECIAL)
    return address.is_global and not special


def _carried(address: IPv6Address) -> tuple[IPv4Address, ...]:
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.sixtofour:
        return (address.sixtofour,)
    return address.teredo or ()


def check_url(text: str) -> httpx.URL:
    """An http or https address without credentials in it; else `Invalid` EXEC_URL_INVALID."""
    try:
        url = httpx.URL(text[: MAX_URL + 1])
        host = url.host
    except (httpx.InvalidURL, UnicodeError) as error:
        raise _invalid(text, f"is not an address ({error})") from error
    if len(text) > MAX_URL:
        raise _invalid(text, f"is longer than {MAX_URL} characters")
    if not url.scheme and not host:
        raise _invalid(text, "has no scheme", hint=f"Did you mean https://{text[:200]}?")
    if url.scheme not in ("http", "https") or not host:
        raise _invalid(text, "is not an http or https address")
    if url.userinfo:
        hint = "Send credentials in a header instead."
        raise _invalid(host, "has a user name or password in its address", hint=hint)
    return url


def _invalid(text: str, why: str, hint: str = "") -> Invalid:
    shown = _CREDENTIALS.sub("//", text[:200])
    return Invalid(f"{shown} {why}.", code="EXEC_URL_INVALID", hint=hint)


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a host itself, checks what comes out, and connects to exactly that: a name that
    answers differently the second time (DNS rebinding) gains nothing."""

    def __init__(self, may_reach: Callable[[str], bool]) -> None:
        self._may_reach = may_reach
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await resolve(host, port)
        if not all(map(self._may_reach, addresses)):
            raise ToolError(
                f"{host} is an address inside a private network.",
                code="EXEC_ADDRESS_REFUSED",
                hint="Set ALLOW_PRIVATE_NETWORK=true if plans may reach this network.",
            )
        failed: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout or CONNECT_S, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


async def resolve(host: str, port: int) -> tuple[str, ...]:
    """The IP addresses behind a host, best first. `ToolError` EXEC_HTTP_UNREACHABLE if none."""
    loop = asyncio.get_running_loop()
    try:
        name = host.removesuffix(".")
        found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        unknown = isinstance(error, UnicodeError) or error.errno in _UNKNOWN_NAME
        raise ToolError(
            f"There is no host named {host}." if unknown else f"Looking up {host} failed.",
            code="EXEC_HTTP_UNREACHABLE",
            transient=not unknown,
        ) from error
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
