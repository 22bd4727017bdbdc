"""The shapes of a plan's picture: boxes, pills, arrows and their labels, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backend.plans.drawing.ink import MONO, Letters, Palette, escaped, sign
from backend.plans.drawing.layers import Point
from backend.plans.drawing.scene import Box

STACK: Final = 5.0
TIP: Final = 8.0
_NARROWEST, _WIDEST = 184.0, 300.0
_SIGN_ROOM = 54.0
_PAD = 16.0
_LINE = 19.0
_NAME = Letters(14, 600)
_TOOL = Letters(12, mono=True)
_NOTE = Letters(12)
_TRIGGER = Letters(13, 600)
_LABEL = Letters(11, 600)
_TAG = 170.0
_ASKS: Final = "asks first"


@dataclass(frozen=True, slots=True)
class Frame:
    """A box on the page; `x` is its middle, `y` its upper edge."""

    box: Box
    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def bottom(self) -> float:
        """Where arrows leave it."""
        return self.y + self.height + (2 * STACK if self.box.repeated else 0)


def measured(box: Box) -> Point:
    """Width and height."""
    if box.form == "trigger":
        return min(_TRIGGER.width(box.title) + 1, _WIDEST) + 54, 36.0
    if box.form == "more":
        return _NAME.width(box.title) + 2 * _PAD, 40.0
    widest = max(
        _NAME.width(box.title) + (78 if box.gated else 0),
        _TOOL.width(box.subtitle),
        *(_NOTE.width(note) - _SIGN_ROOM + _PAD for note in box.notes),
        _NARROWEST - _SIGN_ROOM - _PAD,
    )
    notes = _LINE * len(box.notes) + 10 if box.notes else 0
    return min(widest + 1 + _SIGN_ROOM + _PAD, _WIDEST), 56.0 + notes


def drawn(frame: Frame, ink: Palette) -> Iterator[str]:
    match frame.box.form:
        case "trigger":
            yield from _pill(frame, ink)
        case "more":
            yield _rect(frame, 0, ink.page, ink.arrow, more=' stroke-dasharray="4 4"')
            yield written(frame.box.title, frame.x, frame.y + 25, _NAME, ink.soft, middle=True)
        case _:
            yield from _card(frame, ink)


def arrow(points: Sequence[Point], colour: str, *, dashed: bool) -> Iterator[str]:
    """A line down through these points, upright at each, with a tip at its end."""
    (x, y), *rest = points
    path = [f"M{x:.1f} {y:.1f}"]
    end = rest[-1][1] - TIP + 1
    for number, (right, low) in enumerate(rest):
        low = end if number == len(rest) - 1 else low
        if abs(right - x) < 0.6:
            path.append(f"V{low:.1f}")
        else:
            half = (y + low) / 2
            path.append(f"C{x:.1f} {half:.1f} {right:.1f} {half:.1f} {right:.1f} {low:.1f}")
        x, y = right, low
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    yield f'<path d="{"".join(path)}" stroke="{colour}"{dash}/>'
    yield _tip(x, rest[-1][1], colour)


def lane(start: Point, end: Point, right: float, colour: str, *, dashed: bool) -> Iterator[str]:
    """A line from the right side of one box, by a lane at `right`, to that of another."""
    (x, y), (to_x, to_y) = start, end
    bend = min(12.0, abs(y - to_y) / 2)
    turn = bend if y >= to_y else -bend
    path = (
        f"M{x:.1f} {y:.1f}H{right - bend:.1f}q{bend:.1f} 0 {bend:.1f} {-turn:.1f}"
        f"V{to_y + turn:.1f}q0 {-turn:.1f} {-bend:.1f} {-turn:.1f}H{to_x + TIP - 1:.1f}"
    )
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    yield f'<path d="{path}" stroke="{colour}"{dash}/>'
    tip = f"M{to_x:.1f} {to_y:.1f}l{TIP} -4.5v9z"
    yield f'<path d="{tip}" fill="{colour}" stroke="none"/>'


def tag_width(text: str) -> float:
    return _LABEL.width(_LABEL.cut(text, _TAG)) + 16


def tag(text: str, x: float, y: float, ink: Palette, *, failed: bool) -> Iterator[str]:
    """A label in the middle of an arrow."""
    text, width = _LABEL.cut(text, _TAG), tag_width(text)
    fill, line, colour = (
        (ink.fail_soft, ink.fail_line, ink.fail) if failed else (ink.surface, ink.line, ink.soft)
    )
    yield (
        f'<rect x="{x - width / 2:.1f}" y="{y - 10:.1f}" width="{width:.1f}" height="20" rx="10" '
        f'fill="{fill}" stroke="{line}"/>'
    )
    yield written(text, x, y + 4, _LABEL, colour, middle=True)


def written(
    text: str, x: float, y: float, letters: Letters, colour: str, *, middle: bool = False
) -> str:
    weight = f' font-weight="{letters.weight}"' if letters.weight != 400 else ""
    family = f' font-family="{MONO}"' if letters.mono else ""
    anchor = ' text-anchor="middle"' if middle else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{letters.size:g}"{weight}{family}{anchor} '
        f'fill="{colour}">{escaped(text)}</text>'
    )


def _pill(frame: Frame, ink: Palette) -> Iterator[str]:
    yield (
        f'<rect x="{frame.left:.1f}" y="{frame.y:.1f}" width="{frame.width:.1f}" '
        f'height="{frame.height:.1f}" rx="{frame.height / 2:.1f}" fill="{ink.accent_soft}"/>'
    )
    yield _sign(frame.box.kind, frame.left + 14, frame.y + 10, 16, ink.accent)
    title = _TRIGGER.cut(frame.box.title, _WIDEST)
    yield written(title, frame.left + 37, frame.y + 23, _TRIGGER, ink.accent)


def _card(frame: Frame, ink: Palette) -> Iterator[str]:
    box = frame.box
    line = ink.wait_line if box.gated else ink.line
    if box.repeated:
        yield _rect(frame, 2 * STACK, ink.surface, line)
        yield _rect(frame, STACK, ink.surface, line)
    yield _rect(frame, 0, ink.surface, line)
    if box.kind == "plan":
        yield _rect(frame, 0, "none", ink.line, inset=4)
    left, right = frame.left + _SIGN_ROOM, frame.left + frame.width - _PAD
    yield (
        f'<rect x="{frame.left + 14:.1f}" y="{frame.y + 14:.1f}" width="28" height="28" rx="8" '
        f'fill="{ink.accent_soft}"/>'
    )
    yield _sign(box.kind, frame.left + 20, frame.y + 20, 16, ink.accent)
    room = right - left - (78 if box.gated else 0)
    yield written(_NAME.cut(box.title, room), left, frame.y + 26, _NAME, ink.ink)
    yield written(_TOOL.cut(box.subtitle, right - left), left, frame.y + 43, _TOOL, ink.soft)
    if box.gated:
        yield from _badge(right - 66, frame.y + 13, ink)
    if box.notes:
        rule = frame.y + 56
        yield f'<path d="M{frame.left + 0.5:.1f} {rule:.1f}h{frame.width - 1:.1f}" stroke="{ink.line}"/>'
    for number, note in enumerate(box.notes):
        low = frame.y + 74 + _LINE * number
        room = right - frame.left - _PAD
        yield written(_NOTE.cut(note, room), frame.left + 15, low, _NOTE, ink.soft)


def _badge(x: float, y: float, ink: Palette) -> Iterator[str]:
    yield (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="72" height="19" rx="9.5" fill="{ink.wait_soft}"/>'
    )
    yield written(_ASKS, x + 36, y + 13.5, _LABEL, ink.wait, middle=True)


def _rect(
    frame: Frame, down: float, fill: str, line: str, *, inset: float = 0, more: str = ""
) -> str:
    return (
        f'<rect x="{frame.left + down + inset:.1f}" y="{frame.y + down + inset:.1f}" '
        f'width="{frame.width - 2 * inset:.1f}" height="{frame.height - 2 * inset:.1f}" '
        f'rx="{12 - inset / 2:g}" fill="{fill}" stroke="{line}"{more}/>'
    )


def _sign(kind: str, x: float, y: float, size: float, colour: str) -> str:
    return (
        f'<path transform="translate({x:.1f} {y:.1f}) scale({size / 24:.4f})" d="{sign(kind)}" '
        f'fill="none" stroke="{colour}" stroke-width="2.2" stroke-linecap="round" '
        'stroke-linejoin="round"/>'
    )


def _tip(x: float, y: float, colour: str) -> str:
    return f'<path d="M{x:.1f} {y:.1f}l-4.5 -{TIP}h9z" fill="{colour}" stroke="none"/>'
