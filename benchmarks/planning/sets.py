"""Public planning data: requests, the tools they need, and the links between them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.catalogues import parse_catalogue
from backend.contracts.plans import Catalogue

Edges = frozenset[tuple[str, str]]

_REFERENCE = re.compile(r"\$?(var\d+)(?:\.[^$]*)?\$")
_TYPES = {"string", "number", "integer", "boolean", "array", "object"}


@dataclass(frozen=True, slots=True)
class Task:
    """A request and the graph it asks for: tools in order, and (from, to) pairs of their ids."""

    id: str
    request: str
    tools: tuple[str, ...]
    edges: Edges


@dataclass(frozen=True, slots=True)
class TaskSet:
    """`published` are figures of others on the whole set, for the eye: ours are of a part."""

    name: str
    catalogue: Catalogue
    tasks: tuple[Task, ...]
    published: str = ""


def load(folder: Path, name: str, limit: int | None = None) -> TaskSet:
    """One of `NAMES` from its `<name>-*dev*` and `<name>-tools` files. Raises `FileNotFoundError`."""
    tools, tasks = NAMES[name](folder, name)
    return TaskSet(name, parse_catalogue(tools), tuple(tasks[:limit]), PUBLISHED[name])


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The tools of a set as a foreign catalogue: what `--catalogue` reads."""
    return NAMES[name](folder, name)[0]


def _linked(folder: Path, name: str) -> tuple[list[dict[str, Any]], list[Task]]:
    nodes = json.loads((folder / f"{name}-tools.json").read_text())["nodes"]
    tools = [
        {"id": node["id"], "description": node["desc"], **_inputs(node.get("parameters"))}
        for node in nodes
    ]
    lines = (folder / f"{name}-dev.jsonl").read_text().splitlines()
    tasks = [
        Task(
            str(row["id"]),
            row["request"],
            tuple(row["tools"]),
            frozenset((start, end) for start, end in row["edges"]),
        )
        for row in map(json.loads, lines)
    ]
    return tools, tasks


def _inputs(parameters: list[dict[str, str]] | None) -> dict[str, Any]:
    if not parameters:
        return {}
    schemas = {p["name"]: {"type": "string", "description": p["desc"]} for p in parameters}
    return {"inputs": {"type": "object", "properties": schemas, "required": list(schemas)}}


def _called(folder: Path, name: str) -> tuple[list[dict[str, Any]], list[Task]]:
    known = json.loads((folder / f"{name}-tools.json").read_text())
    tools = []
    for tool in {tool["name"]: tool for tool in known}.values():
        inputs = {
            **tool.get("query_parameters", tool.get("parameters", {})),
            **tool.get("path_parameters", {}),
        }
        tools.append(
            {
                "id": tool["name"],
                "description": tool["description"],
                "inputs": {
                    "type": "object",
                    "properties": {key: _schema(value) for key, value in inputs.items()},
                    "required": [key for key, value in inputs.items() if value.get("required")],
                },
                "outputs": {
                    "type": "object",
                    "properties": {
                        key: _schema(value) for key, value in tool["output_parameters"].items()
                    },
                },
            }
        )
    ids = {tool["id"] for tool in tools}
    tasks = []
    for position, row in enumerate(json.loads((folder / f"{name}-dev.json").read_text())):
        calls = [call for call in row["output"] if call["name"] in ids]
        labels = {call["label"]: call["name"] for call in calls}
        links = frozenset(
            (labels[label], call["name"])
            for call in calls
            for label in _REFERENCE.findall(json.dumps(call["arguments"]))
            if label in labels
        )
        used = tuple(call["name"] for call in calls)
        tasks.append(Task(str(position), row["input"], used, links))
    return tools, tasks


def _schema(value: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(value.get("type", "")).lower()
    schema: dict[str, Any] = {"type": kind} if kind in _TYPES else {}
    if value.get("description"):
        schema["description"] = str(value["description"])
    if isinstance(value.get("enum"), list) and value["enum"]:
        schema["enum"] = value["enum"]
    return schema


NAMES = {
    "ultratool": _linked,
    "tmdb": _linked,
    "dailylife": _linked,
    "nestful-executable": _called,
    "nestful-glaive": _called,
}
PUBLISHED = {
    "ultratool": "best published node F1 72.8",
    "tmdb": "",
    "dailylife": "GPT-4 96.9 / 80.5, GPT-3.5 85.4 / 60.7",
    "nestful-executable": "",
    "nestful-glaive": "",
}
