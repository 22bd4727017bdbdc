"""The scripted model of the planning benchmark, and the file that answers are kept in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.planner.model import ModelPlanner
from agents.planner.offline import OfflinePlanner
from backend.contracts.ports import PlanAnswer
from backend.llm import OpenAILLM
from benchmarks.planning.faults import FAULTS, faulty
from benchmarks.planning.kept import Answers, Kept
from benchmarks.planning.requests import written
from benchmarks.planning.scripted import Bench, Model, outcome, right_draft
from tests.scripted_openai import ScriptedOpenAI

ROWS = {row.id: row for row in written("dev")}


@pytest.fixture
def server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


async def scripted(server: ScriptedOpenAI, fault: str, id: str, *, stubborn: bool) -> str:
    rules = OfflinePlanner()
    right = await right_draft(rules, ROWS[id])
    assert right is not None
    first = faulty(fault, right, id) if fault else right
    assert first is not None
    server.rule(Model(right, first, stubborn=stubborn).answer)
    llm = OpenAILLM("gpt-4.1", api_key=server.key, base_url=server.url, retries=0)
    found, _, _ = await outcome(Bench(server, ModelPlanner(llm, rules=rules)), ROWS[id])
    await llm.aclose()
    return found


@pytest.mark.parametrize("id", ["schedule-01", "condition-05", "loop-02", "event-01", "edit-06"])
async def test_a_right_draft_comes_through_unharmed(server: ScriptedOpenAI, id: str) -> None:
    assert await scripted(server, "", id, stubborn=True) == "right"


@pytest.mark.parametrize("fault", ["reference to no step", "step nobody asked for"])
async def test_a_fault_is_mended_by_who_listens_and_never_silent(
    server: ScriptedOpenAI, fault: str
) -> None:
    assert await scripted(server, fault, "schedule-01", stubborn=False) == "right"


@pytest.mark.parametrize("fault", ["reference to no step", "step nobody asked for"])
async def test_what_a_stubborn_model_leaves_is_asked_or_shown(
    server: ScriptedOpenAI, fault: str
) -> None:
    assert await scripted(server, fault, "schedule-01", stubborn=True) in ("asked", "shown")


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_the_same_each_time_and_leaves_the_right_draft_alone(name: str) -> None:
    right = await right_draft(OfflinePlanner(), ROWS["condition-02"])
    assert right is not None
    before = str(right)
    assert faulty(name, right, "7") == faulty(name, right, "7") != right
    assert str(right) == before


async def test_an_answer_that_is_kept_is_not_asked_for_again(tmp_path: Path) -> None:
    answer = PlanAnswer("plan", "Here", {"steps": []}, not_covered=("if it rains",), choices=("A",))
    asked = 0

    async def ask() -> Kept:
        nonlocal asked
        asked += 1
        return Kept("one", answer, 1.5, at_once=True)

    first = await Answers(tmp_path / "kept.jsonl").of("one", ask)
    again = await Answers(tmp_path / "kept.jsonl").of("one", ask)
    assert (first, again, asked) == (again, first, 1)
