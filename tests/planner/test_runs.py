"""Plans of the offline planner, run: what a sentence said really happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.planner.offline import OfflinePlanner
from backend.bootstrap import System
from backend.contracts.plans import Catalogue
from backend.contracts.ports import PlanRequest
from backend.contracts.runs import RunState
from backend.contracts.security import Principal
from backend.tools.builtin import builtin
from tests.systems import until, working
from tests.web import Site

from .conftest import NOW

ANN = Principal("ann")
CATALOGUE = Catalogue({tool.spec.id: tool.spec for tool in builtin()}, hash="shipped")


async def planned(said: str) -> dict[str, Any]:
    answer = await OfflinePlanner().plan(PlanRequest(said, "ann", "UTC", NOW, CATALOGUE))
    assert answer.kind == "plan" and answer.document is not None, answer
    assert answer.not_covered == ()
    # by hand, so that a test need not wait for an hour to come
    steps = [
        {**s, "on": ["go" if o.startswith("event.") else o for o in s["on"]]}
        for s in answer.document["steps"]
    ]
    return {**answer.document, "events": [{"name": "go", "kind": "manual"}], "steps": steps}


async def ran(system: System, plan_id: str) -> RunState:
    run_id = await system.lightning.run(ANN, plan_id)
    return await until(system.lightning, ANN, run_id, "completed", "failed", "cancelled")


async def test_a_page_is_told_only_when_it_changed(tmp_path: Path) -> None:
    with Site() as site:
        site.answer(
            "/a",
            b"<html><body><p>Open on Monday, all day.</p></body></html>",
            content_type="text/html",
        )
        said = f"every hour read {site.url('/a')} and save it to a.md if it changed"
        async with working(tmp_path) as system:
            view = await system.lightning.propose(ANN, await planned(said))
            approved = await system.lightning.approve(ANN, view.plan_id, view.ir_hash)
            assert approved.run_id is not None
            first = await until(system.lightning, ANN, approved.run_id, "completed", "failed")
            assert (first.status, first.steps["save"].status) == ("completed", "skipped")
            same = await ran(system, view.plan_id)
            assert (same.status, same.steps["save"].status) == ("completed", "skipped")
            site.answer(
                "/a",
                b"<html><body><p>Closed on Monday, all day.</p></body></html>",
                content_type="text/html",
            )
            third = await ran(system, view.plan_id)
            assert (third.status, third.steps["save"].status) == ("completed", "done")
            again = await ran(system, view.plan_id)
            assert again.steps["save"].status == "skipped"


@pytest.mark.parametrize(
    ("said", "file", "holds"),
    [
        ("for each entry of {feed} append the title to t.txt", "t.txt", "A quieter engine"),
        ("save the titles of {feed} to t.txt", "t.txt", "Comments are open"),
        ("save the posts about ferries in {feed} to t.txt", "t.txt", "A quieter engine"),
        ('get {gone} and if that fails save "it is gone" to t.txt', "t.txt", "it is gone"),
        ('if {feed} mentions ferries or trains, save "ahoy" to t.txt', "t.txt", "ahoy"),
        ("count the entries of {feed} and save the result to t.txt", "t.txt", "count: 3"),
    ],
)
async def test_what_was_said_happens(tmp_path: Path, said: str, file: str, holds: str) -> None:
    with Site() as site:
        text = said.format(feed=site.url("/feed.xml"), gone=site.url("/status/404"))
        async with working(tmp_path) as system:
            view = await system.lightning.propose(ANN, await planned(text))
            approved = await system.lightning.approve(ANN, view.plan_id, view.ir_hash)
            assert approved.run_id is not None
            state = await until(system.lightning, ANN, approved.run_id, "completed", "failed")
            assert state.status == "completed", state.steps
    (kept,) = tmp_path.rglob(file)  # noqa: ASYNC240
    assert holds in kept.read_text()
