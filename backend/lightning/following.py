"""A thread live and after the fact, from the log alone: plans as they are, runs folded, messages."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

import orjson

from backend.contracts.errors import Invalid, NotFound
from backend.contracts.ports import Bus, History, Store
from backend.contracts.runs import RunState
from backend.contracts.views import PlanView, ThreadUpdate
from backend.drivers.runs import RunDecider, Running
from backend.drivers.snapshots import Opened, read
from backend.drivers.turn import fold
from backend.lightning.news import News

_COALESCE_S = 0.05

View = Callable[[str], Awaitable[PlanView]]


async def running(
    bus: Bus, store: Store, decider: RunDecider, run_id: str, owner: str | None
) -> Opened[Running]:
    """A run's state, folded from its stream. Raises `NotFound`, also for another owner's."""
    opened = await read(bus, store, decider, f"run:{run_id}", owner=owner)
    if owner is not None and decider.owner(opened.state) != owner:
        raise NotFound("There is no such run.", code="EXEC_RUN_UNKNOWN")
    return opened


class Following:
    """One follower of a thread, and where it has got to in each stream."""

    def __init__(
        self, bus: Bus, store: Store, decider: RunDecider, view: View, owner: str, thread_id: str
    ) -> None:
        self._bus = bus
        self._store = store
        self._decider = decider
        self._view = view
        self._owner = owner
        self._home = f"thread:{thread_id}"
        self._cursors: dict[str, str | None] = {}
        self._runs: dict[str, Running] = {}

    async def updates(self, cursor: str | None) -> AsyncGenerator[ThreadUpdate, None]:
        """What is new since `cursor` and then what comes, at most one update per 50 ms."""
        self._cursors = _decode(cursor, self._home)
        async with aclosing(self._missed()) as missed:
            async for news in missed:
                yield await self._update(news, {})
                await asyncio.sleep(_COALESCE_S)
        while True:
            async with aclosing(self._bus.follow(dict(self._cursors))) as feed:
                widened = False
                async for streams in feed:
                    known = set(self._cursors)
                    self._cursors |= {name: page.cursor for name, page in streams.items()}
                    yield await self._update(self._live(streams), streams)
                    widened = set(self._cursors) != known
                    await asyncio.sleep(_COALESCE_S)
                    if widened:
                        break
                if not widened:
                    return

    async def _missed(self) -> AsyncGenerator[News, None]:
        """What is there already, as few pieces of news: however much it is, nobody draws it in between."""
        news = News(self._owner)
        for stream in [s for s in self._cursors if s.startswith("plan:")]:
            head = await self._bus.head(stream)
            if head != self._cursors[stream]:
                news.plans[stream.partition(":")[2]] = None
                self._cursors[stream] = head
        page = await self._bus.history(self._home, self._cursors[self._home])
        while page.commits:
            news.take(page.commits)
            self._cursors[self._home] = page.cursor
            if news.full:
                yield news
                news = News(self._owner)
            page = await self._bus.history(self._home, page.cursor)
        if news:
            yield news

    def _live(self, streams: Mapping[str, History]) -> News:
        news = News(self._owner)
        for stream, page in streams.items():
            kind, _, id = stream.partition(":")
            if stream == self._home:
                news.take(page.commits)
            elif kind == "plan":
                news.plans[id] = None
            elif kind == "run":
                news.runs[id] = None
        return news

    async def _update(self, news: News, streams: Mapping[str, History]) -> ThreadUpdate:
        for plan_id in news.plans:
            await self._watch(f"plan:{plan_id}")
        states = []
        for run_id in news.wanted():
            page = streams.get(f"run:{run_id}")
            state = await self._run(run_id, page)
            if state is not None:
                states.append(state)
        views = [await self._view(plan_id) for plan_id in news.plans]
        return ThreadUpdate(
            _encode(self._cursors), tuple(views), tuple(states), tuple(news.messages), news.earlier
        )

    async def _watch(self, stream: str) -> None:
        """A plan is shown as it is: of its stream only what comes from now on is of interest."""
        if stream not in self._cursors:
            self._cursors[stream] = await self._bus.head(stream)

    async def _run(self, run_id: str, page: History | None) -> RunState | None:
        """A run with what is new in it; None for another owner's, and for one that is gone."""
        stream, decider = f"run:{run_id}", self._decider
        if run_id in self._runs and page is not None:
            run = fold(decider, self._runs[run_id], page.commits)
        else:
            try:
                opened = await running(self._bus, self._store, decider, run_id, self._owner)
            except NotFound:
                self._cursors.pop(stream, None)
                return None
            run, self._cursors[stream] = opened.state, opened.cursor
        self._runs[run_id] = run
        if decider.closed(run):
            self._cursors.pop(stream, None)
            del self._runs[run_id]
        return run.state


def _encode(cursors: Mapping[str, str | None]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(cursors)).decode()


def _decode(cursor: str | None, home: str) -> dict[str, str | None]:
    if cursor is None:
        return {home: None}
    try:
        cursors = orjson.loads(base64.urlsafe_b64decode(cursor))
        # A thread leads to plans and runs alone; where others have got to in theirs is not told.
        return {home: None} | {
            stream: str(position)
            for stream, position in cursors.items()
            if position is not None and (stream == home or stream.startswith(("plan:", "run:")))
        }
    except (ValueError, AttributeError):
        raise Invalid("That is not a cursor of ours.", code="EXEC_CURSOR_INVALID") from None
