"""Pictures of a plan as text: Mermaid."""

from __future__ import annotations

from backend.contracts.plans import IR
from backend.plans.drawing.scene import Arrow, Box, parts

# Mermaid reads entity codes with # where HTML has &.
_ENTITIES = {ord(mark): f"#{ord(mark)};" for mark in '"#&<>`\\|[](){}%;'} | dict.fromkeys(
    range(32), " "
)
_MAX_LABEL = 60


def mermaid(ir: IR, timezone: str = "UTC") -> str:
    """A flowchart: triggers round, gated steps six-sided, repeated steps and plans doubly framed;
    edges carry the action or the announced name they wait for, those of failing are dotted. Names
    and conditions are escaped: they may hold anything."""
    boxes, arrows = parts(ir, timezone)
    first = len(ir.triggers)
    ids = [f"t{n}" if n < first else f"s{n - first}" for n in range(len(boxes))]
    lines = ["flowchart LR"]
    lines += [f"    {id}{_box(box)}" for id, box in zip(ids, boxes, strict=True)]
    lines += [f"    {ids[each.source]} {_arrow(each)} {ids[each.target]}" for each in arrows]
    return "\n".join(lines) + "\n"


def _arrow(arrow: Arrow) -> str:
    line = "-.->" if arrow.failed else "-->"
    return f'{line}|"{_escaped(arrow.label)}"|' if arrow.label else line


def _box(box: Box) -> str:
    said = [each for each in (box.title, box.subtitle, *box.notes) if each]
    label = "<br/>".join(map(_escaped, said))
    if box.form == "trigger":
        return f'(["{label}"])'
    if box.gated:
        return f'{{{{"{label}"}}}}'
    return f'[["{label}"]]' if box.repeated or box.kind == "plan" else f'["{label}"]'


def _escaped(text: str) -> str:
    shown = text if len(text) <= _MAX_LABEL else f"{text[: _MAX_LABEL - 1]}…"
    return shown.translate(_ENTITIES)
