"""A model's answer beside that of the planner without one: the more sure where both say the same; where
they differ, that is said and the other way offered."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agents.planner.lexicon import WORDS
from backend.contracts.ports import PlanAnswer, PlanRequest

_ROOT = re.compile(r"\$\{\s*([A-Za-z_]\w*)")
_VALUE = re.compile(r"\d+(?:\.\d+)?|\"[^\"]*\"|'[^']*'")
PLAN_OFFLINE = "Plan offline"
SURE = 0.85  # of the rules, over tools that they have words for
SURE_OF_OTHERS = 0.5  # over other tools: the chance that they are exactly right
AGREED, DIFFERED, ALONE = 0.95, 0.5, 0.7


def agreed(drafted: PlanAnswer, ruled: PlanAnswer, request: PlanRequest) -> PlanAnswer:
    """`drafted`, by a model, held beside `ruled`."""
    known = sure(ruled, request) or (drafted.kind == "plan" and hangs_on_more(ruled, drafted))
    if drafted.kind != "plan":
        other = (*drafted.choices, PLAN_OFFLINE) if known else drafted.choices
        return replace(drafted, choices=other)
    drafted = _renamed(drafted, ruled)
    if same_work(drafted.document, ruled.document) and says_all(drafted.document, ruled):
        return _with(drafted, AGREED)
    if not known:
        return _with(drafted, ALONE)
    purpose = str((ruled.document or {}).get("description", "")).strip()
    remark = f"Planned without the model it would be: {purpose}"
    text = " ".join(filter(None, [drafted.text, remark]))
    return replace(_with(drafted, DIFFERED), text=text, choices=(PLAN_OFFLINE,))


def sure(ruled: PlanAnswer, request: PlanRequest) -> bool:
    """Whether the rules have a plan that accounts for every word."""
    if ruled.kind != "plan" or ruled.not_covered:
        return False
    own = WORDS.keys() & request.catalogue.tools.keys()
    return ruled.confidence >= (SURE if own else SURE_OF_OTHERS)


def hangs_on_more(ruled: PlanAnswer, drafted: PlanAnswer) -> bool:
    """Whether the rules find a condition in the words and the draft has none at all."""
    return _conditional(ruled.document) and not _conditional(drafted.document)


def says_all(document: Mapping[str, Any] | None, ruled: PlanAnswer) -> bool:
    """Whether each value that the rules take from the person's words is somewhere in a document."""
    told = _plain([step.get("args", {}) for step in (document or {}).get("steps", ())])
    for step in (ruled.document or {}).get("steps", ()):
        for name, value in step.get("args", {}).items():
            said = ruled.sources.get(f"{step['name']}.{name}") == "said"
            if said and not isinstance(value, bool) and _plain(value) not in told:
                return False
    flows = _flows(document or {})
    return all(
        sources & flows.get(place, sources)
        for place, sources in _flows(ruled.document or {}).items()
    )


def same_work(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two documents do the same: by tools, by what starts them, by what hangs on conditions."""
    return one is not None and other is not None and bool(_work(one) == _work(other))


def _renamed(drafted: PlanAnswer, ruled: PlanAnswer) -> PlanAnswer:
    """With the name that the words give the plan, which a draft cannot say."""
    if not (drafted.revises and ruled.revises and drafted.document and ruled.document):
        return drafted
    return replace(drafted, document={**drafted.document, "plan_name": ruled.document["plan_name"]})


def _flows(document: Mapping[str, Any]) -> dict[tuple[str, str], set[str]]:
    """By tool and argument, the tools whose results are used there."""
    tools = {step["name"]: step["action"] for step in document.get("steps", ())}
    found: dict[tuple[str, str], set[str]] = {}
    for step in document.get("steps", ()):
        for name, value in step.get("args", {}).items():
            used = {tools[root] for root in _ROOT.findall(str(value)) if root in tools}
            if used:
                found.setdefault((step["action"], name), set()).update(used)
    return found


def _conditional(document: Mapping[str, Any] | None) -> bool:
    steps = (document or {}).get("steps", ())
    return any(s.get("guard") or any(on.endswith(".error") for on in s["on"]) for s in steps)


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.lower().split()).strip('[]" ')


def _with(answer: PlanAnswer, confidence: float) -> PlanAnswer:
    told = {**answer.selection, "confidence": confidence}
    return replace(answer, confidence=confidence, selection=told)


def _work(document: Mapping[str, Any]) -> Any:
    steps = document.get("steps", ())
    starts = [
        sorted((k, str(v)) for k, v in event.items() if k not in ("name", "timezone", "anchor"))
        for event in document.get("events", ())
    ]
    return (
        Counter(step["action"] for step in steps),
        sorted(starts),
        any(step.get("guard") for step in steps),
        {
            value.strip("\"'").lower()
            for step in steps
            for value in _VALUE.findall(step.get("guard") or "")
        }
        - {"", "0"},
        any(step.get("for_each") for step in steps),
    )
