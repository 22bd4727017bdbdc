"""The plan document of a choice: steps under their own names, linked, with arguments and inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.planner.compose.filling import said
from agents.planner.compose.linking import CONTENT, Link
from agents.planner.matching.words import spoken, tokens
from backend.contracts.plans import RESERVED_STEP_NAMES
from backend.contracts.tools import ToolSpec
from backend.plans.validation.schema import Shape

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_KINDS = ("string", "number", "integer", "boolean", "array", "object")
MAX_DESCRIPTION = 200
MAX_NAME = 120


@dataclass(slots=True)
class Written:
    """`sources`: per "step.arg", where its value came from."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


def written(
    specs: Sequence[ToolSpec], works: Sequence[str], links: Sequence[Link], trigger: str
) -> Written:
    """Steps for the tools in their order; `works` are the words each is for ("" for a supplier)."""
    made = Written()
    names: list[str] = []
    for place, spec in enumerate(specs):
        name = _step_name(spec, names)
        names.append(name)
        fed = [link for link in links if link.target == place]
        on = [f"step.{names[link.source]}" for link in fed] or [trigger]
        step: dict[str, Any] = {"name": name, "on": on, "action": spec.id}
        if works[place]:
            step["description"] = _short(works[place], MAX_DESCRIPTION)
        given = _references(specs, names, spec, fed)
        made.sources |= {f"{name}.{key}": f"step {source}" for key, (_, source) in given.items()}
        args = {key: value for key, (value, _) in given.items()}
        step["args"] = args | _arguments(made, name, spec, works[place], frozenset(args))
        made.steps.append(step)
    return made


def titled(specs: Sequence[ToolSpec]) -> str:
    """The plan's name: what its tools are called, in order."""
    names = [spoken(spec.name).lower() for spec in specs]
    return _short(", then ".join(dict.fromkeys(names)).capitalize(), MAX_NAME)


def _arguments(
    made: Written, step: str, spec: ToolSpec, work: str, given: frozenset[str]
) -> dict[str, Any]:
    properties = {
        k: v for k, v in (spec.inputs.get("properties") or {}).items() if isinstance(v, Mapping)
    }
    required = [key for key in spec.inputs.get("required") or () if isinstance(key, str)]
    found: dict[str, Any] = {}
    for key, schema in properties.items():
        if key in given:
            continue
        alone = key in required and _only_one(key, schema, properties, required, given)
        value = said(key, schema, work, alone=alone) if work else None
        if value is not None:
            # what a person quotes is never a reference
            found[key] = value.replace("${", "$${") if isinstance(value, str) else value
            made.sources[f"{step}.{key}"] = "said"
        elif key in required:
            name = _asked(made, step, key, schema, spec)
            found[key] = f"${{inputs.{name}}}"
            made.sources[f"{step}.{key}"] = f"input {name}"
    for key in required:
        if key not in properties and key not in given:
            found[key] = f"${{inputs.{_asked(made, step, key, {}, spec)}}}"
    return found


def _only_one(
    key: str,
    schema: Mapping[str, Any],
    properties: Mapping[str, Mapping[str, Any]],
    required: Sequence[str],
    given: frozenset[str],
) -> bool:
    kinds = Shape(schema).kinds
    others = (k for k in required if k != key and k not in given)
    return not any(Shape(properties.get(other, {})).kinds & kinds for other in others)


def _asked(made: Written, step: str, key: str, schema: Mapping[str, Any], spec: ToolSpec) -> str:
    """The name of a new input of the plan, for what nobody said."""
    plain = re.sub(r"\W+", "_", key).strip("_")[:40] or "value"
    plain = plain if plain[0].isalpha() else f"value_{plain}"
    name = plain if plain not in made.inputs else f"{step}_{plain}"[:64]
    while name in made.inputs:
        name = f"{name[:60]}_2"
    kinds = [kind for kind in _KINDS if kind in Shape(schema).kinds]
    described = _short(str(schema.get("description") or f"{spoken(spec.name)}: {key}"), 300)
    made.inputs[name] = {
        "type": kinds[0] if kinds else "string",
        "description": described,
    }
    enum = schema.get("enum")
    if isinstance(enum, list) and 0 < len(enum) <= 100 and kinds[:1] == ["string"]:
        made.inputs[name]["enum"] = [value for value in enum if isinstance(value, str)]
    return name


def _references(
    specs: Sequence[ToolSpec], names: Sequence[str], spec: ToolSpec, fed: Sequence[Link]
) -> dict[str, tuple[str, str]]:
    """Per input that an earlier step's output goes into, the reference and that step."""
    found: dict[str, tuple[str, str]] = {}
    for link in fed:
        made = specs[link.source].outputs.get("properties") or {}
        for output in link.outputs or (tuple(made) if len(made) == 1 else ()):
            if not _PLAIN.fullmatch(output):
                continue
            key = _takes(spec, output, made.get(output) or {}, frozenset(found), link.role)
            if key is not None:
                name = names[link.source]
                found[key] = (f"${{{name}.{output}}}", name)
    return found


def _takes(
    spec: ToolSpec, output: str, made: Mapping[str, Any], taken: frozenset[str], role: str
) -> str | None:
    """The input an output goes into: of its own name (behind its role's), else the only one for contents,
    else the only one of its type."""
    properties = spec.inputs.get("properties") or {}
    kinds = Shape(made).kinds
    fits = [k for k, v in properties.items() if k not in taken and Shape(v).kinds & kinds]
    words = set(tokens(spoken(output)))
    joined = _joined(output)
    named = [
        key
        for key in fits
        if _joined(key) == role + joined
        or (not role and _joined(key).endswith(joined))
        or (not role and set(tokens(spoken(key)) or [key]) <= words)
    ]
    content = [key for key in fits if set(spoken(key).lower().split()) & CONTENT]
    required = [key for key in fits if key in (spec.inputs.get("required") or ())]
    for found in (named, content, required):
        if len(found) == 1:
            return str(found[0])
    return None


def _joined(name: str) -> str:
    return re.sub(r"[_\W]", "", name).lower()


def _step_name(spec: ToolSpec, taken: Sequence[str]) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", spoken(spec.id).lower()).strip("_")[:50] or "step"
    if not plain[0].isalpha() or plain in RESERVED_STEP_NAMES:
        plain = f"do_{plain}"
    name, count = plain, 2
    while name in taken:
        name, count = f"{plain}_{count}", count + 1
    return name


def _short(words: str, most: int) -> str:
    words = re.sub(r"\s+", " ", words).strip(" ,.;:")
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"
