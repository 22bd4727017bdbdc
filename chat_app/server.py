"""One ASGI app: the API, then the chat at the root, with a life of its own."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from fastapi import FastAPI

from agents.conversation import Conversation
from agents.processes import Processes
from backend.api.app import install
from backend.bootstrap import System
from backend.contracts.errors import Unavailable
from backend.settings import Settings
from chat_app import home

log = structlog.get_logger(__name__)


def load(settings: Settings) -> Path:
    """Lay out the folder that Chainlit works in, and import what a chat is made of. That takes seconds in
    which nothing else goes on: before anything lives here that gives signs of life."""
    folder = home.prepare(settings.data_dir, settings.jwt_signing_key)
    for name in ("chat_app.app", "agents.planner.offline"):  # not before: Chainlit reads its folder
        importlib.import_module(name)
    return folder


def create_app(system: System, folder: Path) -> FastAPI:
    """The whole product over HTTP, after `load`. Chainlit keeps its state in modules: once a process."""
    import chainlit.server

    from chat_app.app import Chat
    from chat_app.auth import SignIn
    from chat_app.follow import Follower
    from chat_app.hardening import Guard, feedback_router, harden
    from chat_app.notify import notify_router
    from chat_app.outage import Outage
    from chat_app.threads import Threads

    lightning = system.lightning
    settings = lightning.settings
    threads = Threads(lightning.store, lightning.now)
    processes = Processes(
        lightning.store, home.take_name(settings.data_dir), lightning.now, settings.lease_s
    )
    follower = Follower(lightning, threads, processes)
    conversation = Conversation(lightning, system.planners, processes=processes)
    chat = Chat(lightning, conversation, threads, follower, processes)
    sign_in = SignIn(lightning, system.links)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with contextlib.suppress(Unavailable):  # it is tried again
            await processes.beat()
        going_on = asyncio.gather(
            processes.run(),
            chat.resume_others(),
            Outage(lightning.outages, lightning.now).run(),
            *(p.warm(system.lightning.registry.catalogue()) for p in system.planners.values()),
        )
        going_on.add_done_callback(_tell)
        try:
            yield
        finally:
            app.state.stopping.set()
            going_on.cancel()
            await asyncio.gather(going_on, return_exceptions=True)
            await follower.close()
            await processes.end()
            home.remove(folder)

    app = FastAPI(
        title="Lightning", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.lightning = lightning
    app.state.planner = next(iter(system.planners.values()), None)
    app.state.stopping = asyncio.Event()
    install(app)
    app.include_router(sign_in.router())
    app.include_router(feedback_router(threads, sign_in))
    app.include_router(notify_router(lightning, threads))
    chat.install(sign_in.password_callback)
    policy = harden(threads, sign_in, chat.arrived)
    app.mount("/", chainlit.server.app)
    app.add_middleware(Guard, settings=settings, policy=policy)
    return app


def _tell(task: asyncio.Future[list[None]]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("start.unfinished", error=repr(error))
