"""The API over real HTTP: uvicorn on a free port, on a system of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from backend.api.app import install
from backend.bootstrap import System, open_system
from backend.contracts.security import Role
from backend.settings import Settings

PASSWORD = "correct horse"
ASK: dict[str, Any] = {
    "plan_name": "ask-me",
    "steps": [
        {"name": "ask", "on": ["event.go"], "action": "human.ask", "args": {"text": "Well?"}},
        {
            "name": "keep",
            "on": ["step.ask"],
            "action": "file.write",
            "args": {"path": "said.txt", "content": "${ask.answer}"},
        },
    ],
    "events": [{"name": "event.go", "kind": "manual"}],
}
PICK: dict[str, Any] = {
    "plan_name": "pick",
    "events": [{"name": "event.go", "kind": "manual"}],
    "steps": [
        {
            "name": "pick",
            "on": ["event.go"],
            "action": "json.query",
            "args": {"data": {"a": [1, 2, 3]}, "query": "a[1]"},
        }
    ],
}


def triggered_by(trigger: dict[str, Any]) -> dict[str, Any]:
    return PICK | {"events": [{"name": "event.go"} | trigger]}


@dataclass
class Served:
    """A running server; `as_user` gives a client that is signed in."""

    address: str
    system: System
    app: FastAPI
    stack: contextlib.AsyncExitStack

    async def as_user(self, name: str, *roles: Role) -> httpx.AsyncClient:
        users = self.system.lightning.users
        who = await users.register(name, PASSWORD, roles or ("user",))
        return await self.client({"Authorization": f"Bearer {await users.token(who)}"})

    async def client(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=self.address, headers=headers, timeout=30)
        return await self.stack.enter_async_context(client)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path,
        jwt_signing_key="k" * 48,
        timezone="Europe/Paris",
        openai_api_key="",
        openai_base_url="",
    )


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[Served]:
    async with contextlib.AsyncExitStack() as stack:
        system = await stack.enter_async_context(open_system(settings))
        await stack.enter_async_context(system.working())
        app = FastAPI(title="Lightning", openapi_url=None, docs_url=None, redoc_url=None)
        app.state.lightning = system.lightning
        app.state.stopping = asyncio.Event()
        install(app)
        server = uvicorn.Server(
            uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=2)
        )
        started = asyncio.Event()
        startup = server.startup

        async def announce(sockets: Any = None) -> None:
            await startup(sockets)
            started.set()

        server.startup = announce  # type: ignore[method-assign]
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        task = asyncio.create_task(server.serve())
        await started.wait()
        port = server.servers[0].sockets[0].getsockname()[1]
        async with contextlib.AsyncExitStack() as clients:
            yield Served(f"http://127.0.0.1:{port}", system, app, clients)
        app.state.stopping.set()
        server.should_exit = True
        await task


@pytest.fixture
async def ann(served: Served) -> httpx.AsyncClient:
    return await served.as_user("ann")


@pytest.fixture
def planner(served: Served) -> None:
    served.app.state.planner = served.system.planners["offline"]


async def proposed(client: httpx.AsyncClient, document: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/api/plans", json={"document": document})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def approved(client: httpx.AsyncClient, document: dict[str, Any]) -> dict[str, Any]:
    plan = await proposed(client, document)
    answer = await client.post(
        f"/api/plans/{plan['plan_id']}/approve", json={"ir_hash": plan["ir_hash"]}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:lightning:problem:{code}" and body["title"] and body["detail"]
    return body
