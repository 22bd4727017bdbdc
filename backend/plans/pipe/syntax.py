"""The parts of pipe text, as read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from backend.contracts.plans import RESERVED_STEP_NAMES

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
WORD = re.compile(r"\w[\w./-]*")
OPTION_NAME = re.compile(r"\w[\w./-]*")
HEARD = re.compile(r"@([A-Za-z_][A-Za-z0-9_.-]*)")
DECLARED = re.compile(r"@([A-Za-z_]\w*)(?![\w.-])")
TRIGGER_NAMES = {
    "manual": "event.start",
    "cron": "event.schedule",
    "interval": "event.schedule",
    "at": "event.due",
    "webhook": "event.webhook",
    "event": "event.heard",
}


@dataclass(slots=True)
class Definition:
    """A step: its tool, and the fields of its document that were written. `name` is None where it
    follows from the tool. `plain`: nothing but a word, which may as well name another step."""

    at: int
    tool: str
    name: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    plain: bool = False
    written: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Heard:
    """`@name`: whatever announces this name."""

    at: int
    name: str


@dataclass(slots=True)
class Started:
    """A trigger declared at the head of its own chain; `place` is its place among all triggers."""

    at: int
    place: int


@dataclass(slots=True)
class Group:
    at: int
    chains: list[Chain]


@dataclass(slots=True)
class Link:
    """One element of a chain, and which of its outcomes the next one waits for."""

    part: Definition | Heard | Started | Group
    outcome: str | None = None


Chain = list[Link]


@dataclass(slots=True)
class Reading:
    """A whole text. `triggers` without a "name" get one when all are known."""

    head: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    triggers: list[dict[str, Any]] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)


def step_name(tool: str) -> str:
    """What a step of this tool is called when nobody says: the last part of the tool's id."""
    last = re.split(r"[./]", tool.rstrip("./"))[-1]
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", last)[:48].strip("_-")
    if not name or name[0].isdigit() or name in RESERVED_STEP_NAMES:
        return f"step_{name}".rstrip("_")
    return name


def unique(name: str, taken: set[str], number: int = 2) -> tuple[str, int]:
    """The name, or with the first free number from `number` on; and the number to go on from."""
    if name not in taken:
        return name, number
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}", number + 1
