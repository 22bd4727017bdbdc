"""What was planned in the terminal, written to a file and run from there is explained by its sentence."""

from __future__ import annotations

import re

from tests.cli.conftest import Terminal

SAID = "write “hello” to a.txt"


def ran(terminal: Terminal, *args: str) -> str:
    done = terminal.planner("execute", "plan.json", "--yes", *args)
    found = re.search(r"Run ([0-9a-f]{32})", done.err)
    assert done.code == 0 and found, done.err
    return found[1]


def kinds(terminal: Terminal, id: str) -> tuple[list[str], str]:
    found = terminal.planner("explain", id, "--json").data
    return [link["kind"] for link in found["links"]], found["links"][-1]["words"]


def test_a_run_of_a_generated_file_leads_back_to_the_words(terminal: Terminal) -> None:
    assert terminal.planner("generate", SAID, "-o", "plan.json").code == 0
    chain, last = kinds(terminal, ran(terminal))
    assert chain == ["run", "approval", "planning", "request"]
    assert last == f"you said: “{SAID}”"


def test_a_file_edited_by_hand_is_not_what_was_planned(terminal: Terminal) -> None:
    assert terminal.planner("generate", SAID, "-o", "plan.json").code == 0
    plan = terminal.folder / "plan.json"
    plan.write_text(plan.read_text().replace("hello", "goodbye"))
    chain, last = kinds(terminal, ran(terminal))
    assert chain == ["run", "approval", "revision", "planning", "request"]
    assert last == f"you said: “{SAID}”"


def test_a_lockfile_of_somebody_elses_making_brings_no_words(terminal: Terminal) -> None:
    assert terminal.planner("generate", SAID, "-o", "plan.json").code == 0
    lock = terminal.folder / "plan.lock.json"
    lock.write_text(lock.read_text().replace('"offline"', '"another"'))
    chain, last = kinds(terminal, ran(terminal))
    assert chain == ["run", "approval", "revision", "request"]
    assert "execute plan.json" in last


def test_a_plan_that_is_only_shown_is_not_recorded(terminal: Terminal) -> None:
    assert terminal.planner("generate", SAID).code == 0
    assert not (terminal.folder / "data" / "lightning.db").exists()
