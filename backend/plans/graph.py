"""A plan's IR, indexed for running: who follows whom, and everything that can be prepared once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.contracts.errors import Invalid
from backend.contracts.plans import (
    DEFAULT_MAX_ITERATIONS,
    IR,
    RESERVED_ACTION,
    SAVED_PREFIX,
    Edge,
    Input,
    Node,
    OnError,
    Retry,
)
from backend.expressions import Expression, parse
from backend.plans.bindings import Binding

DEFAULT_ACTION = "default"
DEFAULT_MAX_PARALLEL = 100


@dataclass(frozen=True, slots=True)
class Link:
    """An edge as its source sees it: which outcome takes it, and which bit of the target it is.

    `outcome` is the action of a step that is done, "error" for one that failed for good, and None
    for any way of being done.
    """

    to: str
    bit: int
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Vertex:
    """A step. `upstream` has a bit for each edge into it; `any` starts at the first of them taken;
    `nested` calls a saved plan."""

    id: str
    tool: str
    args: Binding
    guard: Expression | None
    guards_items: bool
    for_each: Binding | None
    max_parallel: int
    retry: Retry
    timeout_s: float | None
    on_error: OnError
    gated: bool
    nested: bool
    any: bool
    upstream: int
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """`entries` are the edges that come from outside: (trigger name or None for a name that means
    nothing, link). `required` inputs have no default. `aliases` are step names as expressions can
    spell them."""

    vertices: Mapping[str, Vertex]
    entries: tuple[tuple[str | None, Link], ...]
    reactive: bool
    max_iterations: int
    defaults: Mapping[str, Any]
    required: tuple[str, ...]
    aliases: Mapping[str, str]
    inputs: Mapping[str, Input] = field(default_factory=dict)


def graph(ir: IR) -> Graph:
    """Index an IR; the same IR always gives the same graph. Linear in its size.

    Raises `Invalid` for what validation refuses too: an edge to nowhere, an expression or reference
    that cannot be read.
    """
    ids = {node.id for node in ir.nodes}
    triggers = {trigger.name for trigger in ir.triggers}
    emitted = {(node.id, name) for node in ir.nodes for name in node.emits}
    upstream = dict.fromkeys(ids, 0)
    links: dict[str, list[Link]] = {node_id: [] for node_id in ids}
    entries: list[tuple[str | None, Link]] = []
    for edge in ir.edges:
        if edge.to not in ids:
            raise Invalid(f"An edge leads to `{edge.to}`, which is no step.")
        bit = upstream[edge.to] + 1  # the mask so far is 2^n - 1
        upstream[edge.to] |= bit
        # A trigger may be named like a step; `event` then says that the name itself is meant.
        if edge.source in triggers and edge.event == (edge.source if edge.source in ids else None):
            entries.append((edge.source, Link(edge.to, bit, None)))
        elif edge.source in ids and (edge.event is None or (edge.source, edge.event) in emitted):
            links[edge.source].append(Link(edge.to, bit, _outcome(edge)))
        else:
            entries.append((None, Link(edge.to, bit, None)))
    mapped: dict[str, dict[str, str]] = {}
    for mapping in ir.mappings:
        feed = f"${{{mapping.source}.{mapping.output}}}"
        mapped.setdefault(mapping.to, {})[mapping.param] = feed
    reactive = ir.graph_type == "reactive"
    names = {node.id.replace("-", "_"): node.id for node in reversed(ir.nodes)}
    return Graph(
        vertices={
            node.id: _vertex(
                node,
                {**mapped.get(node.id, {}), **node.params},
                upstream[node.id],
                tuple(links[node.id]),
                reactive,
            )
            for node in ir.nodes
        },
        entries=tuple(entries),
        reactive=reactive,
        max_iterations=(ir.max_iterations or DEFAULT_MAX_ITERATIONS) if reactive else 1,
        defaults={n: i.default for n, i in ir.inputs.items() if i.default is not None},
        required=tuple(n for n, i in ir.inputs.items() if i.default is None),
        aliases={alias: name for alias, name in names.items() if alias not in ids},
        inputs=ir.inputs,
    )


def _outcome(edge: Edge) -> str | None:
    return None if edge.event is not None else edge.action or DEFAULT_ACTION


def _vertex(
    node: Node, args: Mapping[str, Any], upstream: int, links: tuple[Link, ...], reactive: bool
) -> Vertex:
    guard = parse(node.guard) if node.guard else None
    on_error = node.on_error or "fail"
    if on_error == "route" and not any(link.outcome == RESERVED_ACTION for link in links):
        on_error = "fail"
    return Vertex(
        id=node.id,
        tool=node.tool,
        args=Binding(args),
        guard=guard,
        guards_items=guard is not None
        and node.for_each is not None
        and bool(guard.names & {"item", "index"}),
        for_each=Binding(node.for_each) if node.for_each is not None else None,
        max_parallel=node.max_parallel or DEFAULT_MAX_PARALLEL,
        retry=node.retry or Retry(),
        timeout_s=node.timeout_s,
        on_error=on_error,
        gated=node.approval == "required",
        nested=node.tool.startswith(SAVED_PREFIX),
        any=(node.join or ("any" if reactive else "all")) == "any",
        upstream=upstream,
        links=links,
    )
