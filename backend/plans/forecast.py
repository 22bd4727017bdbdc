"""What one run will do at most: effects in words, cost, and the time of its longest way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from math import ceil
from typing import Any

from backend.contracts.errors import Invalid
from backend.contracts.plans import DEFAULT_MAX_ITERATIONS, IR, Catalogue, Node
from backend.contracts.tools import ToolSpec
from backend.contracts.views import Forecast
from backend.plans.bindings import Reference, references

_MAX_WORDS = 80
_PEOPLE = frozenset({"to", "cc", "bcc", "recipient", "recipients"})
_SMALL = "to|from|in|into|at|of|for|on|with|by"
_PLACE = re.compile(rf"((?:,|\b(?:{_SMALL}))? ?)\{{(\w+)\}}")
_COUNTED = re.compile(rf"\b1 (.+?)(?=$|,| (?:{_SMALL})\b)")


def forecast(ir: IR, catalogue: Catalogue) -> Forecast:
    """Unknown tools count for nothing. Every branch is counted, loops up to their limit; a step
    over a list that is not known yet is counted once, and `per_item` says so."""
    loops = _on_cycles(ir)
    limit = (ir.max_iterations or DEFAULT_MAX_ITERATIONS) if ir.graph_type == "reactive" else 1
    total: Counter[tuple[str, bool]] = Counter()
    step_effects: dict[str, tuple[str, ...]] = {}
    cost, per_item = 0.0, False
    durations: dict[str, float] = {}
    for node in ir.nodes:
        spec = catalogue.tools.get(node.tool)
        if spec is None:
            continue
        items = _items(node, ir)
        repeats = (1 if items is None else items) * (limit if node.id in loops else 1)
        each = node.for_each is not None and items is None
        per_item = per_item or each
        cost += spec.cost_usd * repeats
        rounds = ceil((items or 1) / (node.max_parallel or items or 1))
        durations[node.id] = spec.duration_s * rounds
        if repeats:
            said = [_filled(effect, node, spec, ir) for effect in spec.effects]
            step_effects[node.id] = tuple(
                _worded(effect, repeats, each=each, up_to=node.id in loops) for effect in said
            )
            for effect in said:
                total[effect, each] += repeats
    up_to = bool(loops)
    return Forecast(
        effects=tuple(_worded(e, n, each=each, up_to=up_to) for (e, each), n in total.items()),
        step_effects=step_effects,
        cost_usd=round(cost, 6),
        duration_s=_longest(ir, durations),
        per_item=per_item,
    )


def _filled(effect: str, node: Node, spec: ToolSpec, ir: IR) -> str:
    """The effect's words with what is known of the arguments; what is not known is left out."""
    properties = spec.inputs.get("properties", {})

    def fill(match: re.Match[str]) -> str:
        lead, name = match[1] or "", match[2]
        value = node.params.get(name, properties.get(name, {}).get("default"))
        known = _known(value, ir)
        if known:
            return f"{lead}{known}"
        if name in _PEOPLE:
            return f"{lead}someone"
        return "" if lead.strip() else f"{lead}something"

    return " ".join(_PLACE.sub(fill, effect).split())


def _known(value: Any, ir: IR) -> str:
    """A value as words for a person; "" when it is not known before the run."""
    try:
        found = references(value)
    except Invalid:
        return ""
    for reference in found:
        default = _input_default(reference, ir)
        if default is None or not isinstance(value, str):
            return ""
        value = value.replace(reference.text, str(default)) if value != reference.text else default
    if isinstance(value, list):
        words = ", ".join(map(str, value[:3]))
        return f"{words} and {len(value) - 3} more" if len(value) > 3 else words
    text = "" if value is None or isinstance(value, dict) else " ".join(str(value).split())
    return text if len(text) <= _MAX_WORDS else f"{text[: _MAX_WORDS - 1]}…"


def _input_default(reference: Reference, ir: IR) -> Any:
    if reference.root != "inputs" or len(reference.path) != 1:
        return None
    given = ir.inputs.get(str(reference.path[0]))
    return given.default if given else None


def _items(node: Node, ir: IR) -> int | None:
    """How often a step runs in one go; None when the list is not known yet."""
    if node.for_each is None:
        return 1
    try:
        found = references(node.for_each)
    except Invalid:
        return None
    default = _input_default(found[0], ir) if len(found) == 1 else None
    return len(default) if isinstance(default, list) else None


def _worded(effect: str, count: int, *, each: bool, up_to: bool) -> str:
    if count > 1:
        effect = _COUNTED.sub(lambda match: f"{count:,} {_plural(match[1])}", effect, count=1)
        if up_to:
            effect = effect.replace(f"{count:,} ", f"up to {count:,} ", 1)
    return f"{effect} for each item" if each else effect


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def _longest(ir: IR, durations: Mapping[str, float]) -> float:
    """Seconds along the longest way; a loop counts once."""
    followers, waiting = _links(ir)
    finish = {node.id: durations.get(node.id, 0.0) for node in ir.nodes}
    ready = [id for id, count in waiting.items() if count == 0]
    left = set(waiting)
    while left:
        # Where only a loop is left, it is entered at its first step.
        node = ready.pop() if ready else next(n.id for n in ir.nodes if n.id in left)
        if node not in left:
            continue
        left.discard(node)
        for follower in followers[node]:
            if follower in left:
                lasts = durations.get(follower, 0.0)
                finish[follower] = max(finish[follower], finish[node] + lasts)
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    ready.append(follower)
    return round(max(finish.values(), default=0.0), 3)


def _on_cycles(ir: IR) -> frozenset[str]:
    """The steps that lie on a cycle or between two."""
    followers, waiting = _links(ir)
    ahead = _peeled(followers, waiting)
    backwards: dict[str, list[str]] = {id: [] for id in followers}
    for id, others in followers.items():
        for other in others:
            backwards[other].append(id)
    behind = _peeled(backwards, {id: len(others) for id, others in followers.items()})
    return frozenset(ahead & behind)


def _peeled(followers: Mapping[str, list[str]], waiting: Mapping[str, int]) -> set[str]:
    """What is left when everything that waits for nothing is taken away, again and again."""
    counts = dict(waiting)
    ready = [id for id, count in counts.items() if count == 0]
    while ready:
        id = ready.pop()
        del counts[id]
        for follower in followers[id]:
            counts[follower] -= 1
            if counts[follower] == 0:
                ready.append(follower)
    return set(counts)


def _links(ir: IR) -> tuple[dict[str, list[str]], dict[str, int]]:
    followers: dict[str, list[str]] = {node.id: [] for node in ir.nodes}
    waiting = dict.fromkeys(followers, 0)
    for edge in ir.edges:
        if edge.source in followers:
            followers[edge.source].append(edge.to)
            waiting[edge.to] += 1
    return followers, waiting
