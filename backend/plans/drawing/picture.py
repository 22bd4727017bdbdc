"""A plan as a drawing: SVG, and PNG made from it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from backend.contracts.errors import Unavailable
from backend.contracts.plans import IR
from backend.plans.drawing.ink import DARK, LIGHT, SANS, Letters, Palette, escaped
from backend.plans.drawing.layers import Layout, Point, layers
from backend.plans.drawing.scene import Arrow, Scene, scene
from backend.plans.drawing.shapes import (
    Frame,
    arrow,
    drawn,
    lane,
    measured,
    tag,
    tag_width,
    written,
)

_FONTS: Final = Path(__file__).parent / "fonts"
_MARGIN = 32.0
_BETWEEN = 56.0
_NARROWEST = 400.0
_LANE = 16.0
_MAX_LANES = 12
_PORT = 30.0
_PORTS = 170.0
_MAX_PIXELS = 12_000_000
_MAX_SIDE = 12_000
_LATIN, _MARKS = "\u0250", frozenset("–—‘’“”…€")
_TITLE = Letters(18, 600)
_WORDS = Letters(13)


def svg(ir: IR, timezone: str = "UTC", dark: bool = False) -> str:
    """The plan drawn top down under its title, as one self-contained SVG: triggers are pills, gated
    steps are marked, repeated ones stacked, ways of failing dashed. Bounded, whatever its size."""
    return _Drawing(ir, timezone, DARK if dark else LIGHT).svg()


def png(ir: IR, timezone: str = "UTC", dark: bool = False) -> bytes:
    """The same as a PNG, at twice its size where that stays within bounds. Raises `Unavailable` when
    the renderer is not installed."""
    drawing = _Drawing(ir, timezone, DARK if dark else LIGHT)
    try:
        import resvg_py
    except ImportError:
        raise Unavailable(
            "PNG pictures need the package resvg-py.", hint="pip install resvg-py"
        ) from None
    width, height = drawing.width, drawing.height
    zoom = min(2.0, _MAX_SIDE / max(width, height), (_MAX_PIXELS / (width * height)) ** 0.5)
    text = drawing.svg()
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=text,
            width=max(1, int(width * zoom)),
            # Our own letters suffice for most; looking for others takes a while.
            skip_system_fonts=all(mark < _LATIN or mark in _MARKS for mark in set(text)),
            font_dirs=[str(_FONTS)],
            font_family="Inter",
            sans_serif_family="Inter",
            monospace_family="JetBrains Mono",
        )
    )


class _Drawing:
    """Everything placed; `width` and `height` are the page's, in pixels."""

    def __init__(self, ir: IR, timezone: str, ink: Palette) -> None:
        self._ink = ink
        self._scene = scene(ir, timezone)
        sizes = [measured(box) for box in self._scene.boxes]
        arrows = self._scene.arrows
        self._layout = layers(sizes, [(each.source, each.target) for each in arrows], _BETWEEN)
        lanes = min(sum(route is None for route in self._layout.routes), _MAX_LANES)
        drawn_width = self._layout.width + (_LANE * (lanes + 1) if lanes else 0)
        width = max(drawn_width, _NARROWEST)
        self._title = _TITLE.cut(str(ir.metadata.get("plan_name", "plan")), width)
        self._words = list(_WORDS.wrapped(str(ir.metadata.get("description", "")), width, 3))
        head = 22.0 + 19.0 * len(self._words) + 26.0
        self.width = width + 2 * _MARGIN
        self.height = head + self._layout.height + 2 * _MARGIN
        left, top = _MARGIN + (width - drawn_width) / 2, _MARGIN + head
        self._frames = [
            Frame(box, left + x, top + y, *size)
            for box, (x, y), size in zip(self._scene.boxes, self._layout.places, sizes, strict=True)
        ]
        self._origin: Point = (left, top)

    def svg(self) -> str:
        width, height = f"{self.width:.0f}", f"{self.height:.0f}"
        lines, tags = self._arrows()
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" role="img" font-family="{SANS}">',
                f"<title>{escaped(self._title)}</title>",
                f"<desc>{escaped(described(self._scene))}</desc>",
                f'<rect width="100%" height="100%" fill="{self._ink.page}"/>',
                written(self._title, _MARGIN, _MARGIN + 15, _TITLE, self._ink.ink),
                *(
                    written(line, _MARGIN, _MARGIN + 38 + 19 * place, _WORDS, self._ink.soft)
                    for place, line in enumerate(self._words)
                ),
                '<g fill="none" stroke-width="1.5">',
                *lines,
                "</g>",
                *(line for frame in self._frames for line in drawn(frame, self._ink)),
                *tags,
                "</svg>\n",
            )
        )

    def _arrows(self) -> tuple[list[str], list[str]]:
        lines: list[str] = []
        tags: list[str] = []
        ports = _ports(self._scene.arrows, self._layout)
        lanes = 0
        for number, each in enumerate(self._scene.arrows):
            colour = self._ink.fail_line if each.failed else self._ink.arrow
            source, target = self._frames[each.source], self._frames[each.target]
            route = self._layout.routes[number]
            if route is None:
                lanes = min(lanes + 1, _MAX_LANES)
                right = self._origin[0] + self._layout.width + _LANE * lanes
                if source is target:
                    right = source.left + source.width + 24
                start = (source.left + source.width, source.y + 42)
                end = (target.left + target.width, target.y + 16)
                lines += lane(start, end, right, colour, dashed=each.failed)
                place = (right, (start[1] + end[1]) / 2)
            else:
                first = (source.x + ports[number], source.bottom)
                bends = [(self._origin[0] + x, self._origin[1] + y) for x, y in route]
                points = [first, *bends, (target.x, target.y)]
                lines += arrow(points, colour, dashed=each.failed)
                place = _along(points[0], points[1])
            if each.label:
                tags += tag(each.label, *place, self._ink, failed=each.failed)
        return lines, tags


def described(scene: Scene) -> str:
    """The picture in words, for who cannot see it."""
    triggers = [box.title for box in scene.boxes if box.form == "trigger"]
    steps = []
    for place, box in enumerate(scene.boxes):
        if box.form == "trigger":
            continue
        after = [scene.boxes[each.source].title for each in scene.arrows if each.target == place]
        said = f"{box.title} ({box.subtitle})" if box.subtitle else box.title
        steps.append(f"{said} after {', '.join(after[:9])}" if after else said)
        if len(steps) == 50:
            break
    starts = f"Starts: {'; '.join(triggers[:20])}. " if triggers else ""
    return f"{starts}Steps: {'; '.join(steps)}."


def _ports(arrows: tuple[Arrow, ...], layout: Layout) -> list[float]:
    """How far from a box's middle each arrow leaves it: one place for each outcome, in the order in
    which their targets lie."""
    reach: dict[int, dict[str, list[float]]] = {}
    for each in arrows:
        ends = reach.setdefault(each.source, {}).setdefault(each.label, [])
        ends.append(layout.places[each.target][0])
    ports: dict[tuple[int, str], float] = {}
    for source, outcomes in reach.items():
        ordered = sorted(outcomes, key=lambda label: sum(outcomes[label]) / len(outcomes[label]))
        widths = [max(1.4 * tag_width(label) + 4, _PORT) if label else _PORT for label in ordered]
        at = (widths[0] - widths[-1] if len(widths) > 1 else 0.0) / 2 - sum(widths) / 2
        narrow = min(1.0, _PORTS / sum(widths))
        for label, width in zip(ordered, widths, strict=True):
            ports[source, label] = (at + width / 2) * narrow
            at += width
    return [ports[each.source, each.label] for each in arrows]


def _along(start: Point, end: Point) -> Point:
    """A point of the curve between two, near its beginning: labels of one box keep apart there."""
    return start[0] + 0.28 * (end[0] - start[0]), start[1] + 0.38 * (end[1] - start[1])
