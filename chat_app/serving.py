"""Serving one ASGI app until told to stop: binding, the address to open, ending live streams first."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Literal

import uvicorn
from fastapi import FastAPI
from rich.text import Text

from agents.terminal import CANNOT_START, DONE, err, out, plain
from backend.bootstrap import System, open_system
from backend.settings import Settings

_GRACE_S = 5
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve(settings: Settings, role: Literal["up", "chat", "api"] = "up") -> int:
    """Run chat, API and a worker in this process, or without a worker, or the API alone. Returns the
    exit code."""
    try:
        listening = _bind(settings.host, settings.port)
    except OSError as error:
        return _not_bound(settings, role, error)
    err.print("Starting…", style="dim")
    with contextlib.closing(listening):
        create_app = _load(settings, role)
        async with (
            open_system(settings) as system,
            system.working() if role == "up" else system.sweeping(),
        ):
            address = settings.public_url or _address(settings.host, listening)
            server = _Server(create_app(system), system, address, signs_in=role != "api")
            await server.serve([listening])
    return DONE if server.started else CANNOT_START


def _load(settings: Settings, role: str) -> Callable[[System], FastAPI]:
    """What makes the app. The modules that it is of are imported by then."""
    if role == "api":
        from backend.api.app import create_app

        return lambda system: create_app(system.lightning, system.planners)
    from chat_app import server

    folder = server.load(settings)
    return lambda system: server.create_app(system, folder)


class _Server(uvicorn.Server):
    """Says where it is once it can be reached, and lets live streams end before it does."""

    def __init__(self, app: FastAPI, system: System, address: str, *, signs_in: bool) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=_GRACE_S,
                # Nobody may choose the address his failed sign-ins are counted under.
                proxy_headers=bool(system.lightning.settings.public_url),
                server_header=False,
            )
        )
        self._app = app
        self._system = system
        self._address = address
        self._signs_in = signs_in

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        if not self._signs_in:
            out.print(Text(f"The API is at {self._address}/api/docs"), soft_wrap=True)
            return
        who = await self._system.lightning.users.local_user()
        link = await self._system.links.link(who.user_id, self._address)
        out.print(Text.assemble("Lightning is at ", (link, "bold")), soft_wrap=True)
        err.print("  It signs you in, once. Ctrl-C stops Lightning; nothing is lost.", style="dim")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal again when it is done, in the midst of our closing.
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def _stop(self, number: int) -> None:
        self._app.state.stopping.set()
        self.handle_exit(number, None)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except BaseException:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


def _address(host: str, listening: socket.socket) -> str:
    shown = _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{listening.getsockname()[1]}"


def _not_bound(settings: Settings, role: str, error: OSError) -> int:
    where = f"{settings.host}:{settings.port}"
    reason = error.strerror or str(error)
    err.print(Text(plain(f"✗ Lightning cannot listen on {where}: {reason}."), style="bold"))
    err.print(
        f"  → Is it running already? Else take another: lightning {role} --port {settings.port + 1}"
    )
    return CANNOT_START
