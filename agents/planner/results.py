"""What a step gives: its nouns, its data, the kinds of its outputs."""

from __future__ import annotations

from typing import Any

from agents.planner import schema
from agents.planner.lexicon import WORDS
from agents.planner.made import EVENT, Made
from backend.plans.validation.schema import Shape

_JSON = ("json", "result")


def nouns(made: Made) -> set[str]:
    word = WORDS.get(made.spec.id)
    names = {*(word.nouns if word else ()), *(made.spec.outputs.get("properties") or {})}
    return {schema.stem(name) for name in names} | {schema.stem(made.name)}


def data(made: Made) -> str:
    """The path of parsed data with names inside; empty when there is none."""
    if made.name == EVENT:
        return EVENT
    if made.listed:
        return ""
    outputs = made.spec.outputs.get("properties") or {}
    return next((f"{made.name}.{name}" for name in _JSON if name in outputs), "")


def is_list(made: Made) -> bool:
    return any("array" in kinds(made, output) and output in made.spec.produces
               for output in made.spec.outputs.get("properties") or {})  # fmt: skip


def kinds(made: Made, output: str) -> frozenset[str]:
    found = (made.spec.outputs.get("properties") or {}).get(output)
    return Shape(found, made.spec.outputs).kinds if found is not None else frozenset()


def at(made: Made, path: str) -> Any:
    output = path.split(".")[1] if "." in path else ""
    return (made.spec.outputs.get("properties") or {}).get(output, {})
