"""Dead letters: seen by whose they are, and tried again when what was in the way is mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from backend.contracts.security import Principal
from tests.api.conftest import PICK, Served, approved, assert_problem


@pytest.fixture
async def mend(served: Served) -> Callable[[], None]:
    """Breaks what decides runs, until it is called."""
    processor: Any = served.system.worker._processor
    decide = processor.decide

    def broken(decider: Any, stream: str, *rest: Any) -> Any:
        if stream.startswith("run:"):
            raise RuntimeError("a fault of ours")
        return decide(decider, stream, *rest)

    processor.decide = broken

    def mended() -> None:
        processor.decide = decide

    return mended


async def reached(served: Served, run_id: str, event_type: str) -> None:
    async for news in served.system.lightning.bus.follow({f"run:{run_id}": None}):
        commits = news[f"run:{run_id}"].commits
        if any(event_type in (c.cause.type, *(e.type for e in c.outputs)) for c in commits):
            return


async def stuck(served: Served, ann: httpx.AsyncClient) -> str:
    run_id = str((await approved(ann, PICK))["run_id"])
    await reached(served, run_id, "run.stalled")
    return run_id


async def test_a_stuck_run_is_tried_again_at_its_owners_word(
    served: Served, ann: httpx.AsyncClient, mend: Callable[[], None]
) -> None:
    run_id = await stuck(served, ann)
    mend()
    assert (await ann.post(f"/api/runs/{run_id}/replay")).status_code == 202
    await reached(served, run_id, "run.completed")
    assert_problem(await ann.post(f"/api/runs/{run_id}/replay"), 409, "EXEC_NOT_STUCK")


async def test_a_dead_letter_is_listed_with_what_went_wrong_and_replayed_by_its_id(
    served: Served, ann: httpx.AsyncClient, mend: Callable[[], None]
) -> None:
    run_id = await stuck(served, ann)
    (letter,) = (await ann.get("/api/dead-letters")).json()["items"]
    assert letter["stream"] == f"run:{run_id}"
    assert letter["event"]["type"] == "plan.execute"
    assert "a fault of ours" in letter["error"]["message"]
    mend()
    id = letter["event"]["id"]
    assert (await ann.post(f"/api/dead-letters/{id}/replay")).status_code == 202
    await reached(served, run_id, "run.completed")
    assert (await ann.get("/api/dead-letters")).json()["items"] == []


async def test_others_see_no_dead_letters_of_mine_but_an_operator_does(
    served: Served, ann: httpx.AsyncClient, mend: Callable[[], None]
) -> None:
    run_id = await stuck(served, ann)
    (mine,) = await served.system.lightning.dead_letters(Principal("ann"))
    id = mine.delivery.event.id
    bob, olga = await served.as_user("bob"), await served.as_user("olga", "user", "operator")
    assert (await bob.get("/api/dead-letters")).json()["items"] == []
    assert_problem(await bob.post(f"/api/dead-letters/{id}/replay"), 404, "EXEC_NOT_FOUND")
    assert_problem(await bob.post(f"/api/runs/{run_id}/replay"), 404, "EXEC_NOT_FOUND")
    (seen,) = (await olga.get("/api/dead-letters")).json()["items"]
    assert seen["event"]["id"] == id
