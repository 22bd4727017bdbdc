"""The command lines in this process, on a data folder of their own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import agents.cli
import chat_app.cli
from backend.bootstrap import System, open_system
from backend.settings import load_settings


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Runs the commands as a person would, with nobody at the keyboard unless `said`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def planner(self, *args: str, said: str = "") -> Said:
        return self._run(agents.cli.app, args, said)

    def lightning(self, *args: str) -> Said:
        return self._run(chat_app.cli.app, args, "")

    def file(self, document: Any, name: str = "plan.json") -> str:
        path = self.folder / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    def look(self, what: Callable[[System], Awaitable[Any]]) -> Any:
        """What is in the data folder now."""

        async def looking() -> Any:
            async with open_system(load_settings()) as system:
                return await what(system)

        return asyncio.run(looking())

    def _run(self, app: Any, args: tuple[str, ...], said: str) -> Said:
        result = CliRunner().invoke(app, args, input=said)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TIMEZONE", "Europe/Paris")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "SMTP_HOST", "JWT_SIGNING_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Terminal(tmp_path)
