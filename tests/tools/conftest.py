from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backend.context.folder import FolderFiles
from backend.contracts.tools import ToolCall, ToolResult
from backend.llm import connect
from backend.settings import Settings
from backend.tools.builtin import builtin
from backend.tools.define import Tool, ToolContext
from backend.tools.outgoing import Outgoing
from backend.tools.registry import Registry
from tests.mail import MailServer
from tests.scripted_openai import ScriptedOpenAI
from tests.web import Site

NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def model() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


@dataclass
class Bench:
    """The shipped tools, called the way a step calls them. Settings are given by name."""

    data_dir: Path
    tools: tuple[Tool, ...] = field(default_factory=builtin)
    opened: list[Outgoing] = field(default_factory=list)
    user_id: str = "ada"
    key: str = "key-1"

    def settings(self, **given: Any) -> Settings:
        fixed = {"data_dir": self.data_dir, "allow_private_network": True}
        return Settings(_env_file=None, **{**fixed, **given})

    def registry(self, **given: Any) -> Registry:
        settings = self.settings(**given)
        http = Outgoing(settings)
        self.opened.append(http)
        return Registry(
            self.tools,
            settings,
            http=http,
            files=FolderFiles(self.data_dir / "files"),
            llm=connect(settings),
            now=lambda: NOW,
        )

    def call(self, tool: str, args: dict[str, Any], **more: Any) -> ToolCall:
        return ToolCall(tool, args, user_id=self.user_id, key=self.key, **more)

    async def use(self, tool: str, **args: Any) -> ToolResult:
        return await self.registry().call(self.call(tool, args))


Use = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    bench = Bench(tmp_path)
    yield bench
    for http in bench.opened:
        await http.aclose()


@pytest.fixture
def use(bench: Bench) -> Use:
    """`await use("feed.read", url=…)`: one call, with the private network allowed."""
    return bench.use


@pytest.fixture
def context(bench: Bench) -> ToolContext:
    settings = bench.settings()
    return ToolContext(
        call=bench.call("test.tool", {}),
        http=Outgoing(settings),
        files=FolderFiles(bench.data_dir / "files"),
        llm=None,
        settings=settings,
        now=lambda: NOW,
        say=[].append,
    )
