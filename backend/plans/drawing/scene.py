"""What a picture of a plan shows: boxes and arrows, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from backend.contracts.plans import IR, RESERVED_ACTION, Node
from backend.plans.drawing.layers import ranks
from backend.plans.firings import words

MAX_ROW = 9
MAX_ROWS = 60


@dataclass(frozen=True, slots=True)
class Box:
    """`kind` is a trigger's, or the first part of a tool's id. `notes` are short lines."""

    form: Literal["trigger", "step", "more"]
    title: str
    subtitle: str = ""
    kind: str = ""
    notes: tuple[str, ...] = ()
    gated: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """`source` and `target` are places among the boxes; `label` may be empty."""

    source: int
    target: int
    label: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def scene(ir: IR, timezone: str) -> Scene:
    """What is drawn. What would not fit a picture (more than `MAX_ROW` side by side, more
    than `MAX_ROWS` below each other) is drawn together as "and n more"."""
    return _folded(*parts(ir, timezone))


def parts(ir: IR, timezone: str) -> tuple[list[Box], list[Arrow]]:
    """All triggers and, after them, all steps; and one arrow between any two of them for each way of
    failing or not. Names that nobody announces have none."""
    heard = {(edge.source, edge.event) for edge in ir.edges if edge.event}
    arriving = Counter(edge.to for edge in ir.edges)
    first = "any" if ir.graph_type == "reactive" else "all"
    boxes = [Box("trigger", words(each, timezone), kind=each.kind) for each in ir.triggers]
    for node in ir.nodes:
        waits = arriving[node.id] > 1 and (node.join or first) == "any"
        said = (*_notes(node, heard), *(("at the first of these",) if waits else ()))
        boxes.append(_step(node, said))
    return boxes, list(_arrows(ir))


def _notes(node: Node, heard: set[tuple[str, str]]) -> Iterator[str]:
    """What a step does besides calling its tool; `heard` are (step, emitted name) that edges carry."""
    if node.guard is not None:
        yield f"if {node.guard}"
    if node.for_each is not None:
        loop = node.for_each.strip()
        yield f"for each {loop.removeprefix('${').removesuffix('}')}"
    if node.on_error == "continue":
        yield "goes on if it fails"
    for name in node.emits:
        if (node.id, name) not in heard:
            yield f"announces {name}"


def _step(node: Node, notes: tuple[str, ...]) -> Box:
    return Box(
        "step",
        node.id,
        node.tool,
        node.tool.partition(".")[0],
        notes,
        node.approval == "required",
        node.for_each is not None,
    )


def _arrows(ir: IR) -> Iterator[Arrow]:
    triggers = {trigger.name: place for place, trigger in enumerate(ir.triggers)}
    steps = {node.id: len(ir.triggers) + place for place, node in enumerate(ir.nodes)}
    found: dict[tuple[int, int, bool], dict[str, None]] = {}
    for edge in ir.edges:
        verbatim = edge.event is not None and edge.event == edge.source
        of_trigger = edge.source not in steps or (verbatim and edge.source in triggers)
        source = triggers.get(edge.source) if of_trigger else steps.get(edge.source)
        if source is not None:
            said = "" if of_trigger else edge.action or edge.event or ""
            key = (source, steps[edge.to], edge.action == RESERVED_ACTION)
            found.setdefault(key, {})[said] = None
    for (source, target, failed), labels in found.items():
        yield Arrow(source, target, " or ".join(each for each in labels if each), failed)


def _folded(boxes: list[Box], arrows: list[Arrow]) -> Scene:
    rows = ranks(len(boxes), [(arrow.source, arrow.target) for arrow in arrows])
    sizes = Counter(rows)
    if not boxes or (max(sizes.values()) <= MAX_ROW and max(rows) < MAX_ROWS):
        return Scene(tuple(boxes), tuple(arrows))
    kept: list[Box] = []
    places: list[int] = []
    filled: Counter[int] = Counter()
    rests: dict[int, tuple[int, int]] = {}
    for box, row in zip(boxes, rows, strict=True):
        row = min(row, MAX_ROWS - 1)
        filled[row] += 1
        crowded = row == MAX_ROWS - 1 if max(rows) >= MAX_ROWS else False
        if not crowded and (sizes[row] <= MAX_ROW or filled[row] < MAX_ROW):
            places.append(len(kept))
            kept.append(box)
            continue
        place, count = rests.get(row, (len(kept), 0))
        if not count:
            kept.append(Box("more", ""))
        rests[row] = (place, count + 1)
        places.append(place)
    for place, count in rests.values():
        kept[place] = replace(kept[place], title=f"and {count:,} more steps")
    folded = dict.fromkeys(
        replace(arrow, source=places[arrow.source], target=places[arrow.target])
        for arrow in arrows
        if places[arrow.source] != places[arrow.target]
    )
    return Scene(tuple(kept), tuple(folded))
