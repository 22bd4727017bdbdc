"""Phrases as times, said in the terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Terminal

NOW = ("--now", "2026-11-23T08:00:00", "--zone", "Europe/Paris")


def test_a_phrase_is_told_with_its_next_firings(terminal: Terminal) -> None:
    said = terminal.planner("when", "every weekday at 9", *NOW)
    assert said.code == 0
    assert "Weekdays at 09:00" in said.out and "Mon 23 Nov 2026" in said.out


def test_json_is_the_time_as_data(terminal: Terminal) -> None:
    data = terminal.planner("when", "every weekday at 9", *NOW, "--json").data
    assert (data["kind"], data["cron"], data["zone"]) == ("cron", ["0 9 * * 1-5"], "Europe/Paris")
    assert data["next"][0] == "2026-11-23T09:00:00+01:00" and len(data["next"]) == 5


def test_a_moment_with_an_offset_is_taken_as_it_is(terminal: Terminal) -> None:
    words = ("when", "in two hours", "--now", "2026-11-23T08:00:00Z", "--zone", "Asia/Tokyo")
    assert terminal.planner(*words, "--json").data["at"] == "2026-11-23T19:00:00+09:00"


def test_what_is_no_time_is_refused_with_code_3(terminal: Terminal) -> None:
    for words in ("at 25 o'clock", "soonish", ""):
        said = terminal.planner("when", words, *NOW)
        assert (said.code, said.out) == (3, "") and said.err.strip()
        assert terminal.planner("when", words, *NOW, "--json").data["kind"] == "refused"
    assert terminal.planner("when", "noon", "--zone", "Mars/Base").code == 3
    assert terminal.planner("when", "noon", "--now", "then").code == 2


def test_the_zone_is_the_configured_one_where_none_is_said(terminal: Terminal) -> None:
    data = terminal.planner("when", "every day at noon", "--json").data
    assert data["zone"] == "Europe/Paris"


def test_it_starts_without_the_database_the_tools_or_the_settings() -> None:
    heavy = "{'sqlalchemy', 'httpx', 'pydantic_settings', 'openai', 'wordllama', 'backend.tools'}"
    code = f"""
import sys
from agents.cli import app
try:
    app(["when", "every day at noon", "--zone", "Asia/Tokyo", "--json"])
except SystemExit:
    pass
print(sorted({heavy} & set(sys.modules)), file=sys.stderr)
"""
    root = Path(__file__).parents[2]
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=root)
    assert done.stderr.strip() == "[]"
