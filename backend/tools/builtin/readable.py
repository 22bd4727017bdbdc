"""Any JSON value as text a person can read: mails, messages and files are made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from lxml import etree  # type: ignore[import-untyped]

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = frozenset(("p", "br", "div", "li", "tr", "section", "article", "pre", "hr", *_HEADINGS))
_SPACE = re.compile(r"\s+")
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


def text_of(html: str) -> str:
    """The visible text of HTML, a line per block."""
    if "<" not in html and "&" not in html:
        return "\n".join(line for line in map(str.strip, html.splitlines()) if line)
    tree = parsed(html)
    if tree is None:
        return ""
    parts: list[str] = []
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        visible = isinstance(element.tag, str) and element.tag not in _HIDDEN
        if element.tag in _BLOCKS:
            parts.append("\n")
        if event == "start" and visible and element.text:
            parts.append(_SPACE.sub(" ", element.text))
        if event != "start" and element.tail:
            parts.append(_SPACE.sub(" ", element.tail))
    lines = (line.strip() for line in "".join(parts).splitlines())
    return "\n".join(line for line in lines if line)


def parsed(html: str) -> Any:
    """HTML as lxml reads it, in time linear to its length whatever it is; None if there is nothing.
    (Python's own parser needs minutes for a page of the wrong kind.)"""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
    try:
        return etree.fromstring(html.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None
