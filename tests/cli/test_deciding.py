"""Setting plans up, approving and rejecting them, and looking at what there is."""

from __future__ import annotations

from typing import Any

import pytest

from backend.bootstrap import System
from tests.cli.conftest import Terminal
from tests.cli.test_planner import KEEP

DAILY: dict[str, Any] = KEEP | {
    "plan_name": "keep daily",
    "events": [
        {"name": "event.go", "kind": "cron", "schedule": "0 9 * * *", "timezone": "Asia/Tokyo"}
    ],
}
HEARD: dict[str, Any] = KEEP | {
    "plan_name": "keep heard",
    "events": [{"name": "event.go", "kind": "event", "type": "mail.*"}],
}


def propose(terminal: Terminal, document: dict[str, Any]) -> str:
    async def proposing(system: System) -> str:
        lightning = system.lightning
        async with system.working():
            view = await lightning.propose(await lightning.users.local_user(), document)
        return view.plan_id

    found: str = terminal.look(proposing)
    return found


async def schedules(system: System) -> list[Any]:
    lightning = system.lightning
    return await lightning.schedules(await lightning.users.local_user())


# --- setup -----------------------------------------------------------------------------------------


def test_a_plan_with_a_time_is_set_up_and_waits(terminal: Terminal) -> None:
    said = terminal.planner("setup", terminal.file(DAILY), "--yes", "--n=4", "--json")
    assert (said.data["status"], said.data["timezone"]) == ("scheduled", "Europe/Paris")
    assert "Every day at 09:00" in said.err and "writes 1 file, out.txt" in said.err
    (schedule,) = terminal.look(schedules)
    assert (schedule.status, schedule.timezone) == ("active", "Asia/Tokyo")
    assert terminal.planner("status", "--json").data["runs"] == []


def test_setting_up_asks_first_and_a_no_leaves_nothing_behind(terminal: Terminal) -> None:
    for answer in ("n\n", ""):
        said = terminal.planner("setup", terminal.file(DAILY), "--n=4", said=answer)
        assert said.code == 3 and "Set it up?" in said.err
    assert terminal.planner("status", "--json").data["plans"] == []


def test_a_plan_that_waits_for_events_is_set_up_too(terminal: Terminal) -> None:
    assert terminal.planner("setup", terminal.file(HEARD), "-y", "--n=1").code == 0
    (mine,) = terminal.planner("list-events", "--mine", "--json").data["mine"]
    assert (mine["plan"], mine["triggers"][0]["type"]) == ("keep heard", "mail.*")
    assert "When “mail.*” happens" in terminal.planner("list-events", "--mine").out


def test_there_is_nothing_to_set_up_in_a_plan_started_by_hand(terminal: Terminal) -> None:
    said = terminal.planner("setup", terminal.file(KEEP), "--yes", "--n=1")
    assert said.code == 1 and "PLAN_NOTHING_TO_SET_UP" in said.err and "execute" in said.err


# --- approve and reject ----------------------------------------------------------------------------


def test_approving_a_proposal_runs_it_and_shows_it_to_its_end(terminal: Terminal) -> None:
    plan_id = propose(terminal, KEEP)
    said = terminal.planner("approve", plan_id, "--yes", "--n=4")
    assert said.code == 0 and "keep done" in said.err
    assert terminal.planner("status", plan_id, "--json").data["status"] == "approved"


def test_approving_asks_first_and_the_proposal_waits_on_after_a_no(terminal: Terminal) -> None:
    plan_id = propose(terminal, KEEP)
    assert terminal.planner("approve", plan_id, "--n=4", said="n\n").code == 3
    assert terminal.planner("status", plan_id, "--json").data["status"] == "proposed"


def test_the_beginning_of_an_id_is_enough_if_it_is_the_only_one(terminal: Terminal) -> None:
    plan_id = propose(terminal, DAILY)
    assert terminal.planner("approve", plan_id[:8], "--yes", "--n=4").code == 0
    assert terminal.planner("status", plan_id[:3]).code == 1


def test_a_proposal_is_turned_down_once_with_its_reason(terminal: Terminal) -> None:
    plan_id = propose(terminal, KEEP)
    said = terminal.planner("reject", plan_id, "--reason", "not today", "--json")
    assert (said.data["status"], said.data["reason"]) == ("rejected", "not today")
    again = terminal.planner("reject", plan_id)
    assert again.code == 1 and "PLAN_NOT_OPEN" in again.err
    assert terminal.planner("approve", plan_id, "--yes").code == 1


@pytest.mark.parametrize("command", ["approve", "reject", "status"])
def test_an_unknown_id_is_not_found(terminal: Terminal, command: str) -> None:
    said = terminal.planner(command, "0" * 32)
    assert said.code == 1 and "EXEC_NOT_FOUND" in said.err


def test_a_plan_of_somebody_else_is_not_found(terminal: Terminal) -> None:
    plan_id = propose(terminal, KEEP)
    terminal.look(lambda system: system.lightning.users.register("ann", "correct horse"))
    for command in ("approve", "reject", "status"):
        assert terminal.planner(command, plan_id, "--user-id", "ann").code == 1
    assert terminal.planner("status", plan_id, "--json").data["status"] == "proposed"


# --- looking ---------------------------------------------------------------------------------------


def test_status_shows_schedules_plans_and_runs(terminal: Terminal) -> None:
    assert "Nothing yet" in terminal.planner("status").out
    terminal.planner("setup", terminal.file(DAILY), "-y", "--n=1")
    terminal.planner("execute", terminal.file(KEEP), "-y", "--n=1")
    said = terminal.planner("status")
    assert said.code == 0
    for words in ("Schedules", "Plans", "Runs", "keep daily", "scheduled", "completed"):
        assert words in said.out
    data = terminal.planner("status", "--json").data
    assert (len(data["plans"]), len(data["runs"]), len(data["schedules"])) == (2, 1, 1)


def test_a_run_is_shown_with_its_steps(terminal: Terminal) -> None:
    terminal.planner("execute", terminal.file(KEEP), "-y", "--n=1")
    (run,) = terminal.planner("status", "--json").data["runs"]
    said = terminal.planner("status", run["run_id"][:10])
    assert said.code == 0 and "completed" in said.out and "json.query" in said.out
    whole = terminal.planner("status", run["run_id"], "--json").data
    assert whole["steps"]["pick"]["status"] == "done"


def test_events_are_listed_with_who_may_send_them(terminal: Terminal) -> None:
    events = {e["type"]: e for e in terminal.planner("list-events", "--json").data["events"]}
    assert events["plan.approve"]["sender"] == "you"
    assert events["plan.proposed"]["sender"] == "lightning"
    said = terminal.planner("list-events")
    assert said.code == 0 and "run.cancel" in said.out


def test_an_effect_is_explained_back_to_what_was_said(terminal: Terminal) -> None:
    terminal.planner("execute", terminal.file(KEEP), "-y", "--n=1")
    (run,) = terminal.planner("status", "--json").data["runs"]
    said = terminal.planner("explain", f"{run['run_id'][:10]}:keep")
    assert said.code == 0 and "writes 1 file, out.txt" in said.out
    assert "← written by hand" in said.out
    links = terminal.planner("explain", run["run_id"], "--json").data["links"]
    assert {"run", "approval"} <= {link["kind"] for link in links}
    assert terminal.planner("explain", "nothing").code == 1
