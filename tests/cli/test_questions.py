"""A person at the terminal is asked what the steps of a run ask."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import Any

from backend.bootstrap import System
from backend.contracts.security import Principal
from tests.cli.conftest import Terminal

ASK: dict[str, Any] = {
    "plan_name": "ask",
    "events": [{"name": "event.go", "kind": "manual"}],
    "steps": [
        {
            "name": "ask",
            "on": ["event.go"],
            "action": "human.ask",
            "args": {"text": "Which one?", "choices": ["red", "blue"]},
        },
        {
            "name": "keep",
            "on": ["step.ask"],
            "action": "file.write",
            "approval": "required",
            "args": {"path": "a.txt", "content": "${ask.answer}"},
        },
    ],
}


def conversation(file: str, *turns: tuple[str, str]) -> tuple[int, str]:
    """Run `execute` in a terminal; wait for each question, then type its answer."""
    person, terminal = pty.openpty()
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    command = [sys.executable, "-c", "from agents.cli import main; main()", "execute", file]
    with subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=os.environ | {"PYTHONPATH": root, "TERM": "xterm"},
        start_new_session=True,
    ) as process:
        os.close(terminal)
        seen = ""
        try:
            for question, answer in turns:
                already = len(seen)
                while question not in seen[already:]:
                    seen += os.read(person, 65536).decode(errors="replace")
                os.write(person, answer.encode() + b"\n")
            while chunk := _read(person):
                seen += chunk
            return process.wait(), seen
        finally:
            process.kill()
            os.close(person)


def _read(person: int) -> str:
    try:
        return os.read(person, 65536).decode(errors="replace")
    except OSError:  # the other end is closed
        return ""


def test_questions_and_gates_are_answered_at_the_keyboard(terminal: Terminal) -> None:
    code, seen = conversation(
        terminal.file(ASK),
        ("Run it? [y/N]", "y"),
        ("Which one? [red/blue]", "green"),
        ("Which one? [red/blue]", "red"),
        ("[allow/deny]", "allow"),
    )
    assert code == 0, seen
    written = terminal.look(lambda system: system.lightning.files.read("local", "a.txt"))
    assert written == b"red"


def test_a_gate_that_is_denied_ends_the_run(terminal: Terminal) -> None:
    code, seen = conversation(
        terminal.file(ASK),
        ("Run it? [y/N]", "y"),
        ("Which one? [red/blue]", "blue"),
        ("[allow/deny]", "deny"),
    )
    assert code == 1 and "EXEC_STEP_DENIED" in seen


def test_what_a_called_plan_asks_is_answered_at_the_keyboard(terminal: Terminal) -> None:
    async def saved(system: System) -> None:
        async with system.working():
            view = await system.lightning.propose(Principal("local"), ASK)
            await system.lightning.save(Principal("local"), view.plan_id, "asking")

    terminal.look(saved)
    call = {"name": "call", "on": ["event.go"], "action": "plan.asking"}
    code, seen = conversation(
        terminal.file({**ASK, "plan_name": "calls", "steps": [call]}),
        ("Run it? [y/N]", "y"),
        ("Which one? [red/blue]", "blue"),
        ("[allow/deny]", "allow"),
    )
    assert code == 0, seen
    written = terminal.look(lambda system: system.lightning.files.read("local", "a.txt"))
    assert written == b"blue"
