"""A model's arguments held to those that the tools take."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from agents.planner import schema
from backend.contracts.ports import PlanRequest
from backend.contracts.tools import ToolSpec

Json = dict[str, Any]


def fitted(document: Json, request: PlanRequest, said: str) -> tuple[Json, tuple[str, ...]]:
    """`document` without arguments that its tools do not take: small models add what another tool takes,
    and give what is needed under another name. Second, values of the person's that are lost with them."""
    steps = []
    lost: list[str] = []
    for step in document["steps"]:
        spec = request.catalogue.tools.get(step["action"])
        args = step["args"] if spec is None else _taken(spec, step["args"])
        kept = set(map(str, args.values()))
        lost += [str(v) for v in step["args"].values() if str(v) not in kept]
        steps.append({**step, "args": args})
    used = " ".join(str(step["args"]) for step in steps).lower()
    left = [v for v in lost if v.strip() and v.lower() in said.lower() and v.lower() not in used]
    return {**document, "steps": steps}, tuple(dict.fromkeys(left))


def _taken(spec: ToolSpec, args: Mapping[str, Any]) -> Json:
    known = schema.properties(spec)
    if not spec.closed:
        return dict(args)
    absent = [name for name in known if name not in args]
    near = {name for name in args if name not in known and get_close_matches(name, absent)}
    odd = [name for name in args if name not in known and name not in near]
    missing = schema.required(spec) - args.keys()
    if len(odd) == 1 and len(missing) == 1 and not near:
        (only,) = missing
        return {only if name == odd[0] else name: value for name, value in args.items()}
    return {name: value for name, value in args.items() if name not in odd}
