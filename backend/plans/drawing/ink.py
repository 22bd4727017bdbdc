"""What pictures are drawn with: colours, letters and their widths, small signs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SANS: Final = "Inter, 'Inter Variable', system-ui, sans-serif"
MONO: Final = "'JetBrains Mono', 'JetBrains Mono Variable', ui-monospace, monospace"

# Widths of Inter's printable ASCII, regular and semibold, in thousandths of the size.
_REGULAR: Final = (
    281, 288, 466, 633, 642, 982, 644, 300, 365, 365, 501, 662, 288, 460, 288, 360, 631, 407, 610,
    618, 646, 593, 620, 566, 619, 620, 288, 302, 662, 662, 662, 511, 966, 690, 654, 730, 722, 601,
    590, 746, 743, 269, 571, 672, 565, 903, 753, 765, 639, 765, 644, 642, 646, 744, 690, 985, 682,
    679, 629, 365, 360, 365, 471, 456, 323, 562, 612, 571, 612, 583, 370, 613, 591, 242, 242, 549,
    242, 876, 591, 600, 612, 612, 376, 528, 327, 591, 562, 818, 546, 562, 552, 426, 333, 426, 662,
)  # fmt: skip
_SEMIBOLD: Final = (
    252, 321, 523, 644, 650, 1004, 663, 326, 373, 373, 540, 673, 319, 465, 319, 379, 660, 423, 623,
    636, 666, 612, 640, 576, 640, 640, 319, 329, 673, 673, 673, 543, 999, 728, 659, 737, 722, 605,
    588, 749, 746, 277, 580, 703, 565, 922, 759, 769, 645, 773, 652, 650, 660, 736, 728, 1020, 720,
    713, 652, 373, 379, 373, 481, 469, 351, 574, 624, 583, 624, 591, 389, 625, 612, 262, 262, 569,
    262, 900, 612, 609, 624, 624, 397, 549, 353, 612, 587, 839, 569, 588, 566, 455, 359, 455, 673,
)  # fmt: skip
_MONOSPACED: Final = (600,) * 95
_NARROW, _WIDE = 650, 1000


@dataclass(frozen=True, slots=True)
class Letters:
    """`size` in pixels."""

    size: float
    weight: int = 400
    mono: bool = False

    def width(self, text: str) -> float:
        """About how wide the text is, in pixels; never much too little."""
        return sum(map(self._advance, text)) * self.size / 1000

    def cut(self, text: str, width: float) -> str:
        """The text, or as much of its beginning as fits, on one line."""
        text = _one_line(text)
        if self.width(text) <= width:
            return text
        room = width - self.width("…")
        kept = 0
        for mark in text:
            room -= self._advance(mark) * self.size / 1000
            if room < 0:
                break
            kept += 1
        return f"{text[:kept].rstrip()}…"

    def wrapped(self, text: str, width: float, lines: int) -> Iterator[str]:
        """The text on at most so many lines."""
        words = _one_line(text).split(" ")
        while words and lines:
            count = 1
            while count < len(words) and self.width(" ".join(words[: count + 1])) <= width:
                count += 1
            count = len(words) if lines == 1 else count
            yield self.cut(" ".join(words[:count]), width)
            words, lines = words[count:], lines - 1

    def _advance(self, mark: str) -> int:
        code = ord(mark) - 32
        if 0 <= code < 95:
            table = _MONOSPACED if self.mono else _SEMIBOLD if self.weight > 500 else _REGULAR
            return table[code]
        if unicodedata.combining(mark):
            return 0
        return _WIDE if unicodedata.east_asian_width(mark) in "WF" else _NARROW


@dataclass(frozen=True, slots=True)
class Palette:
    page: str
    surface: str
    ink: str
    soft: str
    line: str
    arrow: str
    accent: str
    accent_soft: str
    wait: str
    wait_soft: str
    wait_line: str
    fail: str
    fail_soft: str
    fail_line: str


LIGHT: Final = Palette(
    page="#fbfbfd",
    surface="#ffffff",
    ink="#16161d",
    soft="#606070",
    line="#dcdce4",
    arrow="#8a8a9b",
    accent="#4338ca",
    accent_soft="#eeedfd",
    wait="#93500a",
    wait_soft="#fdf3e0",
    wait_line="#b98730",
    fail="#b3261e",
    fail_soft="#fdedec",
    fail_line="#cc6a62",
)
DARK: Final = Palette(
    page="#111113",
    surface="#19191d",
    ink="#ededf0",
    soft="#a5a5ae",
    line="#33333b",
    arrow="#6d6d7b",
    accent="#a5b4fc",
    accent_soft="#23234a",
    wait="#f0b65c",
    wait_soft="#2e2313",
    wait_line="#8f6a2e",
    fail="#ff9d94",
    fail_soft="#351b1a",
    fail_line="#b25d55",
)

# Drawn as lines on a square of 24; by the first part of a tool's id, or the kind of a trigger.
SIGNS: Final = {
    "email": "M3 6h18v12H3zM3 7l9 6.5L21 7",
    "feed": "M5 11a8 8 0 0 1 8 8M5 5a14 14 0 0 1 14 14M6 18.2v.1",
    "web": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c4 4.5 4 13.5 0 18M12 3c-4 4.5-4 13.5 0 18",
    "text": "M5 6h14M5 12h14M5 18h8",
    "llm": "M12 3l2.2 6.8L21 12l-6.8 2.2L12 21l-2.2-6.8L3 12l6.8-2.2z",
    "file": "M6 3h8l5 5v13H6zM14 3v5h5",
    "json": "M8 4C4.5 4 7 11 4 12c3 1 .5 8 4 8M16 4c3.5 0 1 7 4 8-3 1-.5 8-4 8",
    "notify": "M4 5h16v11h-9l-4 4v-4H4z",
    "human": "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM5 20c0-3.5 3-5.5 7-5.5s7 2 7 5.5",
    "wait": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2",
    "plan": "M4 4h7v7H4zM13 13h7v7h-7zM11 7.5h5.5V13",
    "manual": "M8 5v14l11-7z",
    "webhook": "M10 14l4-4M8 11.5 6 14a3 3 0 0 0 4 4L13 16M11 8l2-2A3 3 0 0 1 18 10l-3 3",
    "event": "M6 17h12l-1.5-2.5V10a4.5 4.5 0 0 0-9 0v4.5zM10.5 20h3",
    "": "M13 3 5 13.5h6L10 21l8-10.5h-6z",
}  # fmt: skip
ALIASES: Final = {"http": "web", "cron": "wait", "interval": "wait", "at": "wait"}


def sign(kind: str) -> str:
    return SIGNS.get(ALIASES.get(kind, kind), SIGNS[""])


def escaped(text: str) -> str:
    """Text for SVG: marks escaped, and what XML does not allow left out."""
    return "".join(_ENTITIES.get(mark, mark) for mark in text if _allowed(mark))


_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


def _allowed(mark: str) -> bool:
    return unicodedata.category(mark) not in ("Cc", "Cs", "Cn", "Co", "Cf")


def _one_line(text: str) -> str:
    return " ".join(text[:1_000].split())
