"""lightning-planner, command by command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.bootstrap import System
from tests.cli.conftest import Terminal

GO = {"name": "event.go", "kind": "manual"}
KEEP: dict[str, Any] = {
    "plan_name": "keep",
    "description": "Pick and keep",
    "inputs": {"n": {"type": "integer"}, "to": {"type": "string", "default": "out.txt"}},
    "events": [GO],
    "steps": [
        {
            "name": "pick",
            "on": ["event.go"],
            "action": "json.query",
            "args": {"data": {"a": [1, 2, 3]}, "query": "a[1]"},
        },
        {
            "name": "keep",
            "on": ["step.pick"],
            "action": "file.write",
            "args": {"path": "${inputs.to}", "content": "${pick.result} and ${inputs.n}"},
        },
    ],
}


def with_step(**step: Any) -> dict[str, Any]:
    return {
        "plan_name": "one",
        "events": [GO],
        "steps": [{"name": "only", "on": ["event.go"], **step}],
    }


async def plans(system: System) -> list[Any]:
    return (await system.lightning.plans(await system.lightning.users.local_user()))[0]


async def runs(system: System) -> list[Any]:
    return (await system.lightning.runs(await system.lightning.users.local_user()))[0]


# --- generate and validate -------------------------------------------------------------------------


def test_words_become_a_plan_that_is_valid_and_nothing_is_stored(terminal: Terminal) -> None:
    words = "every weekday at 9 read https://example.com/feed.xml and save it to news.md"
    said = terminal.planner("generate", words)
    assert said.code == 0, said.err
    assert said.data["events"][0]["kind"] == "cron"
    assert terminal.planner("validate", terminal.file(said.data)).code == 0
    assert terminal.look(plans) == []


def test_a_plan_can_be_written_to_a_file(terminal: Terminal) -> None:
    words = "read https://example.com/feed.xml and save it to news.md"
    said = terminal.planner("generate", words, "-o", "plan.json")
    assert (said.code, said.out) == (0, "")
    assert terminal.planner("validate", "plan.json").code == 0
    refused = terminal.planner("generate", words, "-o", "no/such/folder.json")
    assert refused.code == 1 and "PLAN_FILE_INVALID" in refused.err


def test_with_json_everything_known_about_the_plan_is_said(terminal: Terminal) -> None:
    words = "read https://example.com/feed.xml and save it to news.md"
    data = terminal.planner("generate", words, "--json", "--timezone", "Asia/Tokyo").data
    assert data["kind"] == "plan" and data["planner"] == "offline"
    assert data["plan"]["steps"] and 0 < data["confidence"] <= 1
    assert data["issues"] == [] or all(i["severity"] != "error" for i in data["issues"])


def test_what_is_no_plan_is_answered_in_words_with_code_3(terminal: Terminal) -> None:
    said = terminal.planner("generate", "hello there")
    assert (said.code, said.out) == (3, "") and said.err.strip()
    assert terminal.planner("generate", "hello there", "--json").data["kind"] != "plan"


def test_errors_are_named_with_their_place_and_a_way_out(terminal: Terminal) -> None:
    file = terminal.file(with_step(action="json.qery", args={"data": 1, "query": "a"}))
    said = terminal.planner("validate", file)
    assert said.code == 1
    assert "steps/0/action" in said.err and "json.query" in said.err
    data = terminal.planner("validate", file, "--json").data
    assert data["ok"] is False and data["issues"][0]["path"] == "steps/0/action"


@pytest.mark.parametrize("content", ["", "{", "NaN", "[[[", '{"a": "\\ud800"}'])
def test_a_file_that_is_not_json_is_said_to_be_so(terminal: Terminal, content: str) -> None:
    said = terminal.planner("validate", terminal.file(content))
    assert said.code == 1 and "PLAN_FILE_INVALID" in said.err


def test_a_file_that_is_not_there_is_wrong_usage(terminal: Terminal) -> None:
    assert terminal.planner("validate", "nothing.json").code == 2
    assert terminal.planner("execute", str(terminal.folder)).code == 2


def test_a_plan_comes_by_a_pipe_too(terminal: Terminal) -> None:
    text = Path(terminal.file(KEEP)).read_text()
    assert terminal.planner("validate", "-", said=text).code == 0


# --- execute ---------------------------------------------------------------------------------------


def test_an_approved_plan_runs_here_and_shows_its_steps(terminal: Terminal) -> None:
    said = terminal.planner("execute", terminal.file(KEEP), "--yes", "-i", "n=4")
    assert said.code == 0, said.err
    assert "pick done" in said.err and "keep done" in said.err
    assert "writes 1 file, out.txt" in said.err
    assert "out.txt" in said.out
    written = terminal.look(lambda system: system.lightning.files.read("local", "out.txt"))
    assert written == b"2 and 4"


def test_it_asks_first_and_a_no_leaves_nothing_behind(terminal: Terminal) -> None:
    file = terminal.file(KEEP)
    for answer in ("n\n", "\n", ""):
        said = terminal.planner("execute", file, "-i", "n=4", said=answer)
        assert said.code == 3 and "Run it?" in said.err
    assert terminal.look(plans) == []
    assert terminal.planner("execute", file, "-i", "n=4", said="y\n").code == 0


def test_the_approval_is_recorded(terminal: Terminal) -> None:
    terminal.planner("execute", terminal.file(KEEP), "-y", "-i", "n=4")
    (plan,) = terminal.look(plans)
    assert (plan.status, plan.decided_by) == ("approved", "local")
    assert plan.decided_at is not None


def test_a_run_that_fails_ends_with_code_1_and_its_error(terminal: Terminal) -> None:
    file = terminal.file(with_step(action="file.read", args={"path": "nothing.txt"}))
    said = terminal.planner("execute", file, "--yes")
    assert said.code == 1
    assert "only failed" in said.err and "EXEC_" in said.err


def test_a_plan_with_errors_or_without_its_inputs_is_not_run(terminal: Terminal) -> None:
    broken = terminal.file(with_step(action="no.tool"), "broken.json")
    assert terminal.planner("execute", broken, "--yes").code == 1
    file = terminal.file(KEEP)
    for given in ([], ["n=four"], ['n="4"'], ["n=4", "m=1"], ["n"], ["=4"]):
        options = [option for pair in given for option in ("-i", pair)]
        said = terminal.planner("execute", file, "--yes", *options)
        assert said.code == 1 and "PLAN_INPUTS_INVALID" in said.err, given
    assert terminal.look(plans) == []


def test_with_json_errors_are_data_too(terminal: Terminal) -> None:
    broken = terminal.file(with_step(action="no.tool"), "broken.json")
    said = terminal.planner("execute", broken, "--yes", "--json")
    assert (said.code, said.data["kind"], said.data["code"]) == (1, "error", "PLAN_HAS_ERRORS")
    assert said.data["issues"][0]["path"] == "steps/0/action"
    assert terminal.planner("status", "nothing", "--json").data["code"] == "EXEC_NOT_FOUND"


def test_inputs_are_options_of_their_own_and_nothing_else_is(terminal: Terminal) -> None:
    file = terminal.file(KEEP)
    for given in (["--n=4"], ["--n", "4", "--to", "out.txt"], ["--n=4", "--to=out.txt"]):
        assert terminal.planner("execute", file, "-y", *given).code == 0, given
        written = terminal.look(lambda system: system.lightning.files.read("local", "out.txt"))
        assert written == b"2 and 4"
    for given in (["--n=4", "--path=/etc/x"], ["--n=4", "--schedule"], ["--n=4", "more"]):
        said = terminal.planner("execute", file, "-y", *given)
        assert said.code == 1 and "PLAN_INPUTS_INVALID" in said.err, given
    assert "Its inputs are n, to" in terminal.planner("execute", file, "-y", "--m=1").err


def test_what_comes_by_a_pipe_is_an_input(terminal: Terminal) -> None:
    document = with_step(
        action="file.write", args={"path": "a.txt", "content": "${inputs.stdin}"}
    ) | {"inputs": {"stdin": {"type": "string"}}}
    file = terminal.file(document)
    assert terminal.planner("execute", file, "-y", said="by pipe").code == 0
    written = terminal.look(lambda system: system.lightning.files.read("local", "a.txt"))
    assert written == b"by pipe"


def test_a_timed_plan_runs_once_and_its_schedule_is_not_set(terminal: Terminal) -> None:
    timed = KEEP | {"events": [{"name": "event.go", "kind": "cron", "schedule": "0 9 * * *"}]}
    said = terminal.planner("execute", terminal.file(timed), "--yes", "-i", "n=1")
    assert said.code == 0 and "once" in said.err

    async def schedules(system: System) -> list[Any]:
        lightning = system.lightning
        return await lightning.schedules(await lightning.users.local_user())

    assert terminal.look(schedules) == []


def test_a_question_nobody_is_there_to_answer_waits(terminal: Terminal) -> None:
    file = terminal.file(with_step(action="human.ask", args={"text": "Well?"}))
    said = terminal.planner("execute", file, "--yes")
    assert said.code == 3 and "Well?" in said.err
    (run,) = terminal.look(runs)
    assert run["status"] == "waiting"


def test_json_is_the_runs_state_and_nothing_else(terminal: Terminal) -> None:
    said = terminal.planner("execute", terminal.file(KEEP), "-y", "-i", "n=4", "--json")
    assert said.data["status"] == "completed"
    assert said.data["steps"]["pick"]["output"] == {"result": 2}


def test_an_operator_acts_for_a_known_user(terminal: Terminal) -> None:
    terminal.look(lambda system: system.lightning.users.register("ann", "correct horse"))
    file = terminal.file(KEEP)
    assert terminal.planner("execute", file, "-y", "-i", "n=4", "--user-id", "ann").code == 0
    assert terminal.look(lambda system: system.lightning.files.read("ann", "out.txt"))
    assert terminal.planner("execute", file, "-y", "-i", "n=4", "--user-id", "eve").code == 1


def test_what_a_plan_says_cannot_drive_the_terminal(terminal: Terminal) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J[bold]\u202e"
    document = KEEP | {"plan_name": "x" + evil, "description": evil}
    said = terminal.planner("execute", terminal.file(document), "-y", "-i", "n=1")
    assert said.code == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(said.err + said.out)
    assert "[bold]" in said.err
    file = terminal.file(document)
    shown = [terminal.planner(*command, file) for command in (["mermaid"], ["pipe"], ["validate"])]
    shown += [terminal.planner("status"), terminal.planner("list-events", "--mine")]
    for each in shown:
        assert not {"\x1b", "\x07", "\u202e"} & set(each.err + each.out)


# --- mermaid and list-tools ------------------------------------------------------------------------


def test_a_plan_is_drawn(terminal: Terminal) -> None:
    said = terminal.planner("mermaid", terminal.file(KEEP))
    assert said.code == 0
    assert said.out.startswith("flowchart") and "json.query" in said.out
    assert terminal.planner("mermaid", terminal.file({"steps": []})).code == 1


def test_tools_are_listed_with_what_they_need(terminal: Terminal) -> None:
    said = terminal.planner("list-tools")
    assert said.code == 0 and "json.query" in said.out and "needs SMTP_HOST" in said.out
    data = terminal.planner("list-tools", "--json").data
    assert {"json.query", "email.send"} <= {tool["id"] for tool in data["tools"]}
    assert data["missing"]["email.send"]
