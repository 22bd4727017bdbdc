"""A whole system on SQLite in a folder of the test's own, and a model that says what it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Conversation
from agents.planner.model import ModelPlanner
from agents.planner.offline import OfflinePlanner
from backend.bootstrap import System, open_system
from backend.contracts.ports import Planner
from backend.contracts.security import Principal
from backend.llm import OpenAILLM
from backend.settings import Settings
from backend.stores.sql import SqlStore
from backend.stores.sqlite import Sqlite
from tests.scripted_openai import ScriptedOpenAI

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ANN = Principal("ann")
BOB = Principal("bob")
Opening = Callable[..., Any]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    database = Sqlite(tmp_path / "lightning.db")
    await database.start()
    yield SqlStore(database)
    await database.close()


@pytest.fixture
def server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


class Talk:
    """A conversation over a running system, with the pieces a test looks into."""

    def __init__(self, system: System, conversation: Conversation) -> None:
        self.system = system
        self.lightning = system.lightning
        self.conversation = conversation
        self.say = conversation.say
        self.decide = conversation.decide


@pytest.fixture
def opened(tmp_path: Path, server: ScriptedOpenAI) -> Opening:
    """`async with opened(model=True) as talk`: the same folder each time, as after a restart."""

    @asynccontextmanager
    async def opened(
        *, model: bool = True, smtp_host: str = "127.0.0.1", patience_s: float = 120
    ) -> AsyncIterator[Talk]:
        settings = Settings(
            _env_file=None,
            data_dir=tmp_path / "data",
            jwt_signing_key="x" * 48,
            timezone="Europe/Paris",
            smtp_host=smtp_host,
            smtp_from="lightning@example.com",
        )
        llm = OpenAILLM(
            "gpt-4o-mini", api_key=server.key, base_url=server.url, retries=0, timeout_s=patience_s
        )
        async with open_system(settings, now=lambda: NOW) as system, system.working():
            planners: dict[str, Planner] = {}
            if model:
                planners["online"] = ModelPlanner(llm)
            planners["offline"] = OfflinePlanner()
            yield Talk(system, Conversation(system.lightning, planners))
        await llm.aclose()

    return opened


@pytest.fixture
async def talk(opened: Opening) -> AsyncIterator[Talk]:
    async with opened() as talk:
        yield talk


def selected(*tools: str) -> dict[str, Any]:
    return {
        "reason": "these do it",
        "kind": "plan",
        "confidence": 0.9,
        "tools": list(tools),
        "text": "",
        "choices": [],
    }


def answered(kind: str, text: str = "", *choices: str) -> dict[str, Any]:
    return {**drafted(), "kind": kind, "say": text, "choices": list(choices)}


def step(name: str, tool: str, *after: str, **args: str) -> dict[str, Any]:
    return {
        "for": "",
        "name": name,
        "tool": tool,
        "args": [f"{key}={value}" for key, value in args.items()],
        "if": "",
        "each": "",
        "after": list(after),
        "options": [],
    }


def drafted(*steps: dict[str, Any], when: str = "", **more: Any) -> dict[str, Any]:
    return {
        "steps": list(steps),
        "when": when,
        "left": [],
        "kind": "plan",
        "say": "",
        "choices": [],
        **more,
    }


def repaired(*steps: dict[str, Any], remove: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"steps": list(steps), "remove": list(remove), "when": None}
