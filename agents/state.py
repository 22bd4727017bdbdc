"""What a thread's graph remembers between its nodes: JSON, so that a checkpoint can hold it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict

from agents.planner.selection import Selection
from backend.contracts.errors import LightningError
from backend.contracts.plans import Catalogue
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.contracts.security import Principal

ReplyKind = Literal["plan", "question", "refusal", "talk", "manage", "error"]
HISTORY = 12
MAX_WORDS = 2_000


class Message(TypedDict):
    """What the person said now. `turn` is its id; `now` ISO, in UTC."""

    turn: str
    text: str
    timezone: str
    now: str


class Said(TypedDict):
    """A reply, as kept: `plan_id` names its plan."""

    kind: ReplyKind
    text: str
    choices: list[str]
    plan_id: str | None


class Failure(TypedDict):
    """Why there is no answer."""

    code: str
    message: str


class ThreadState(TypedDict, total=False):
    """`request` is what is being answered (the message, or the earlier one tried again); `document`
    the open plan as it stands; `plan_id` of the last plan made here; `waiting` while its proposal
    waits for a decision; `asked` the request that an open question is about."""

    message: Message
    request: str
    planner: str
    history: list[dict[str, str]]
    plan_id: str | None
    waiting: bool
    document: dict[str, Any] | None
    candidates: list[str]
    selection: dict[str, Any]
    answer: dict[str, Any] | None
    issues: list[dict[str, Any]]
    repairs: int
    mended: list[dict[str, Any]]
    failure: Failure | None
    asked: str
    said: Said | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn knows beside the state. Never checkpointed: rights are looked at anew. `stages` are
    those that have ended in it; `began` is a reading of `time.perf_counter`."""

    who: Principal
    thread_id: str
    stages: list[dict[str, Any]] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)


def plan_request(state: ThreadState, user_id: str, catalogue: Catalogue) -> PlanRequest:
    message = state["message"]
    return PlanRequest(
        text=state["request"],
        user_id=user_id,
        timezone=message["timezone"],
        now=datetime.fromisoformat(message["now"]),
        catalogue=catalogue,
        previous=state.get("document"),
        history=tuple(state.get("history", ())),
    )


def answer_to_state(answer: PlanAnswer) -> dict[str, Any]:
    return asdict(answer)


def answer_from_state(kept: Mapping[str, Any]) -> PlanAnswer:
    sequences = {name: tuple(kept[name]) for name in ("not_covered", "choices", "stages")}
    return PlanAnswer(**{**kept, **sequences})


def selection_to_state(selection: Selection) -> dict[str, Any]:
    return asdict(selection)


def selection_from_state(kept: Mapping[str, Any]) -> Selection:
    return Selection(**{**kept, **{name: tuple(kept[name]) for name in ("tools", "choices")}})


def failed(error: LightningError, code: str = "") -> ThreadState:
    failure: Failure = {"code": code or error.code, "message": error.message}
    return {"failure": failure, "answer": None}


def remembered(
    history: Sequence[Mapping[str, str]], *turns: tuple[str, str]
) -> list[dict[str, str]]:
    """`history` with (role, words) added, bounded."""
    added = [{"role": role, "content": words[:MAX_WORDS]} for role, words in turns if words]
    return [*(dict(turn) for turn in history), *added][-HISTORY:]
