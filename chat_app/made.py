"""How a plan came about, as its card tells it: who planned it, from which words, why so, and as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from backend.contracts.errors import Invalid
from backend.contracts.plans import PlanDocument
from backend.contracts.views import PlanView
from backend.plans.pipe import to_pipe
from chat_app.results import cut, without_secrets

MOST_TEXT, MOST_STEPS = 6_000, 40
OFFLINE = "Planned offline. Add a model for open-ended requests."
TRUST = {
    "trusted": "It is exactly what the planner made.",
    "mixed": "It was changed since, and checked anew in full.",
    "untrusted": "It was written by hand, and checked in full.",
}


def made(view: PlanView) -> dict[str, Any]:
    """`line` says it in one; `text` is the plan in pipe syntax, or as JSON where that cannot say it, without
    its secrets, and empty when it is too long to be read."""
    selection, usage = view.provenance.get("selection", {}), view.provenance.get("usage", {})
    return {
        "line": _line(view),
        "said": cut(view.request, 400),
        "why": cut(str(selection.get("reason", "")), 300),
        "mended": _mended(view.provenance.get("repairs", ())),
        "cost": _cost(usage),
        "trust": TRUST[view.trust],
        **_text(view),
    }


def _mended(repairs: Iterable[Any]) -> list[str]:
    """What was wrong, each said once. Early revisions kept only codes, which tell a person nothing."""
    told = [issue["message"] for issue in repairs if isinstance(issue, Mapping)]
    said = dict.fromkeys(cut(str(words), 200) for words in told if words)
    return list(said)[:8]


def _line(view: PlanView) -> str:
    if view.origin == "hand" or not view.planner:
        return "Written by you."
    if view.origin == "edited":
        by = "offline" if view.planner == "offline" else f"by {cut(view.planner, 60)}"
        return f"Planned {by}, changed by you."
    return OFFLINE if view.planner == "offline" else f"Planned by {cut(view.planner, 60)}."


def _cost(usage: Any) -> str:
    calls = usage.get("calls", 0)
    if not calls:
        return ""
    asked = "1 question to the model" if calls == 1 else f"{calls} questions to the model"
    spent = usage.get("cost_usd", 0.0)
    return f"{asked}, ${spent:.4f}" if spent else asked


def _text(view: PlanView) -> dict[str, str]:
    if len(view.document.steps) > MOST_STEPS:
        return {"syntax": "pipe", "text": ""}
    document = view.document.model_dump(mode="json", exclude_defaults=True)
    document["events"] = without_secrets(document.get("events", []))
    for step in document["steps"]:
        step["args"] = without_secrets(step.get("args", {}))
    try:
        syntax, text = "pipe", to_pipe(PlanDocument.model_validate(document))
    except Invalid:
        syntax, text = "json", json.dumps(document, ensure_ascii=False, indent=2)
    return {"syntax": syntax, "text": text if len(text) <= MOST_TEXT else ""}
