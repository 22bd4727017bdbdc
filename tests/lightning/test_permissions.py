"""What an installation forbids or always asks about: at the plan, at approval, and at the step."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.contracts.errors import Conflict, Invalid
from backend.contracts.security import Principal
from tests.systems import completed, plan, until, working

ANN = Principal("ann")
KEEP = {
    "name": "keep",
    "action": "file.write",
    "args": {"path": "a.txt", "content": "hello"},
}


async def test_a_plan_with_a_denied_tool_cannot_be_approved(tmp_path: Path) -> None:
    async with working(tmp_path, denied_tools="email.*, file.wr*") as system:
        view = await system.lightning.propose(ANN, plan(KEEP))
        issue = next(i for i in view.issues if i.severity == "error")
        assert (issue.code, "DENIED_TOOLS" in issue.message) == ("PLAN_TOOL_FORBIDDEN", True)
        with pytest.raises(Invalid):
            await system.lightning.approve(ANN, view.plan_id, view.ir_hash)


async def test_what_was_forbidden_after_its_approval_does_not_run(tmp_path: Path) -> None:
    async with working(tmp_path) as system:
        state = await completed(system.lightning, ANN, plan(KEEP))
        assert state.status == "completed"
    async with working(tmp_path, denied_tools="file.write") as system:
        run = await system.lightning.run(ANN, state.plan_id)
        again = await until(system.lightning, ANN, run, "completed", "failed")
        assert again.status == "failed"
        assert again.steps["keep"].error["code"] == "EXEC_TOOL_FORBIDDEN"  # type: ignore[index]


async def test_what_must_ask_since_its_approval_does_not_run_unasked(tmp_path: Path) -> None:
    async with working(tmp_path) as system:
        state = await completed(system.lightning, ANN, plan(KEEP))
    async with working(tmp_path, gated_tools="file.write") as system:
        run = await system.lightning.run(ANN, state.plan_id)
        again = await until(system.lightning, ANN, run, "completed", "failed")
        assert again.steps["keep"].error["code"] == "EXEC_GATE_MISSING"  # type: ignore[index]


async def test_a_tool_that_always_asks_needs_a_gate_in_the_plan(tmp_path: Path) -> None:
    async with working(tmp_path, gated_tools="file.*") as system:
        lightning = system.lightning
        bare = await lightning.propose(ANN, plan(KEEP))
        issue = next(i for i in bare.issues if i.severity == "error")
        assert issue.code == "PLAN_APPROVAL_REQUIRED"
        assert issue.fix is not None and issue.fix.value == "required"
        gated = await lightning.propose(ANN, plan({**KEEP, "approval": "required"}))
        approved = await lightning.approve(ANN, gated.plan_id, gated.ir_hash)
        assert approved.run_id is not None
        assert (await until(lightning, ANN, approved.run_id, "waiting")).status == "waiting"
        await lightning.answer(ANN, approved.run_id, "keep", "allow")
        done = await until(lightning, ANN, approved.run_id, "completed", "failed")
        assert done.status == "completed"


async def test_a_plan_above_the_budget_cannot_be_approved(tmp_path: Path) -> None:
    write = {"name": "write", "action": "llm.complete", "args": {"prompt": "a poem"}}
    async with working(
        tmp_path, plan_budget_usd=0, openai_base_url="http://127.0.0.1:1/v1"
    ) as system:
        view = await system.lightning.propose(ANN, plan(write))
        assert "PLAN_OVER_BUDGET" in {i.code for i in view.issues}
        with pytest.raises((Invalid, Conflict)):
            await system.lightning.approve(ANN, view.plan_id, view.ir_hash)
