"""/api/docs: the OpenAPI description as one plain page, without scripts or anything from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:15px/1.55 Inter,system-ui,sans-serif;max-width:54rem;margin:3rem auto;padding:0 1.2rem}
h1{font-size:1.7rem;margin-bottom:.2rem}h2{margin:2.6rem 0 .6rem;text-transform:capitalize}
section{border:1px solid var(--line);border-radius:10px;margin:.7rem 0;padding:.8rem 1rem}
section h3{margin:0;font:600 .95rem ui-monospace,monospace;overflow-wrap:anywhere}
.verb{display:inline-block;min-width:3.6rem;color:#b45309}
p{margin:.45rem 0}code{background:var(--soft);border-radius:4px;padding:.05em .3em}
dl{margin:.5rem 0 0;display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem;font-size:.9rem}
dd{margin:0}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}.verb{color:#fbbf24}}
"""
_UNSAID = "Successful Response"  # what FastAPI says of a response nobody has described
_HEAD = "<!doctype html><html lang=en><meta charset=utf-8>"


async def docs_page(request: Request) -> HTMLResponse:
    """The page; the same for everybody."""
    app: FastAPI = request.app
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return HTMLResponse("".join(_page(app.openapi())), headers=policy)


def _page(spec: dict[str, Any]) -> Iterator[str]:
    title = escape(spec["info"]["title"])
    yield f"{_HEAD}<meta name=viewport content='width=device-width'><title>{title} API</title>"
    yield f"<style>{_STYLE}</style><h1>{title} API</h1>"
    yield (
        "<p>JSON in, JSON out. Get a token at <code>POST /api/token</code> and send it as "
        "<code>Authorization: Bearer …</code>. Errors are problem details (RFC 9457) with a stable "
        "<code>code</code>. The machine's version of this page is "
        "<a href='/api/openapi.json'>openapi.json</a>.</p>"
    )
    group = None
    for path, verb, operation in _operations(spec):
        tag = operation.get("tags", ["other"])[0]
        if tag != group:
            group = tag
            yield f"<h2>{escape(tag)}</h2>"
        yield f"<section><h3><span class=verb>{verb.upper()}</span> {escape(path)}</h3>"
        for paragraph in operation.get("description", "").split("\n\n"):
            yield f"<p>{_marked(paragraph)}</p>"
        yield "<dl>"
        yield from _fields(spec, operation)
        yield "</dl></section>"
    yield "</html>"


def _operations(spec: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verbs in spec["paths"].items():
        if path.startswith("/api/"):
            for verb, operation in verbs.items():
                yield path, verb, operation


def _fields(spec: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        words = [parameter["in"], parameter.get("description", "")]
        yield _row(parameter["name"], words, parameter.get("required", False))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = _named(spec, body.get("schema", {}))
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        words = ["body", " or ".join(_types(field)), field.get("description", "")]
        yield _row(name, words, name in required)
    for status, answer in operation["responses"].items():
        if answer["description"] != _UNSAID and status != "default":
            yield f"<dt><code>{status}</code></dt><dd>{_marked(answer['description'])}</dd>"


def _row(name: str, words: list[str], required: bool) -> str:
    must = "" if required else " <small>(optional)</small>"
    said = _marked(", ".join(word for word in words if word))
    return f"<dt><code>{escape(name)}</code></dt><dd>{said}{must}</dd>"


def _marked(text: str) -> str:
    """Text as HTML, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _types(field: dict[str, Any]) -> list[str]:
    options = field.get("anyOf", [field])
    return [o["type"] for o in options if o.get("type", "null") != "null"] or ["any"]


def _named(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, where it is a reference (or an optional one)."""
    for option in schema.get("anyOf", [schema]):
        if "$ref" in option:
            found: dict[str, Any] = spec["components"]["schemas"][option["$ref"].split("/")[-1]]
            return found
    return schema
