"""What a called plan asks, shown in the thread of the plan that called it."""

from __future__ import annotations

import uuid

from backend.bootstrap import System
from backend.contracts.plans import TIMED_KINDS
from backend.contracts.security import Principal
from chat_app.follow import Follower
from chat_app.threads import Threads
from tests.chat.test_follow import (  # noqa: F401 - the fixtures are used by their names
    ASK,
    clock,
    follower,
    kept,
    page,
    system,
    threads,
)
from tests.systems import plan

ALICE = Principal("alice")
CALL = {"name": "call", "action": "plan.asking", "args": {}}


async def test_a_called_plan_has_a_card_only_to_ask_and_none_to_approve(
    system: System,  # noqa: F811
    threads: Threads,  # noqa: F811
    follower: Follower,  # noqa: F811
) -> None:
    thread_id = str(uuid.uuid4())
    inner = await system.lightning.propose(ALICE, plan(ASK))
    await system.lightning.save(ALICE, inner.plan_id, "asking")
    assert not TIMED_KINDS & {t.kind for t in inner.document.events}
    with page(thread_id) as here:
        await follower.join(ALICE, thread_id, here.id)
        view = await system.lightning.propose(ALICE, plan(CALL), thread_id=thread_id)
        await here.card("proposed")
        approved = await system.lightning.approve(ALICE, view.plan_id, view.ir_hash)
        asking = await here.card("waiting", kind="run")
        assert asking["props"]["plan"] == inner.plan_id
        state = await system.lightning.run_state(ALICE, str(approved.run_id))
        child = state.steps["call"].child
        await system.lightning.answer(ALICE, child, "ask", "well")
        await here.card("done")
        await here.card("done", kind="run")
    await follower.close()
    cards = {(props["plan"], props["kind"]) for props in await kept(threads, thread_id)}
    assert cards == {(view.plan_id, "plan"), (inner.plan_id, "run")}
