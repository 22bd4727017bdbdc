"""What of the backend did not answer lately, counted in one place, and whether it does now."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar, cast

import structlog

from backend.contracts.errors import Unavailable

T = TypeVar("T")
Status = Literal["ok", "degraded", "down"]

RECENT = timedelta(seconds=10)
PATIENCE_S = 2.0
FRESH = timedelta(seconds=2)
OK, LATELY, SILENT = "ok", "did not answer lately", "does not answer"

log = structlog.get_logger()


class Outages:
    """`failures` counts, by part, how often it raised `Unavailable` in this process. Recovers by itself:
    what answered for ten seconds is well."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.failures: Counter[str] = Counter()
        self._now = now
        self._last: dict[str, datetime] = {}
        self._found: dict[str, str] = {}
        self._looked: datetime | None = None
        self._look = asyncio.Lock()

    def watched(self, part: str, port: T) -> T:
        """`port`, whose failures are counted."""
        return cast(T, _Watched(port, functools.partial(self.failed, part)))

    def failed(self, part: str) -> None:
        self.failures[part] += 1
        self._last[part] = self._now()

    def recent(self) -> frozenset[str]:
        """The parts that did not answer lately. Costs nothing."""
        since = self._now() - RECENT
        return frozenset(part for part, at in self._last.items() if at > since)

    async def examine(
        self, checks: Mapping[str, Callable[[], Awaitable[object]]]
    ) -> dict[str, str]:
        """What each part says now, or "ok". However many ask, the checks are made every two seconds at
        most, and take two seconds at most."""
        async with self._look:
            now = self._now()
            if self._looked is None or not timedelta() <= now - self._looked < FRESH:
                found = await asyncio.gather(*map(self._checked, checks, checks.values()))
                self._found = dict(zip(checks, found, strict=True))
                self._looked = self._now()
        recent = self.recent()
        return {
            part: LATELY if said == OK and part in recent else said
            for part, said in self._found.items()
        }

    async def _checked(self, part: str, check: Callable[[], Awaitable[object]]) -> str:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await check()
        except Exception:
            # Anybody may ask for health: what is wrong in detail stays in the log.
            log.exception("health.check_failed", part=part)
            self._last[part] = self._now()
            return SILENT
        return OK


class _Watched:
    """Looks like the port it stands before."""

    def __init__(self, port: Any, failed: Callable[[], None]) -> None:
        self._port = port
        self._failed = failed

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not inspect.iscoroutinefunction(found):
            return found

        @functools.wraps(found)
        async def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return await found(*args, **kwargs)
            except Unavailable:
                self._failed()
                raise

        setattr(self, name, call)  # the next time it is simply there
        return call
