"""What the shell offers on Tab, and what is written about each command."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.cli import app
from agents.commands.completion import plan_files, zones
from tests.cli.conftest import Terminal


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("plan.json", "plan.pipe", "plan.py", "notes.txt", ".hidden.json"):
        Path(name).touch()
    Path("plans").mkdir()
    Path("plans/a.json").touch()


def test_plans_and_folders_are_offered_and_nothing_else() -> None:
    assert list(plan_files("")) == ["plan.json", "plan.pipe", "plan.py", "plans/"]
    assert list(plan_files("plan.p")) == ["plan.pipe", "plan.py"]
    assert list(plan_files("plans/")) == ["plans/a.json"]
    assert list(plan_files(".h")) == [".hidden.json"]
    assert list(plan_files("no/such/")) == []


def test_zones_are_offered_in_any_case() -> None:
    assert list(zones("europe/par")) == ["Europe/Paris"]


def test_the_shells_script_is_shown(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "true")
    said = terminal.planner("--show-completion", "bash")
    assert said.code == 0 and "complete" in said.out


def test_every_command_is_in_its_reference(terminal: Terminal) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/command-line.md").read_text()
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert [name for name in names if f"`{name.replace('_', '-')}" not in page] == []
