"""What a planner answered, as data: the same for one request and for many."""

from __future__ import annotations

from typing import Any

from agents.planner.ready import HAND
from agents.planner.session import Outcome
from agents.repairs import mendable
from backend.contracts.plans import Checked


def as_json(outcome: Outcome) -> dict[str, Any]:
    """{"kind", "plan", "issues", "not_covered", "confidence", "question", "choices"} and more. A question
    may carry the plan as far as it got."""
    answer, checked = outcome.answer, outcome.checked
    trust = "untrusted" if answer.planner == HAND else "trusted"
    plan = dict(answer.document) if answer.document is not None else None
    issues = [*outcome.repairs, *(checked.issues if checked else ())]
    return {
        "kind": answer.kind,
        "plan": plan,
        "issues": [issue.model_dump(mode="json") for issue in issues],
        "not_covered": list(answer.not_covered),
        "confidence": round(answer.confidence, 3),
        "question": answer.text if answer.kind == "question" else None,
        "choices": list(answer.choices),
        "text": answer.text,
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
