"""Any JSON value as text a person can read: mails, messages and files are made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import orjson

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = frozenset(("p", "br", "div", "li", "tr", "section", "article", "pre", "hr", *_HEADINGS))
_HIDDEN = frozenset(("script", "style", "template", "title", "noscript"))


def render(value: Any) -> str:
    """A string as it is; things with a title as a list of titles, texts and links; other objects as
    `name: value` lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return _entry(value) if value.get("title") else _object(value)
    if isinstance(value, Sequence):
        gap = "\n\n" if any(isinstance(each, Mapping) for each in value) else "\n"
        return gap.join(bullet(render(each)) for each in value)
    return orjson.dumps(value).decode()


def bullet(text: str) -> str:
    """Text as one item of a list, its further lines set in."""
    return "• " + text.replace("\n", "\n  ")


def one_line(text: str, length: int) -> str:
    """Text without line breaks, cut at a word when longer than `length` characters."""
    flat = " ".join(text.split())
    if len(flat) <= length:
        return flat
    cut = flat[: length - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else cut).rstrip(" ,;:-") + "…"


def _entry(value: Mapping[str, Any]) -> str:
    text = value.get("summary") or value.get("text") or ""
    link = value.get("link") or value.get("url") or ""
    return "\n".join(render(each) for each in (value["title"], text, link) if each)


def _object(value: Mapping[str, Any]) -> str:
    lines = []
    for name, each in value.items():
        text = render(each)
        nested = isinstance(each, Mapping | list) and "\n" in text
        lines.append(f"{name}:\n  " + text.replace("\n", "\n  ") if nested else f"{name}: {text}")
    return "\n".join(lines)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN and self._hidden:
            self._hidden -= 1
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(re.sub(r"\s+", " ", data))


def text_of(html: str) -> str:
    """The visible text of an HTML fragment, a line per block."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (line.strip() for line in "".join(parser.parts).splitlines())
    return "\n".join(line for line in lines if line)
