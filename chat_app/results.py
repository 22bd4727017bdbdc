"""Values as a card can show them: text, links, tables, lists, fields; cut to what a page can carry."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

PREVIEW = 160
TEXT = 6_000
ROWS = 8
COLUMNS = 4
CELL = 200
MAIN_FIELDS = ("summary", "text", "answer", "markdown", "content", "body", "message")
LINK_FIELDS = ("link", "url", "href")
TITLE_FIELDS = ("title", "name", "subject", "path")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
MARKS = re.compile(
    r"(^|(?<=\n))\s*(#{1,6}|[-*+>•])\s+|\*{1,3}|`+|(?<!\w)_{1,3}(?=\w)|(?<=\w)_{1,3}(?!\w)"
)
SECRET = re.compile(r"passw|secret|token|api_?key|credential|authorization", re.IGNORECASE)


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def compact(value: Any, limit: int = CELL) -> str:
    """A value in one line."""
    if isinstance(value, str):
        return cut(" ".join(value[: limit * 2].split()), limit)
    if isinstance(value, list | tuple) and value and not isinstance(value[0], str | int | float):
        return f"{len(value)} items"
    return cut(json.dumps(value, ensure_ascii=False, default=str), limit)


def safe_link(value: Any) -> str:
    """The value when it is an absolute http(s) address, else nothing."""
    if not isinstance(value, str) or len(value) > 2_000 or any(c.isspace() for c in value):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in ("http", "https") and parts.netloc else ""


def without_secrets(value: Any, depth: int = 8) -> Any:
    """The value with whatever is called a password, token, key … masked."""
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(k): "•••" if SECRET.search(str(k)) and v else without_secrets(v, depth - 1)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(v, depth - 1) for v in value]
    return value


def has_words(value: Any) -> bool:
    """Whether there is something to read in a result, not only a receipt."""
    return isinstance(value, Mapping) and any(
        isinstance(value.get(key), str) and value[key].strip() for key in MAIN_FIELDS
    )


def preview(value: Any) -> str:
    """The first line of a result: what a folded row says."""
    if isinstance(value, Mapping):
        for key in MAIN_FIELDS:
            if isinstance(value.get(key), str) and value[key].strip():
                return _plain(value[key])
        counts = [f"{len(v)} {k}" for k, v in value.items() if isinstance(v, list | tuple)]
        if counts:
            return cut(" · ".join(counts), PREVIEW)
        return cut(" · ".join(f"{k} {compact(v, 60)}" for k, v in value.items()), PREVIEW)
    if isinstance(value, list | tuple):
        return f"{len(value)} {'result' if len(value) == 1 else 'results'}"
    if isinstance(value, str):
        return _plain(value)
    return "" if value is None else compact(value, PREVIEW)


def _plain(markdown: str) -> str:
    """Its words without the marks: a folded row is one line of plain text."""
    text = LINK.sub(r"\1", markdown[: PREVIEW * 4])
    return compact(MARKS.sub("", text), PREVIEW)


def shown(value: Any, text: int = TEXT) -> dict[str, Any]:
    """`{"kind": "text" | "link" | "links" | "table" | "list" | "fields" | "none", …}`, bounded."""
    value = without_secrets(value)
    if isinstance(value, Mapping):
        return _mapping(value, text)
    if isinstance(value, list | tuple):
        return _sequence(value)
    if value is None or value == "":
        return {"kind": "none"}
    if link := safe_link(value):
        return {"kind": "link", "href": link, "text": cut(link, CELL)}
    words = value if isinstance(value, str) else json.dumps(value, default=str)
    return {"kind": "text", "text": cut(words, text), "more": max(0, len(words) - text)}


def _mapping(value: Mapping[str, Any], text: int) -> dict[str, Any]:
    if {"columns", "rows"} <= value.keys() and isinstance(value["rows"], list):
        return _table(value["rows"], value["columns"])
    main = next((k for k in MAIN_FIELDS if isinstance(value.get(k), str) and value[k].strip()), "")
    if main:
        return shown(value[main], text)
    lists = [k for k, v in value.items() if isinstance(v, list | tuple) and v]
    if len(lists) == 1:
        return _sequence(value[lists[0]])
    if not value:
        return {"kind": "none"}
    rows = [[k, compact(v), safe_link(v)] for k, v in list(value.items())[: ROWS * 2]]
    return {"kind": "fields", "rows": rows, "more": max(0, len(value) - ROWS * 2)}


def _sequence(value: Sequence[Any]) -> dict[str, Any]:
    if not value:
        return {"kind": "none"}
    more = max(0, len(value) - ROWS)
    head = value[:ROWS]
    if all(isinstance(v, Mapping) for v in head):
        links = [_linked(v) for v in head]
        if all(link is not None for link in links):
            return {"kind": "links", "items": links, "more": more}
        return _table(value, None)
    return {"kind": "list", "items": [compact(v) for v in head], "more": more}


def _linked(value: Mapping[str, Any]) -> dict[str, str] | None:
    href = next((safe_link(value[k]) for k in LINK_FIELDS if safe_link(value.get(k))), "")
    title = next((value[k] for k in TITLE_FIELDS if isinstance(value.get(k), str)), "")
    if not href:
        return None
    return {"href": href, "text": compact(title or href, CELL), "host": urlsplit(href).netloc}


def _table(rows: Sequence[Any], columns: Any) -> dict[str, Any]:
    if not isinstance(columns, list) or not columns:
        first = rows[0] if rows else {}
        columns = list(first) if isinstance(first, Mapping) else list(range(len(first or ())))
    columns = columns[:COLUMNS]
    cells = []
    for row in rows[:ROWS]:
        values = [row.get(c) for c in columns] if isinstance(row, Mapping) else list(row)[:COLUMNS]
        cells.append(["" if v is None else compact(v, 80) for v in values])
    return {
        "kind": "table",
        "columns": [compact(c, 40) for c in columns],
        "rows": cells,
        "more": max(0, len(rows) - ROWS),
    }
