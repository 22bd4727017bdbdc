"""A model's draft and the plan document it stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from backend.contracts.errors import Issue
from backend.contracts.tools import ToolSpec

START = "event.start"
Tools = Mapping[str, ToolSpec]
Json = dict[str, Any]


def to_document(draft: Mapping[str, Any], tools: Tools, timezone: str) -> Json:
    """The plan document of a draft (`prompts.draft_schema`)."""
    trigger = _trigger(draft["trigger"], timezone)
    names = {step["name"] for step in draft["steps"]}
    return {
        "plan_name": draft["name"].strip() or "plan",
        "description": draft["description"],
        "events": [trigger],
        "steps": [_step(step, names, [trigger["name"]], tools) for step in draft["steps"]],
    }


def mended(
    document: Mapping[str, Any], repair: Mapping[str, Any], tools: Tools, timezone: str
) -> Json:
    """`document` with the parts of a repair (`prompts.repair_schema`) in their places."""
    events: list[Json] = [dict(event) for event in document["events"]]
    renamed: dict[str, str] = {}
    if repair["trigger"] is not None:
        trigger = _trigger(repair["trigger"], timezone)
        renamed = {event["name"]: trigger["name"] for event in events}
        events = [trigger]
    starts = [event["name"] for event in events] or [START]
    names = {s["name"] for s in document["steps"]} | {s["name"] for s in repair["steps"]}
    given = {s["name"]: _step(s, names, starts, tools) for s in repair["steps"]}
    steps = [
        given.pop(step["name"], dict(step))
        for step in document["steps"]
        if step["name"] not in repair["remove"]
    ]
    steps += given.values()
    for step in steps:
        step["on"] = list(dict.fromkeys(renamed.get(name, name) for name in step["on"]))
    return {**document, "events": events, "steps": steps}


def failing_parts(document: Mapping[str, Any], issues: Sequence[Issue]) -> Json:
    """Only what the issues are about: steps by index, and the triggers."""
    steps = document["steps"]
    wanted: set[int] = set()
    parts: Json = {}
    for issue in issues:
        place = issue.path.split("/")
        if place[0] == "steps" and len(place) > 1 and place[1].isdecimal():
            wanted.add(int(place[1]))
        elif place[0] == "events":
            parts["events"] = document.get("events", [])
        else:
            wanted.update(range(len(steps)))
    parts["steps"] = {str(i): steps[i] for i in sorted(wanted) if i < len(steps)}
    return parts


def _trigger(trigger: Mapping[str, Any], timezone: str) -> Json:
    kind, schedule = trigger["kind"], trigger["schedule"].strip()
    event: Json = {"name": START, "kind": kind}
    match kind:
        case "cron":
            event |= {"schedule": schedule, "timezone": timezone}
        case "interval":
            event["every_s"] = int(schedule) if schedule.isdecimal() else schedule
        case "at":
            event |= {"timestamp": schedule, "timezone": timezone}
        case "event":
            event["type"] = schedule
    return event


def _step(step: Mapping[str, Any], names: set[str], starts: list[str], tools: Tools) -> Json:
    spec = tools.get(step["tool"])
    properties = spec.inputs.get("properties", {}) if spec is not None else {}
    document: Json = {
        "name": step["name"],
        "on": _on(step["after"], names, starts),
        "action": step["tool"],
        "args": {a["name"]: _value(a["value"], properties.get(a["name"])) for a in step["args"]},
    }
    for key in ("guard", "for_each", "join", "on_error"):
        if step[key]:
            document[key] = step[key]
    if step["ask_first"]:
        document["approval"] = "required"
    return document


def _on(after: Sequence[str], names: set[str], starts: list[str]) -> list[str]:
    on: list[str] = []
    for name in after:
        bare = name.removeprefix("step.")
        if name == "start" or name in starts:
            on += starts
        elif bare.split(".")[0] in names:
            on.append(f"step.{bare}")
        else:
            on.append(name)  # the validator says what is wrong with it
    return list(dict.fromkeys(on))


def _value(text: str, schema: Any) -> Any:
    """Text as it is where the tool wants text, else as JSON; a reference stays a reference."""
    wanted = schema.get("type") if isinstance(schema, Mapping) else None
    types = {wanted} if isinstance(wanted, str) else set(wanted or ())
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text
    if "string" in types and not isinstance(value, str):
        return text
    return value
