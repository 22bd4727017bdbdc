"""The log of a short command: only what is wrong, and never among its output."""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, NoReturn

from agents import terminal

_HEARD = frozenset({"warning", "error", "critical", "exception"})


def run(work: Coroutine[Any, Any, int], as_json: bool = False) -> NoReturn:
    """`terminal.run`, with the log on standard error."""
    with _log_apart():
        terminal.run(work, as_json)


@contextmanager
def _log_apart() -> Iterator[None]:
    import structlog

    before = structlog.get_config()
    structlog.configure(
        processors=[_loud, *before["processors"]],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def _loud(_: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if method not in _HEARD:
        import structlog

        raise structlog.DropEvent
    return event
