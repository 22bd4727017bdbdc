"""What the REST doubles share: a process that serves, its faults, and its control under `/_double/`.

    python -m tests.azure.cosmos --port 0     # prints one JSON line, ends when standard input closes

    POST /_double/faults   [{"kind": "status", "status": 429, "retry_after_ms": 5, "next": 3}, …]
    POST /_double/advance  {"seconds": 60}    # the double's clock
    GET  /_double/state                       # what was asked for, how often; and what is there
    GET  /_double/identity                    # a token, as a managed identity's endpoint gives it

A fault says `next` (how many of the coming requests) or `every` (each nth one), and may be narrowed by
`method` and by `path`, a regular expression. Its kinds: "status" answers with that status; "slow" waits
`seconds` first; "drop" closes the connection at once; "lose" does what was asked and then closes the
connection instead of answering. An empty list ends them all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

MAX_BODY = 80_000_000
TOKEN = "the token of the one identity there is"


class Clock:
    """Seconds since 1970, moved forward at will."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Fault:
    kind: str
    status: int = 503
    retry_after_ms: int = 0
    seconds: float = 0.05
    next: int = 0
    every: int = 0
    method: str = ""
    path: str = ""
    seen: int = 0

    def strikes(self, request: web.Request) -> bool:
        if self.method not in ("", request.method) or not re.search(self.path, request.path):
            return False
        self.seen += 1
        return self.seen <= self.next or (self.every > 0 and self.seen % self.every == 0)


class Service(Protocol):
    clock: Clock

    async def answer(self, request: web.Request) -> web.StreamResponse: ...

    def refusal(self, fault: Fault) -> web.StreamResponse: ...

    def state(self) -> Mapping[str, Any]: ...


class Server:
    def __init__(self, service: Service) -> None:
        self.service = service
        self.faults: list[Fault] = []
        self.requests: Counter[str] = Counter()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_post("/_double/{what}", self._control)
        application.router.add_get("/_double/state", self._state)
        application.router.add_get("/_double/identity", self._identity)
        application.router.add_route("*", "/{path:.*}", self._serve)
        return application

    async def _control(self, request: web.Request) -> web.Response:
        given = await request.json()
        if request.match_info["what"] == "faults":
            self.faults = [Fault(**fault) for fault in given]
        else:
            self.service.clock.ahead += given["seconds"]
        return web.json_response({})

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response({"requests": self.requests, **self.service.state()})

    async def _identity(self, request: web.Request) -> web.Response:
        until = str(int(time.time()) + 3600)
        token = {"access_token": TOKEN, "expires_on": until, "token_type": "Bearer"}
        return web.json_response({**token, "resource": request.query["resource"]})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests[request.method] += 1
        struck = [fault for fault in self.faults if fault.strikes(request)]
        for fault in struck:
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "drop":
                return _hang_up(request)
            elif fault.kind == "status":
                return self.service.refusal(fault)
        answer = await self.service.answer(request)
        return _hang_up(request) if any(fault.kind == "lose" for fault in struck) else answer


def _hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def main(create: Callable[[str], Service], key: str) -> None:
    """Serve `create(url)` until standard input closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", type=Path, help="a folder with certificate.pem and key.pem")
    given = parser.parse_args()
    asyncio.run(_run(create, key, given.port, given.tls))


async def _run(create: Callable[[str], Service], key: str, port: int, folder: Path | None) -> None:
    tls = None
    if folder is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    listening = socket.create_server(("127.0.0.1", port))
    url = f"{'https' if tls else 'http'}://127.0.0.1:{listening.getsockname()[1]}"
    runner = web.AppRunner(Server(create(url)).application(), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening, ssl_context=tls, shutdown_timeout=0.1).start()
    sys.stdout.write(json.dumps({"url": url, "key": key}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()
