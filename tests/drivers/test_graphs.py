"""What runs is what was approved, whatever stands in the database by now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend.contracts.errors import NotFound
from backend.contracts.security import Principal
from backend.drivers.runs import Graphs
from tests.systems import plan, working

ALICE = Principal("alice")
NOTE = {"name": "note", "action": "file.write", "args": {"path": "a.txt", "content": "hi"}}


async def test_an_approved_plan_that_was_changed_in_the_database_is_not_run(
    tmp_path: Path,
) -> None:
    async with working(tmp_path) as system:
        store = system.lightning.store
        view = await system.lightning.propose(ALICE, plan(NOTE))
        wanted = (view.plan_id, view.revision, view.ir_hash)
        assert list((await Graphs(store).load(*wanted)).vertices) == ["note"]
        kept = await store.get("revision", f"{view.plan_id}:1", None)
        assert kept is not None and kept.body is not None
        ir = {**kept.body["ir"]}
        ir["nodes"] = [{**ir["nodes"][0], "params": {"path": "b.txt", "content": "mine"}}]
        await store.put(replace(kept, body={**kept.body, "ir": ir}, position=None, etag=None))
        with pytest.raises(NotFound) as refused:
            await Graphs(store).load(*wanted)
        assert refused.value.code == "EXEC_REVISION_CHANGED"
