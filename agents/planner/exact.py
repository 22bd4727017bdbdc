"""The answer for a request that is a saved plan: that plan's own document, with what was said in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.planner import schema
from agents.planner.match import Match
from agents.planner.questions import time_question
from agents.planner.remarks import remarks
from agents.planner.shipped import is_template, shipped
from agents.planner.times import Refused, When
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.contracts.tools import ToolSpec

SAID, DEFAULT, SAVED = "said", "default", "saved"
_START = "event.start"


def exact_answer(request: PlanRequest, match: Match) -> PlanAnswer:
    """The saved plan with the said values as the defaults of its inputs and the said time as its
    trigger; without a time it starts when it is approved. Asks for an input that has no value, and
    for a time that is not exact."""
    spec = request.catalogue.tools.get(match.tool) or shipped()[match.tool]
    called = (
        f"the template “{spec.name}”" if is_template(spec) else f"your saved plan “{spec.name}”"
    )
    selection = {
        "mode": match.mode,
        "reason": match.reason,
        "confidence": match.confidence,
        "tools": sorted({step["action"] for step in spec.config["document"]["steps"]}),
        "candidates": [spec.id],
    }
    if isinstance(match.when, Refused):
        asked = time_question(match.when)
        return PlanAnswer("question", asked.text, choices=asked.choices, selection=selection)
    document = {**spec.config["document"]}
    inputs = {name: dict(given) for name, given in document.get("inputs", {}).items()}
    for name, value in match.inputs.items():
        inputs[name]["default"] = value
    missing = [name for name, given in inputs.items() if given.get("default") is None]
    if missing:
        return PlanAnswer("question", _asked(spec, missing[0]), confidence=0.5, selection=selection)
    if inputs:
        document["inputs"] = inputs
    when = match.when if isinstance(match.when, When) else None
    if when is not None or not match.lasting:
        document = triggered(document, when)
    left = (match.rest,) if match.rest else ()
    said = remarks(when.assumed if when else (), left)
    events = {trigger["name"]: SAID if when else DEFAULT for trigger in document["events"]}
    return PlanAnswer(
        "plan",
        " ".join([f"This is {called}.", said]).strip(),
        document=document,
        confidence=match.confidence,
        not_covered=left,
        sources={
            **{f"{s['name']}.{arg}": SAVED for s in document["steps"] for arg in s.get("args", {})},
            **{f"inputs.{name}": SAID for name in match.inputs},
            **(events if when is not None or not match.lasting else {}),
        },
        selection=selection,
    )


def reuse_step(request: PlanRequest, match: Match, name: str, on: list[str]) -> dict[str, Any]:
    """The step that calls the saved plan; `PlanRequest(text=match.rest)` has the work around it."""
    args: Mapping[str, Any] = match.inputs
    return {"name": name, "on": on, "action": match.tool, "args": dict(args)}


def triggered(document: Mapping[str, Any], when: When | None) -> dict[str, Any]:
    """The document with one trigger in the place of all its own: at that time, or (None) by hand."""
    events = document.get("events") or []
    name = events[0]["name"] if events else _START
    old = {event["name"] for event in events}
    trigger = when.trigger(name) if when else {"name": name, "kind": "manual"}
    steps = []
    for step in document["steps"]:
        on = dict.fromkeys(name if heard in old else heard for heard in step["on"])
        steps.append({**step, "on": list(on)})
    return {**document, "events": [trigger], "steps": steps}


def _asked(spec: ToolSpec, name: str) -> str:
    about = schema.properties(spec).get(name, {}).get("description", "")
    label = name.replace("_", " ")
    return f"“{spec.name}” needs its {label}{f' ({about})' if about else ''}. What is it?"
