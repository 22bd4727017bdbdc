"""A turn's planning session, as the record that is kept of it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime

from agents.state import ThreadState, Turn, answer_from_state
from backend.contracts.errors import LightningError
from backend.contracts.planning import PlanningRecord
from backend.contracts.views import PlanView
from backend.lightning.sessions import answered, proposed

MOST = 500  # characters kept of what was wrong


def session(state: ThreadState, turn: Turn, view: PlanView | None = None) -> PlanningRecord:
    """The session of the message in `state`, as far as it has come; `view` is what was proposed of it.

    Of a turn that a restart interrupted the stages before it are known only where a proposal kept
    them.
    """
    message, failure = state["message"], state.get("failure")
    said, kept = state.get("said"), state.get("answer")
    took = round((time.perf_counter() - turn.began) * 1000, 1)
    stages = tuple(turn.stages) or tuple(view.provenance.get("stages", ()) if view else ())
    record = PlanningRecord(
        id=message["turn"],
        owner=turn.who.user_id,
        request=state.get("request", message["text"]),
        started_at=datetime.fromisoformat(message["now"]),
        outcome="error",
        planner=state.get("planner", ""),
        thread_id=turn.thread_id,
        duration_ms=took,
        stages=stages,
        code=LightningError.code,
    )
    if failure is not None:
        return replace(record, code=failure["code"])
    if kept is None:
        return record
    mended = tuple(
        {name: str(issue.get(name, ""))[:MOST] for name in ("code", "path", "message")}
        for issue in state.get("mended", ())
    )
    answer = answer_from_state(kept)
    record = answered(record, answer, duration_ms=took, stages=stages, repairs=mended)
    record = replace(record, code="", outcome=said["kind"] if said else answer.kind)
    return proposed(record, view) if view else record
