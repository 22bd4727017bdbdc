"""When the steps of an open plan act: under a condition or always, at once or after a yes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from agents.planner.entities import Text
from agents.planner.phrases import APPROVAL
from agents.planner.revision_forms import UNCONDITIONED
from backend.contracts.ports import PlanAnswer

if TYPE_CHECKING:
    from agents.planner.planning import Planning

Document = dict[str, Any]
Outcome = tuple[Document, dict[str, str]] | PlanAnswer | None


def always(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "without the condition": what was done only sometimes is done every time."""
    if not UNCONDITIONED.match(text.plain.strip()):
        return None
    for step in document["steps"]:
        step.pop("guard", None)
    for event in document.get("events") or ():
        event.pop("filter", None)
    return document, {}


def asked_first(text: Text, document: Document, planning: Planning) -> Outcome:
    found = APPROVAL.search(text.plain)
    refused = re.match(
        r"^(?:without asking|don't ask(?: me)?|do not ask(?: me)?|no approval)\b", text.plain
    )
    if refused:
        for step in document["steps"]:
            step.pop("approval", None)
        return document, {}
    if found is None or len(text.plain.strip()) > len(found.group()) + 12:
        return None
    tools = planning.tools
    for step in document["steps"]:
        spec = tools.get(step.get("action", ""))
        if spec is not None and spec.purity != "pure":
            step["approval"] = "required"
    return document, {}
