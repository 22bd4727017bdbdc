"""The tools that are shipped."""

from __future__ import annotations

from backend.tools.builtin import (
    changed,
    extract,
    feeds,
    files,
    http,
    llm,
    mail,
    people,
    query,
    summarize,
    waiting,
    web,
)
from backend.tools.define import Tool


def builtin() -> tuple[Tool, ...]:
    """Every shipped tool."""
    return (
        http.get,
        http.request,
        web.read,
        feeds.read_feed,
        summarize.summarize,
        extract.extract,
        llm.complete,
        query.query,
        changed.changed,
        files.read,
        files.write,
        files.append,
        files.list_files,
        mail.send,
        people.notify,
        people.ask,
        waiting.until,
    )
