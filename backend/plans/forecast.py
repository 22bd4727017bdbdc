"""What one run will do at most: effects in words, cost, and the time of its longest way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

from backend.contracts.errors import Invalid
from backend.contracts.plans import (
    DEFAULT_MAX_ITERATIONS,
    IR,
    SAVED_PREFIX,
    Catalogue,
    Node,
    PlanDocument,
)
from backend.contracts.tools import ToolSpec
from backend.contracts.views import Forecast
from backend.plans.bindings import Reference, references
from backend.plans.ir import compile_document

_MAX_WORDS = 80
_DEEPEST = 5  # saved plans inside saved plans
_PEOPLE = frozenset({"to", "cc", "bcc", "recipient", "recipients"})
_SMALL = "to|from|in|into|at|of|for|on|with|by"
_PLACE = re.compile(rf"((?:,|\b(?:{_SMALL}))? ?)\{{(\w+)\}}")
_COUNTED = re.compile(rf"\b1 (.+?)(?=$|,| (?:{_SMALL})\b)")


@dataclass(frozen=True, slots=True)
class _Effect:
    """`each`: once per item of a list not known yet; `up_to`: at most so often; `inside`: the saved plan
    that has it."""

    words: str
    each: bool = False
    up_to: bool = False
    inside: str = ""


@dataclass(slots=True)
class _Sum:
    effects: Counter[_Effect] = field(default_factory=Counter)
    step_effects: dict[str, Counter[_Effect]] = field(default_factory=dict)
    cost_usd: float = 0.0
    duration_s: float = 0.0
    per_item: bool = False


def forecast(ir: IR, catalogue: Catalogue) -> Forecast:
    """Unknown tools count for nothing. Every branch is counted, loops up to their limit; a step
    over a list that is not known yet is counted once, and `per_item` says so. What a saved plan does
    that is called counts as often as the call, and says where it is."""
    found = _Summing(catalogue).sum(ir, 0)
    return Forecast(
        effects=tuple(_worded(e, n) for e, n in found.effects.items()),
        step_effects={
            id: tuple(_worded(e, n) for e, n in said.items())
            for id, said in found.step_effects.items()
        },
        cost_usd=round(found.cost_usd, 6),
        duration_s=found.duration_s,
        per_item=found.per_item,
    )


class _Summing:
    """`most` steps of called plans are looked into; behind that, a plan is what its contract says."""

    def __init__(self, catalogue: Catalogue, most: int = 20_000) -> None:
        self._tools = catalogue.tools
        self._calls: dict[str, _Sum] = {}
        self._left = most

    def sum(self, ir: IR, depth: int) -> _Sum:
        loops = _on_cycles(ir)
        limit = (ir.max_iterations or DEFAULT_MAX_ITERATIONS) if ir.graph_type == "reactive" else 1
        out = _Sum()
        durations: dict[str, float] = {}
        for node in ir.nodes:
            spec = self._tools.get(node.tool)
            if spec is None:
                continue
            items = _items(node, ir)
            repeats = (1 if items is None else items) * (limit if node.id in loops else 1)
            each = node.for_each is not None and items is None
            once = self._once(node, spec, ir, depth)
            out.per_item = out.per_item or each or once.per_item
            out.cost_usd += once.cost_usd * repeats
            rounds = ceil((items or 1) / (node.max_parallel or items or 1))
            durations[node.id] = once.duration_s * rounds
            if repeats:
                said: Counter[_Effect] = Counter()
                for effect, count in once.effects.items():
                    up_to = effect.up_to or node.id in loops
                    said[replace(effect, each=effect.each or each, up_to=up_to)] += count * repeats
                out.step_effects[node.id] = said
                out.effects.update(said)
        out.duration_s = _longest(ir, durations)
        return out

    def _once(self, node: Node, spec: ToolSpec, ir: IR, depth: int) -> _Sum:
        """One call of a step's tool."""
        if spec.type == "plan" and depth < _DEEPEST and self._left > 0:
            given = {name: _literal(value, ir) for name, value in node.params.items()}
            key = repr((spec.id, depth, sorted(given.items())))
            if key not in self._calls:
                self._calls[key] = self._plan(spec, given, depth)
            return self._calls[key]
        effects = Counter(_Effect(_filled(effect, node, spec, ir)) for effect in spec.effects)
        return _Sum(effects, cost_usd=spec.cost_usd, duration_s=spec.duration_s)

    def _plan(self, spec: ToolSpec, given: Mapping[str, Any], depth: int) -> _Sum:
        called = _called(spec, given)
        self._left -= len(called.nodes)
        inner = self.sum(called, depth + 1)
        slug = spec.id.removeprefix(SAVED_PREFIX)
        effects = {replace(effect, inside=slug): n for effect, n in inner.effects.items()}
        return replace(inner, effects=Counter(effects))


def _called(spec: ToolSpec, given: Mapping[str, Any]) -> IR:
    """The saved plan with what is known of its inputs in this call; what only the run will know (None)
    has no default there."""
    inner = compile_document(PlanDocument.model_validate(spec.config["document"]))
    inputs = {
        name: each.model_copy(update={"default": given[name]}) if name in given else each
        for name, each in inner.inputs.items()
    }
    return inner.model_copy(update={"inputs": inputs})


def _literal(value: Any, ir: IR) -> Any:
    """The value itself where no reference stands in it, or only one to an input with a default."""
    try:
        found = references(value)
    except Invalid:
        return None
    if not found:
        return value
    if len(found) == 1 and value == found[0].text:
        return _input_default(found[0], ir)
    return None


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


def _worded(effect: _Effect, count: int) -> str:
    words = effect.words
    if count > 1:
        words = _COUNTED.sub(lambda match: f"{count:,} {_plural(match[1])}", words, count=1)
        if effect.up_to:
            words = words.replace(f"{count:,} ", f"up to {count:,} ", 1)
    words = f"{words} for each item" if effect.each else words
    return f"{words} (in {effect.inside})" if effect.inside else words


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
