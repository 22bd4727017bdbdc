"""A thread live and after the fact, from the log alone: plans as they are, runs folded, messages."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

import orjson

from backend.contracts.errors import Invalid, NotFound
from backend.contracts.ports import Bus, Commit, History
from backend.contracts.views import PlanView, ThreadUpdate
from backend.drivers.runs import RunDecider, Running
from backend.drivers.turn import commits_of, fold

_COALESCE_S = 0.05


async def running(bus: Bus, decider: RunDecider, run_id: str, owner: str | None) -> Running:
    """A run's state, folded from its stream. Raises `NotFound`, also for another owner's."""
    commits = await commits_of(bus, f"run:{run_id}")
    if not commits or (owner is not None and commits[0].cause.user_id != owner):
        raise NotFound("There is no such run.", code="EXEC_RUN_UNKNOWN")
    return await decider.open(f"run:{run_id}", commits, None)


async def follow_thread(
    bus: Bus,
    decider: RunDecider,
    view: Callable[[str], Awaitable[PlanView]],
    owner: str,
    thread_id: str,
    cursor: str | None,
) -> AsyncGenerator[ThreadUpdate, None]:
    """What is new since `cursor` and then what comes, at most one update per 50 ms."""
    home = f"thread:{thread_id}"
    cursors = _decode(cursor, home)
    runs: dict[str, Running] = {}
    while True:
        async with aclosing(bus.follow(dict(cursors))) as feed:
            widened = False
            async for news in feed:
                if home in news and _foreign(news[home], owner):
                    raise NotFound("There is no such thread.")
                plans, changed, messages = _news(news, home)
                known = set(cursors)
                cursors |= {stream: history.cursor for stream, history in news.items()}
                for plan_id in plans:
                    cursors.setdefault(f"plan:{plan_id}", None)
                states = []
                for run_id in changed:
                    stream = f"run:{run_id}"
                    if run_id in runs and stream in news:
                        runs[run_id] = fold(decider, runs[run_id], news[stream].commits)
                    else:
                        await _load(bus, decider, run_id, owner, runs, cursors)
                    if run_id in runs and (state := runs[run_id].state) is not None:
                        states.append(state)
                        if decider.closed(runs[run_id]):
                            cursors.pop(stream, None)
                            del runs[run_id]
                widened = set(cursors) != known
                views = [await view(plan_id) for plan_id in plans]
                yield ThreadUpdate(_encode(cursors), tuple(views), tuple(states), messages)
                await asyncio.sleep(_COALESCE_S)
                if widened:
                    break
            if not widened:
                return


def _news(
    news: Mapping[str, History], home: str
) -> tuple[list[str], list[str], tuple[Mapping[str, object], ...]]:
    """Which plans and runs have news, and the messages for the person."""
    plans: dict[str, None] = {}
    runs: dict[str, None] = {}
    messages: list[Mapping[str, object]] = []
    for stream, history in news.items():
        kind, _, id = stream.partition(":")
        if kind == "plan":
            plans[id] = None
        elif kind == "run":
            runs[id] = None
        for cause in (c.cause for c in history.commits if stream == home and _allowed(c)):
            if cause.type == "user.message":
                messages.append(
                    {**cause.data, "id": cause.id, "timestamp": cause.timestamp.isoformat()}
                )
            if plan_id := cause.data.get("plan_id"):
                plans[plan_id] = None
            if (run_id := cause.data.get("run_id")) and cause.type == "thread.updated":
                runs[run_id] = None
    return list(plans), list(runs), tuple(messages)


async def _load(
    bus: Bus,
    decider: RunDecider,
    run_id: str,
    owner: str,
    runs: dict[str, Running],
    cursors: dict[str, str | None],
) -> None:
    """Fold a run from its start into `runs`, unless it is another owner's."""
    stream = f"run:{run_id}"
    commits: list[Commit] = []
    page = await bus.history(stream)
    while page.commits:
        commits.extend(page.commits)
        page = await bus.history(stream, page.cursor)
    if commits and commits[0].cause.user_id == owner:
        runs[run_id] = await decider.open(stream, commits, None)
        cursors[stream] = page.cursor
    else:
        cursors.pop(stream, None)


def _foreign(history: History, owner: str) -> bool:
    return any(_allowed(c) and c.cause.user_id != owner for c in history.commits)


def _allowed(commit: Commit) -> bool:
    return commit.verdict is None or commit.verdict.allowed


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
