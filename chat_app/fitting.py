"""What a card gives up so that a page can carry it."""

from __future__ import annotations

import json
from typing import Any

from chat_app.results import compact, cut

MAX_BYTES = 50_000
FEWEST_STEPS = 24


def fitted(props: dict[str, Any]) -> dict[str, Any]:
    """Give up the least needed first until it fits: results of steps, the plan as text, long
    arguments, forms, steps."""
    for give_up in (
        _drop_results,
        _drop_text,
        _drop_arguments,
        _drop_long_results,
        _drop_graph,
        _drop_forms,
        _drop_steps,
    ):
        if len(json.dumps(props, ensure_ascii=False).encode()) <= MAX_BYTES:
            break
        give_up(props)
    return props


def _drop_results(props: dict[str, Any]) -> None:
    for step in props["steps"]:
        if step["state"]:
            step["state"]["result"] = None


def _drop_arguments(props: dict[str, Any]) -> None:
    for step in props["steps"]:
        step["issues"] = step["issues"][:3]
        for arg in step["args"]:
            if len(json.dumps(arg["value"], default=str)) > 300:
                arg.update(value=compact(arg["value"], 300), editable=False)


def _drop_text(props: dict[str, Any]) -> None:
    props["made"]["text"] = ""


def _drop_long_results(props: dict[str, Any]) -> None:
    for result in props["results"]:
        if result["kind"] == "text":
            result["text"] = cut(result["text"], 2_000)


def _drop_graph(props: dict[str, Any]) -> None:
    props["edges"] = []
    for step in props["steps"]:
        step["args"] = step["args"][:4]


def _drop_forms(props: dict[str, Any]) -> None:
    for step in props["steps"]:
        step.update(args=[], issues=step["issues"][:1])


def _drop_steps(props: dict[str, Any]) -> None:
    props["after"] += len(props["steps"]) - FEWEST_STEPS
    props["steps"] = props["steps"][:FEWEST_STEPS]
