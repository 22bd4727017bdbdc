"""Tools on paper, and the plans that use them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from backend.contracts.errors import Issue
from backend.contracts.plans import Catalogue, Checked, PlanDocument
from backend.contracts.tools import ToolSpec
from backend.plans.validation import check

NOW = datetime(2026, 11, 21, 10, 12, tzinfo=UTC)
TEXT = {"type": "string"}
ENTRY = {"type": "object", "properties": {"title": TEXT, "link": TEXT}}


def tool(
    id: str, inputs: dict[str, Any], outputs: dict[str, Any], *required: str, **fields: Any
) -> ToolSpec:
    return ToolSpec(
        id=id,
        name=id.replace(".", " "),
        description="a tool",
        inputs={
            "type": "object",
            "properties": inputs,
            "required": list(required),
            "additionalProperties": False,
        },
        outputs={"type": "object", "properties": outputs},
        **fields,
    )


TOOLS = (
    tool(
        "feed.read",
        {"url": TEXT, "limit": {"type": "integer", "minimum": 1, "maximum": 100}},
        {"entries": {"type": "array", "items": ENTRY}, "title": TEXT, "count": {"type": "integer"}},
        "url",
        purity="pure",
        effects=("reads 1 feed",),
        duration_s=2,
    ),
    tool(
        "web.read",
        {"url": TEXT},
        {"text": TEXT, "status": {"type": "integer"}, "links": {"type": "array", "items": TEXT}},
        "url",
        purity="pure",
        effects=("reads 1 web page",),
        duration_s=3,
    ),
    tool(
        "text.summarize",
        {
            "text": {"anyOf": [TEXT, {"type": "array"}]},
            "style": {"enum": ["short", "long"]},
            "options": {"type": "object", "properties": {"tags": {"type": "array", "items": TEXT}}},
        },
        {"summary": TEXT, "text": TEXT},
        "text",
        purity="pure",
        cost_usd=0.01,
    ),
    tool(
        "email.send",
        {
            "to": {"type": "string", "format": "email"},
            "subject": TEXT,
            "body": TEXT,
            "priority": {"type": "integer"},
            "urgent": {"type": "boolean"},
            "tags": {"type": "array", "items": TEXT},
        },
        {"message_id": TEXT},
        "to",
        "subject",
        "body",
        effects=("sends 1 mail to {to}",),
        cost_usd=0.1,
        duration_s=4,
    ),
    tool(
        "file.write",
        {"path": TEXT, "content": TEXT},
        {"path": TEXT},
        "path",
        effects=("writes 1 file, {path}",),
    ),
    tool(
        "page.watch",
        {"url": TEXT},
        {"text": TEXT},
        "url",
        actions=("changed", "same"),
        purity="pure",
    ),
)
CATALOGUE = Catalogue({spec.id: spec for spec in TOOLS})

SEED: dict[str, Any] = {
    "plan_name": "daily-email-summary",
    "graph_type": "reactive",
    "events": [{"name": "event.daily.trigger", "kind": "cron", "schedule": "0 9 * * *"}],
    "steps": [
        {
            "name": "send_summary",
            "on": ["event.daily.trigger"],
            "action": "email.send",
            "args": {
                "to": "user@example.com",
                "subject": "Daily Summary",
                "body": "Your daily summary is ready",
            },
            "emits": ["event.email.sent"],
        }
    ],
}
DIGEST: dict[str, Any] = {
    "plan_name": "daily-hn-digest",
    "description": "Mail me what matters on Hacker News",
    "graph_type": "acyclic",
    "inputs": {"to": {"type": "string", "format": "email", "description": "who gets it"}},
    "events": [
        {
            "name": "event.morning",
            "kind": "cron",
            "schedule": "0 9 * * 1-5",
            "timezone": "Europe/Paris",
        }
    ],
    "steps": [
        {
            "name": "fetch",
            "on": ["event.morning"],
            "action": "feed.read",
            "args": {"url": "https://news.ycombinator.com/rss"},
        },
        {
            "name": "digest",
            "on": ["step.fetch"],
            "action": "text.summarize",
            "args": {"text": "${fetch.entries}"},
        },
        {
            "name": "send",
            "on": ["step.digest"],
            "action": "email.send",
            "args": {
                "to": "${inputs.to}",
                "subject": "Today on HN",
                "body": "${digest.summary}",
            },
            "emits": ["event.email.sent"],
        },
    ],
}


def changed(change: Callable[[Any], Any], document: dict[str, Any] = DIGEST) -> dict[str, Any]:
    fresh = copy.deepcopy(document)
    change(fresh)
    return fresh


def step(name: str, on: str | list[str] = "go", action: str = "", **fields: Any) -> dict[str, Any]:
    """A step of a tool that asks for nothing in particular, unless said otherwise."""
    listens = [on] if isinstance(on, str) else on
    return {"name": name, "on": listens, "action": action or "free.tool", **fields}


def plan(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    events = [{"name": "go", "kind": "manual"}]
    return {"plan_name": "test", "events": events, "steps": list(steps), **fields}


FREE = ToolSpec(id="free.tool", name="free", description="takes and gives anything", purity="pure")
EVERYTHING = Catalogue({**CATALOGUE.tools, FREE.id: FREE})


def checked(raw: Any, **fields: Any) -> Checked:
    return check(raw, fields.pop("catalogue", EVERYTHING), now=NOW, **fields)


def issues(raw: Any, **fields: Any) -> tuple[Issue, ...]:
    return checked(raw, **fields).issues


def only(raw: Any, **fields: Any) -> Issue:
    """The one issue there is."""
    (issue,) = issues(raw, **fields)
    return issue


def codes(raw: Any, **fields: Any) -> list[tuple[str, str]]:
    return [(issue.code, issue.path) for issue in issues(raw, **fields)]


def mended(raw: dict[str, Any], issue: Issue) -> dict[str, Any]:
    """The document after the issue's own fix."""
    assert issue.fix is not None
    fresh = copy.deepcopy(raw)
    *upper, last = issue.fix.path.split("/")
    holder: Any = fresh
    for part in upper:
        holder = holder[int(part)] if isinstance(holder, list) else holder[part]
    if isinstance(holder, list):
        holder[int(last)] = issue.fix.value
    else:
        holder[last] = issue.fix.value
    return fresh


def document(raw: dict[str, Any]) -> PlanDocument:
    return PlanDocument.model_validate(raw)
