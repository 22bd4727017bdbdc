"""An open plan's steps as a draft, for more to follow them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from agents.planner.drafts import Draft
from agents.planner.made import Made
from backend.contracts.tools import ToolSpec


def drafted_before(document: Mapping[str, Any], tools: Mapping[str, ToolSpec]) -> Draft:
    """A document's steps as a draft, for more to follow."""
    steps = copy.deepcopy(list(document["steps"]))
    draft = Draft(steps=steps)
    for step in steps:
        spec = tools.get(str(step.get("action"))) or _unknown_spec(step)
        listed = step.get("for_each") is not None
        asks = step.get("args", {}).get("choices") == ["yes", "no"]
        draft.made.append(Made(step["name"], spec, listed=listed, aside=asks))
    return draft


def recurs(document: Mapping[str, Any]) -> bool:
    return any(e.get("kind") in ("cron", "interval") for e in document.get("events") or ())


def _unknown_spec(step: Mapping[str, Any]) -> ToolSpec:
    action = str(step.get("action") or "unknown")
    return ToolSpec(id=action[:128].replace(" ", "_"), name=action, description=action)
