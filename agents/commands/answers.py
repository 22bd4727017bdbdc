"""What a planner answered, as data: the same for one request and for many."""

from __future__ import annotations

from typing import Any

from agents.planner.ready import HAND
from agents.planner.session import Outcome
from agents.repairs import mendable
from agents.simpler import Simpler, simpler
from backend.contracts.plans import Checked

WITHOUT_MODEL = "--offline"
STILL_WRONG = (
    "Something in this plan is still wrong; its issues say what. Say it again more simply, one part at a "
    "time."
)


def ways_on(outcome: Outcome, *, model: bool) -> Simpler | None:
    """What can be asked instead of a plan that stays wrong after its repairs, as the chat offers it: a
    simpler one, or, where a `model` made it, the same words planned without one. None where it is not
    wrong."""
    answer, checked = outcome.answer, outcome.checked
    faulty = mendable(checked.issues) if checked is not None and answer.kind == "plan" else []
    if checked is None or not faulty:
        return None
    document = checked.document
    other = simpler(document, faulty, STILL_WRONG) if document else Simpler(STILL_WRONG)
    by_model = model and answer.planner != HAND
    return Simpler(other.text, (*other.choices, *([WITHOUT_MODEL] if by_model else [])))


def as_json(outcome: Outcome, *, model: bool = False) -> dict[str, Any]:
    """{"kind", "plan", "issues", "not_covered", "confidence", "question", "choices"} and more. A question
    may carry the plan as far as it got. `model`: one made the answer; where its plan stays wrong, the
    choices are the ways on, among them "--offline"."""
    answer, checked = outcome.answer, outcome.checked
    trust = "untrusted" if answer.planner == HAND else "trusted"
    plan = dict(answer.document) if answer.document is not None else None
    other = ways_on(outcome, model=model)
    issues = [*outcome.repairs, *(checked.issues if checked else ())]
    return {
        "kind": answer.kind,
        "plan": plan,
        "issues": [issue.model_dump(mode="json") for issue in issues],
        "not_covered": list(answer.not_covered),
        "confidence": round(answer.confidence, 3),
        "question": answer.text if answer.kind == "question" else None,
        "choices": list(other.choices if other else answer.choices),
        "text": other.text if other else answer.text,
        "ir_hash": checked.ir_hash if checked else None,
        "planner": answer.planner,
        "revises": answer.revises,
        "sources": dict(answer.sources),
        "selection": dict(answer.selection),
        "stages": [dict(stage) for stage in answer.stages],
        "trust": trust if answer.kind == "plan" else None,
        "usage": dict(answer.usage),
    }


def usable(checked: Checked | None) -> bool:
    """Right as far as words go: at most a setting of this machine is missing."""
    return checked is not None and checked.ir is not None and not mendable(checked.issues)
