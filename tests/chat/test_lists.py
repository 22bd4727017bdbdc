"""What the commands answer: tables that lead to their threads, and never markup of others."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.bootstrap import System
from backend.contracts.security import Principal
from chat_app.lists import Lists
from tests.systems import plan, until, working

ALICE, BOB = Principal("alice"), Principal("bob")
NOTE = {"name": "note", "action": "file.write", "args": {"path": "a.txt", "content": "hello"}}


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with working(tmp_path) as system:
        yield system


async def test_each_run_leads_to_its_thread_and_is_its_owners_alone(system: System) -> None:
    lists, thread_id = Lists(system.lightning), str(uuid.uuid4())
    document = {**plan(NOTE), "plan_name": "keep | <b>it</b>"}
    view = await system.lightning.propose(ALICE, document, thread_id=thread_id)
    approved = await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
    await until(system.lightning, ALICE, str(approved.run_id), "completed")
    runs = await lists.runs(ALICE, "Europe/Paris")
    row = next(line for line in runs.splitlines() if "/thread/" in line)
    assert f"](/thread/{thread_id}) | done | today" in row
    assert "keep \\| \\<b\\>it" in row
    assert "/thread/" in await lists.plans(ALICE, "Europe/Paris")
    assert "Nothing has run yet" in await lists.runs(BOB, "Europe/Paris")
    assert "no plans yet" in await lists.plans(BOB, "Europe/Paris")


async def test_a_schedule_says_when_it_is_next(system: System) -> None:
    daily = {"name": "go", "kind": "cron", "schedule": "0 9 * * *", "timezone": "Europe/Paris"}
    document = {**plan(NOTE), "events": [daily]}
    view = await system.lightning.propose(ALICE, document)
    await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
    assert "09:00 |" in await Lists(system.lightning).schedules(ALICE, "Europe/Paris")
    assert "Nothing is scheduled" in await Lists(system.lightning).schedules(BOB, "Europe/Paris")


async def test_a_tool_that_lacks_a_setting_says_which(system: System) -> None:
    assert "SMTP" in await Lists(system.lightning).tools(ALICE, "UTC")
