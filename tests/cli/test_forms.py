"""Plans in every form they are written in, and the lockfile beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Terminal
from tests.cli.test_planner import KEEP

WORDS = "read https://example.com/feed.xml and save it to news.md"


def steps(data: Any) -> list[tuple[str, str]]:
    return [(step["name"], step["action"]) for step in data["steps"]]


# --- pipe syntax, Python, pictures -----------------------------------------------------------------


def test_a_plan_goes_into_pipe_syntax_and_back(terminal: Terminal) -> None:
    said = terminal.planner("pipe", terminal.file(KEEP))
    assert said.code == 0 and "json.query" in said.out and ">>" in said.out
    assert steps(terminal.planner("pipe", "--parse", said.out).data) == steps(KEEP)
    assert terminal.planner("pipe", "--json", terminal.file(KEEP)).data["pipe"] == said.out


def test_what_a_line_of_steps_leaves_out_is_filled(terminal: Terminal) -> None:
    said = terminal.planner("pipe", "--parse", "web.read --url=https://a.de/ >> text.summarize")
    assert said.data["steps"][1]["args"]["text"].startswith("${")
    bad = terminal.planner("pipe", "--parse", "web.read --url=")
    assert bad.code == 1 and "COMPILE_PIPE" in bad.err
    assert "    web.read --url=\n                   ^\n" in bad.err


def test_pipe_syntax_is_taken_as_a_plan_and_not_as_words(terminal: Terminal) -> None:
    line = "feed.read --url=https://example.com/feed.xml >> file.write --path=news.md"
    data = terminal.planner("generate", line, "--json").data
    assert (data["kind"], data["trust"]) == ("plan", "untrusted")
    assert [step["action"] for step in data["plan"]["steps"]] == ["feed.read", "file.write"]


@pytest.mark.parametrize("form", [".pipe", ".py", ".json"])
def test_every_command_takes_every_form(terminal: Terminal, form: str) -> None:
    file = f"plan{form}"
    assert terminal.planner("visualize", terminal.file(KEEP, "first.json"), "-o", file).code == 0
    text = Path(file).read_text()
    assert terminal.planner("validate", file).code == 0
    assert terminal.planner("validate", "-", said=text).code == 0
    assert terminal.planner("mermaid", file).out.startswith("flowchart")
    assert terminal.planner("execute", file, "-y", "--n=2").code == 0


def test_a_python_file_is_read_and_never_run(terminal: Terminal) -> None:
    file = terminal.file("open('run', 'w')\nplan = PlanDocument()\n", "evil.py")
    said = terminal.planner("validate", file)
    assert said.code == 1 and "COMPILE_PYTHON_UNSAFE" in said.err
    assert not (terminal.folder / "run").exists()


@pytest.mark.parametrize(
    ("name", "start"), [("a.svg", b"<svg"), ("a.png", b"\x89PNG"), ("a.mmd", b"flowchart")]
)
def test_a_plan_is_drawn_into_a_file(terminal: Terminal, name: str, start: bytes) -> None:
    said = terminal.planner("visualize", terminal.file(KEEP), "-o", name)
    assert said.code == 0, said.err
    assert Path(name).read_bytes().startswith(start)


def test_an_unknown_form_is_refused_with_those_there_are(terminal: Terminal) -> None:
    said = terminal.planner("visualize", terminal.file(KEEP), "-o", "a.gif")
    assert said.code == 1 and "PLAN_FORMAT_UNKNOWN" in said.err and ".svg" in said.err


# --- the lockfile ----------------------------------------------------------------------------------


def locked(terminal: Terminal, file: str = "plan.json") -> dict[str, Any]:
    terminal.planner("generate", WORDS, "-o", file)
    found: dict[str, Any] = json.loads((terminal.folder / "plan.lock.json").read_text())
    return found


def test_a_generated_plan_has_a_lockfile_that_holds(terminal: Terminal) -> None:
    lock = locked(terminal)
    assert (lock["created_by"], lock["trust"]) == ("offline", "trusted")
    assert "As locked" in terminal.planner("validate", "plan.json").err
    data = terminal.planner("validate", "plan.json", "--json").data
    assert (data["lock"], data["changes"], data["ir_hash"]) == ("locked", [], lock["ir_hash"])


def test_the_same_plan_in_another_form_is_as_locked(terminal: Terminal) -> None:
    locked(terminal)
    terminal.planner("visualize", "plan.json", "-o", "plan.pipe")
    assert terminal.planner("validate", "plan.pipe", "--json").data["lock"] == "locked"


def test_a_hand_edit_is_seen_and_checked_anew(terminal: Terminal) -> None:
    locked(terminal)
    file = terminal.folder / "plan.json"
    file.write_text(file.read_text().replace("news.md", "old.md"))
    said = terminal.planner("validate", "plan.json")
    assert said.code == 0 and "PLAN_LOCK_BROKEN" in said.err and "checked anew" in said.err


@pytest.mark.parametrize("lock", ["", "{}", '{"ir_hash": 3}'])
def test_a_lockfile_that_is_none_is_said_to_be_so(terminal: Terminal, lock: str) -> None:
    locked(terminal)
    (terminal.folder / "plan.lock.json").write_text(lock)
    data = terminal.planner("validate", "plan.json", "--json").data
    assert data["lock"] == "changed" and data["changes"][0]["code"] == "PLAN_LOCK_FORGED"


def test_only_an_unchanged_plan_of_ours_is_trusted_when_it_runs(terminal: Terminal) -> None:
    words = 'save "hello" to a.txt'
    trusts = []
    for edit in ("hello", "bye"):
        terminal.planner("generate", words, "-o", "plan.json")
        file = terminal.folder / "plan.json"
        file.write_text(file.read_text().replace("hello", edit))
        terminal.planner("execute", "plan.json", "--yes")
        trusts.append(terminal.planner("status", "--json").data["plans"][0]["trust"])
    lock = json.loads((terminal.folder / "plan.lock.json").read_text())
    (terminal.folder / "plan.lock.json").write_text(json.dumps(lock | {"created_by": "me"}))
    terminal.planner("execute", "plan.json", "--yes")
    trusts.append(terminal.planner("status", "--json").data["plans"][0]["trust"])
    assert trusts == ["trusted", "mixed", "untrusted"]


def test_a_plan_of_foreign_tools_is_not_locked(terminal: Terminal) -> None:
    tools = terminal.file([{"id": "search_hotel", "description": "Search hotels"}], "tools.json")
    terminal.planner(
        "generate",
        "search_hotel --city=Paris >> search_hotel",
        "--catalogue",
        tools,
        "-o",
        "p.json",
    )
    assert not (terminal.folder / "p.lock.json").exists()
