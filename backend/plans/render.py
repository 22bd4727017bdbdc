"""Pictures of a plan as text: Mermaid."""

from __future__ import annotations

from backend.contracts.plans import IR, Node
from backend.plans.firings import words

# Mermaid reads entity codes with # where HTML has &.
_ENTITIES = {ord(mark): f"#{ord(mark)};" for mark in '"#&<>`\\|[](){}%;'} | dict.fromkeys(
    range(32), " "
)
_MAX_LABEL = 60


def mermaid(ir: IR, timezone: str = "UTC") -> str:
    """A flowchart: triggers round, gated steps six-sided, repeated steps doubly framed; edges carry
    the action they wait for. Names and conditions are escaped: they may hold anything."""
    ids = {node.id: f"s{index}" for index, node in enumerate(ir.nodes)}
    ids_of_triggers = {trigger.name: f"t{index}" for index, trigger in enumerate(ir.triggers)}
    lines = ["flowchart LR"]
    lines += [
        f'    {ids_of_triggers[trigger.name]}(["{_escaped(words(trigger, timezone))}"])'
        for trigger in ir.triggers
    ]
    lines += [f"    {ids[node.id]}{_box(node)}" for node in ir.nodes]
    for edge in ir.edges:
        source = ids_of_triggers.get(edge.source) or ids.get(edge.source)
        if source is not None:
            label = edge.action or ""
            arrow = f'-->|"{_escaped(label)}"|' if label else "-->"
            lines.append(f"    {source} {arrow} {ids[edge.to]}")
    return "\n".join(lines) + "\n"


def _box(node: Node) -> str:
    said = [_escaped(node.id), _escaped(node.tool)]
    if node.guard is not None:
        said.append(f"if {_escaped(node.guard)}")
    if node.for_each is not None:
        said.append(f"for each {_escaped(node.for_each)}")
    label = "<br/>".join(said)
    if node.approval == "required":
        return f'{{{{"{label}"}}}}'
    return f'[["{label}"]]' if node.for_each is not None else f'["{label}"]'


def _escaped(text: str) -> str:
    shown = text if len(text) <= _MAX_LABEL else f"{text[: _MAX_LABEL - 1]}…"
    return shown.translate(_ENTITIES)
