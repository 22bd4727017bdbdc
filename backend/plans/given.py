"""What a plan gives back when another calls it: what its last steps give, under natural names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backend.contracts.errors import Invalid
from backend.contracts.plans import IR, RESERVED_ACTION, Catalogue, Node
from backend.plans.bindings import Reference, references

Place = tuple[str, str]
ALL = "steps"


def given(ir: IR, catalogue: Catalogue) -> dict[str, Place]:
    """(step, output) by name. The last steps are those that nothing follows; where one of them acts on
    the world (sends, writes), what was handed to it counts too: a digest that is mailed is a digest.
    A name that two of them give is left out; `collect` has both under "steps"."""
    last = _last(ir)
    handed = [place for node in last for place in _handed(node, ir, catalogue)]
    return _named(list(_outputs(last, catalogue))) | {
        name: place
        for name, place in _named(handed).items()
        if name not in {output for _, output in _outputs(last, catalogue)}
    }


def collect(places: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The values at `places` ({name: [step, output]}) of a run's `outputs` ({step: its output, None for
    one that has none}); null where there is none. "steps" has the whole of these steps' outputs."""
    found: dict[str, Any] = {}
    steps: dict[str, Any] = {}
    for name, (step, output) in places.items():
        value = outputs.get(step)
        found[name] = value.get(output) if isinstance(value, Mapping) else None
        steps[step] = value
    return {**found, ALL: steps}


def unsure(ir: IR, catalogue: Catalogue) -> frozenset[str]:
    """The steps that a run may skip, or that may fail without ending it."""
    nodes = {node.id: node for node in ir.nodes}
    branching = {node.id for node in ir.nodes if _branches(node, catalogue)}
    followers: dict[str, list[str]] = {}
    ready: list[str] = []
    for edge in ir.edges:
        if edge.source not in nodes:
            ready.append(edge.to)
        elif edge.action is None and (edge.event is not None or edge.source not in branching):
            followers.setdefault(edge.source, []).append(edge.to)
    certain: set[str] = set()
    while ready and ir.graph_type == "acyclic":
        node = nodes[ready.pop()]
        if node.id in certain or node.guard or node.on_error in ("continue", "route"):
            continue
        certain.add(node.id)
        ready += followers.get(node.id, ())
    return frozenset(nodes.keys() - certain)


def _branches(node: Node, catalogue: Catalogue) -> bool:
    spec = catalogue.tools.get(node.tool)
    return spec is not None and bool(spec.actions)


def _last(ir: IR) -> list[Node]:
    """In a loop every step is followed: then it is the last one written down."""
    followed = {edge.source for edge in ir.edges if edge.action != RESERVED_ACTION}
    return [node for node in ir.nodes if node.id not in followed] or ir.nodes[-1:]


def _outputs(nodes: list[Node], catalogue: Catalogue) -> Iterator[Place]:
    for node in nodes:
        spec = catalogue.tools.get(node.tool)
        for name in (spec.outputs.get("properties") or {}) if spec else ():
            if name != ALL:
                yield node.id, name


def _handed(node: Node, ir: IR, catalogue: Catalogue) -> Iterator[Place]:
    spec = catalogue.tools.get(node.tool)
    if spec is None or spec.purity == "pure":
        return
    ids = {other.id for other in ir.nodes}
    found: list[Reference] = []
    for value in node.params.values():
        try:
            found += references(value)
        except Invalid:  # validation reports it
            continue
    for reference in found:
        output = reference.path[0] if reference.path else ALL
        if reference.root in ids and isinstance(output, str) and output != ALL:
            yield reference.root, output


def _named(places: list[Place]) -> dict[str, Place]:
    """The names that one step alone gives."""
    by_name: dict[str, set[Place]] = {}
    for place in places:
        by_name.setdefault(place[1], set()).add(place)
    return {name: found.pop() for name, found in by_name.items() if len(found) == 1}
