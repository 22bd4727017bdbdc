"""What is done each minute: lost timers are enqueued again, old runs are forgotten."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from backend.contracts.errors import NotFound
from backend.contracts.planning import PlanningRecord
from backend.drivers import snapshots
from backend.workers.sweep import enqueue_due, prune_runs
from tests.systems import Clock, completed, plan, working

NOTE = {"name": "note", "action": "file.write", "args": {"path": "a.txt", "content": "hi"}}


async def test_a_run_past_its_retention_is_forgotten_and_a_younger_one_kept(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with working(tmp_path, now=clock, retention_days=30) as system:
        lightning = system.lightning
        who = await lightning.users.local_user()
        old = await completed(lightning, who, plan(NOTE))
        clock.advance(days=20)
        young = await completed(lightning, who, plan(NOTE))
        clock.advance(days=11)
        await prune_runs(lightning.bus, lightning.store, clock())
        with pytest.raises(NotFound):
            await lightning.run_state(who, old.run_id)
        assert (await lightning.bus.history(f"run:{old.run_id}")).commits == ()
        assert (await lightning.run_state(who, young.run_id)).status == "completed"
        runs, _ = await lightning.runs(who)
        assert [r["run_id"] for r in runs] == [young.run_id]


async def test_a_forgotten_run_leaves_no_snapshot_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 1)
    clock = Clock()
    async with working(tmp_path, now=clock, retention_days=30) as system:
        lightning = system.lightning
        who = await lightning.users.local_user()
        old = await completed(lightning, who, plan(NOTE))
        key = (snapshots.SNAPSHOT, f"run:{old.run_id}", who.user_id)
        assert await lightning.store.get(*key) is not None
        clock.advance(days=31)
        await prune_runs(lightning.bus, lightning.store, clock())
        assert await lightning.store.get(*key) is None


async def test_planning_sessions_past_their_retention_are_forgotten_at_the_next_start(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with working(tmp_path, now=clock, retention_days=30) as system:
        who = await system.lightning.users.local_user()
        for id in ("old", "young"):
            said = PlanningRecord(id, who.user_id, "do it", clock(), "talk")
            await system.lightning.record(who, said)
            clock.advance(days=20)
    async with working(tmp_path, now=clock, retention_days=30) as system:
        for _ in range(10_000):
            kept, _cursor = await system.lightning.plannings(who)
            if len(kept) == 1:
                break
        assert [record.id for record in kept] == ["young"]


async def test_a_lost_timer_is_enqueued_again_and_fires_once(tmp_path: Path) -> None:
    clock = Clock()
    async with working(tmp_path, now=clock) as system:
        lightning = system.lightning
        who = await lightning.users.local_user()
        daily = {"name": "go", "kind": "cron", "schedule": "0 9 * * *"}
        view = await lightning.propose(who, plan(NOTE, events=[daily]), thread_id="t")
        await lightning.approve(who, view.plan_id, view.ir_hash)
        with contextlib.closing(sqlite3.connect(tmp_path / "lightning.db")) as database:
            database.execute("DELETE FROM messages")
            database.commit()
        clock.advance(days=1)
        for _ in range(3):
            await enqueue_due(lightning.bus, lightning.store, clock())
        async for update in lightning.follow(who, "t"):
            if any(r.status == "completed" for r in update.runs):
                break
        await enqueue_due(lightning.bus, lightning.store, clock())
        assert len((await lightning.runs(who))[0]) == 1
