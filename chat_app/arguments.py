"""A step's arguments as rows of a form: label, control, value, and where the value comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from backend.contracts.plans import Catalogue, Step
from backend.contracts.tools import ToolSpec
from backend.contracts.views import PlanView
from chat_app import words
from chat_app.results import SECRET, compact, cut, without_secrets

MAX_ARGUMENTS = 16
VALUE = 4_000
WHOLE = re.compile(r"^\$\{([^${}]*)\}$")
PART = re.compile(r"(?<!\$)\$\{([^${}]*)\}")
LONG_FIELDS = frozenset({"body", "text", "content", "prompt", "instructions", "message"})
EDITABLE = frozenset({"text", "long", "number", "switch", "choice"})
ASKS = "human.ask"
NUMBERS = ("integer", "number")


def arguments(view: PlanView, catalogue: Catalogue, step: Step, index: int) -> list[dict[str, Any]]:
    """Rows for what is given and what is required, in the tool's own order."""
    tool = catalogue.tools.get(step.action)
    schema = tool.inputs if tool else {}
    properties: dict[str, Any] = schema.get("properties") or {}
    required = set(schema.get("required") or ())
    keys = [k for k in properties if k in step.args or k in required]
    keys += [k for k in step.args if k not in properties]
    return [
        _row(view, catalogue, step, index, key, properties.get(key) or {}, key in required)
        for key in keys[:MAX_ARGUMENTS]
    ]


def _row(
    view: PlanView,
    catalogue: Catalogue,
    step: Step,
    index: int,
    key: str,
    schema: dict[str, Any],
    required: bool,
) -> dict[str, Any]:
    value = step.args.get(key)
    control = _control(key, value, schema)
    secret = bool(SECRET.search(key)) and isinstance(value, str) and value != ""
    if secret:
        control, value = "secret", "•••"
    elif control == "bound":
        value = ""
    elif control == "data":
        value = compact(without_secrets(value), 600)
    elif isinstance(value, str):
        value = cut(value, VALUE)
    editable = control in EDITABLE and (
        not isinstance(value, str) or (len(value) < VALUE and not PART.search(value))
    )
    return {
        "key": key,
        "path": f"steps/{index}/args/{key}",
        "label": cut(str(schema.get("title") or words.humanised(key)), 60),
        "help": cut(str(schema.get("description") or ""), 200),
        "control": control,
        "value": value,
        "format": str(schema.get("format") or "")[:20],
        "choices": [compact(c, 80) for c in schema.get("enum") or ()][:50],
        "source": _source(view, catalogue, step, key),
        "editable": editable,
        "required": required,
    }


def resolved(args: Mapping[str, Any], tool: ToolSpec | None) -> list[dict[str, Any]]:
    """What a step is about to act with, as rows of a form; what is whole in a field can be changed."""
    schema = tool.inputs if tool else {}
    properties: dict[str, Any] = schema.get("properties") or {}
    rows = []
    for key, value in sorted(args.items(), key=lambda item: _place(properties, item[0])):
        about = properties.get(key) or {}
        control = _control(
            key, None if isinstance(value, str) and PART.search(value) else value, about
        )
        if SECRET.search(key) and value:
            control, value = "secret", "•••"
        elif control == "data" or isinstance(value, list | dict):
            control, value = "data", compact(without_secrets(value), 600)
        whole = not isinstance(value, str) or len(value) < VALUE
        rows.append(
            {
                "key": key,
                "label": cut(str(about.get("title") or words.humanised(key)), 60),
                "control": control,
                "value": cut(value, VALUE) if isinstance(value, str) else value,
                "format": str(about.get("format") or "")[:20],
                "choices": [compact(c, 80) for c in about.get("enum") or ()][:50],
                "editable": whole and control in EDITABLE,
            }
        )
    return rows


def _place(properties: Mapping[str, Any], key: str) -> int:
    return list(properties).index(key) if key in properties else len(properties)


def _control(key: str, value: Any, schema: dict[str, Any]) -> str:
    if isinstance(value, str) and WHOLE.match(value):
        return "bound"
    kind = schema.get("type")
    if schema.get("enum"):
        return "choice"
    if kind == "boolean" or isinstance(value, bool):
        return "switch"
    if kind in NUMBERS or isinstance(value, int | float):
        return "number"
    if isinstance(value, list | dict) or kind in ("array", "object"):
        return "data"
    if key in LONG_FIELDS or (isinstance(value, str) and (len(value) > 80 or "\n" in value)):
        return "long"
    return "text"


def _source(view: PlanView, catalogue: Catalogue, step: Step, key: str) -> str:
    """Where a value comes from, in words: the reference in it, else what the planner noted."""
    value = step.args.get(key)
    found = [ref for text in _texts(value) for ref in PART.findall(text)]
    if found:
        return words.joined([_named(view, catalogue, ref) for ref in dict.fromkeys(found)])
    said = view.sources.get(f"{step.name}.{key}", "")
    if said.startswith("step "):
        return f"from {said[5:]}"
    return {"said": "you said", "default": "default", "edited": "you changed it"}.get(said, said)


def _texts(value: Any) -> Iterator[str]:
    """The texts inside a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def named(view: PlanView, catalogue: Catalogue, path: str) -> str:
    """Where a value comes from, as a noun: `Read a feed · entries`."""
    return _named(view, catalogue, path.strip().removeprefix("${").removesuffix("}")).removeprefix(
        "from "
    )


def asking(view: PlanView, step: Step, index: int, tool: ToolSpec | None) -> dict[str, Any] | None:
    """The switch that lets a step ask before it acts; none where nothing happens that could be asked."""
    if step.approval != "required" and (tool is None or tool.purity == "pure" or tool.id == ASKS):
        return None
    return {
        "key": "approval",
        "path": f"steps/{index}/approval",
        "label": "Ask first",
        "help": "Wait for a yes before this step acts, each time",
        "control": "switch",
        "value": step.approval == "required",
        "format": "",
        "choices": [],
        "source": "",
        "editable": True,
        "required": False,
    }


def _named(view: PlanView, catalogue: Catalogue, reference: str) -> str:
    path = reference.split("??")[0].strip()
    root, _, rest = path.partition(".")
    step = next((s for s in view.document.steps if s.name == root), None)
    if step:
        tool = catalogue.tools.get(step.action)
        title = step.description or (tool.name if tool else root)
        return f"from {cut(title, 50)}" + (f" · {rest}" if rest else "")
    return {
        "inputs": f"you give it: {words.humanised(rest).lower()}",
        "event": "from what starts it" + (f" · {rest}" if rest else ""),
        "run": "from the run" + (f" · {rest}" if rest else ""),
        "item": "from each item" + (f" · {rest}" if rest else ""),
        "index": "the item's number",
    }.get(root, reference)


def summary(rows: list[dict[str, Any]]) -> str:
    """A step in a line: its telling values."""
    told = [
        compact(r["value"], 80)
        for r in rows
        if r["control"] in ("text", "choice", "long")
        and r["value"]
        and not PART.search(str(r["value"]))
    ]
    if told:
        return cut(" · ".join(told[:2]), 140)
    bound = [
        r["source"]
        for r in rows
        if r["control"] == "bound" or PART.search(str(r["value"]))
        if r["source"]
    ]
    return sentence_of(bound)


def sentence_of(bound: list[str]) -> str:
    return words.sentence(bound[0]) if bound else ""
