"""From the log to the cards: live, in every tab, and again after a reload or a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from agents.processes import Processes
from backend.contracts.errors import NotFound, Unavailable
from backend.contracts.runs import ENDED_RUN, RunState
from backend.contracts.security import Principal
from backend.contracts.views import PlanView, ThreadUpdate
from backend.lightning import Lightning
from chat_app import words
from chat_app.away import what_happened
from chat_app.cards import card
from chat_app.drawn import Drawn
from chat_app.firings import Firings
from chat_app.pens import Pens
from chat_app.results import cut
from chat_app.rooms import Room, derived
from chat_app.threads import Threads, stamp

AGAIN_S = 1.0
AGEING = frozenset({"proposed", "invalid", "scheduled", "paused"})

log = structlog.get_logger(__name__)


@dataclass
class Watched:
    """A room that is followed, and the pages that look at it. `drawing`: by this process; `freed` is set when
    it may be, `lost` when another process has taken it for dead."""

    room: Room
    pages: set[str] = field(default_factory=set)
    runs: dict[str, RunState] = field(default_factory=dict)
    views: dict[str, PlanView] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    drawing: bool = False
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    lost: asyncio.Event = field(default_factory=asyncio.Event)


class Follower:
    """Follows each thread somebody has open. What happens meanwhile waits in the log.

    Of the processes that have a thread open one draws from the log; the others show what it drew.
    """

    def __init__(
        self, lightning: Lightning, threads: Threads, processes: Processes | None = None
    ) -> None:
        self._lightning = lightning
        self._threads = threads
        self._processes = processes or Processes(
            lightning.store, "", lightning.now, lightning.settings.lease_s
        )
        self._pens = Pens(lightning.store, self._processes)
        self._drawn = Drawn(lightning.bus, self._processes.name, lightning.now)
        self._firings = Firings(lightning)
        self._watched: dict[str, Watched] = {}

    async def join(self, who: Principal, thread_id: str, page: str, zone: str = "") -> Room:
        """The room of a thread of theirs. Raises `NotFound` for another owner's."""
        await self._threads.open(who.user_id, thread_id)
        watched = self._watched.get(thread_id)
        if watched is None or (watched.task and watched.task.done()):
            room = Room(who, thread_id, self._threads, self._lightning.now)
            watched = self._watched[thread_id] = Watched(room)
            watched.task = asyncio.create_task(self._follow(watched))
        watched.pages.add(page)
        if zone or not watched.room.zone:
            watched.room.zone = words.zone_of(zone, self._lightning.timezone)
        await watched.ready.wait()
        return watched.room

    async def leave(self, thread_id: str, page: str) -> None:
        """A page was closed; with the last one the following ends, and what comes is news."""
        watched = self._watched.get(thread_id)
        if watched is None:
            return
        watched.pages.discard(page)
        if not watched.pages and not watched.room.talking:
            del self._watched[thread_id]
            await self._end(watched)

    async def close(self) -> None:
        watched, self._watched = list(self._watched.values()), {}
        for one in watched:
            await self._end(one)

    async def _end(self, watched: Watched) -> None:
        if watched.task:
            async with watched.room.lock:  # an update is drawn and noted, or not begun
                watched.task.cancel()
            with suppress(asyncio.CancelledError):
                await watched.task
        with suppress(Unavailable):
            await self._let_go(watched)

    async def _let_go(self, watched: Watched) -> None:
        room = watched.room
        owner, thread_id = room.who.user_id, room.thread_id
        drawing = watched.drawing or await self._pens.take(owner, thread_id)
        if drawing:
            # Whoever draws next finds the mark; where nobody does, what comes is news.
            await self._threads.note(owner, thread_id, seen=stamp(self._lightning.now()))
            await self._pens.give(owner, thread_id)
        if not drawing or [p for p in room.others if await self._processes.alive(p)]:
            await self._drawn.tell(owner, thread_id, "left")
        else:
            await self._drawn.forget(thread_id)

    async def _follow(self, watched: Watched) -> None:
        room = watched.room
        try:
            await room.load()
            watched.drawing = await self._pens.take(room.who.user_id, room.thread_id)
        finally:
            watched.ready.set()
        beside = [
            asyncio.create_task(self._lasting(self._hear, watched)),
            asyncio.create_task(self._lasting(self._tell, watched)),
        ]
        try:
            done = False
            while not done:
                if not watched.drawing:
                    await self._lasting(self._wait_for_pen, watched)
                done = await self._draw_until_lost(watched)
        finally:
            await _ended(*beside)

    async def _draw_until_lost(self, watched: Watched) -> bool:
        """False when the pen was lost, and this process has to read again."""
        watched.lost.clear()
        drawing = asyncio.create_task(self._draw(watched))
        losing = asyncio.create_task(watched.lost.wait())
        try:
            await asyncio.wait({drawing, losing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost = not drawing.done()
            await _ended(losing, *([drawing] if lost else []))
        if not lost:
            await drawing
        return not lost

    # --- beside other processes -----------------------------------------------------------------------

    async def _lasting(self, work: Callable[[Watched], Awaitable[None]], watched: Watched) -> None:
        """`work` once more when the backend was away."""
        while True:
            try:
                return await work(watched)
            except Unavailable as error:
                log.warning("thread.unshared", thread=watched.room.thread_id, error=error.message)
                await asyncio.sleep(AGAIN_S)

    async def _hear(self, watched: Watched) -> None:
        room = watched.room
        async with aclosing(self._drawn.follow(room.thread_id)) as feed:
            async for told in feed:
                for process, news in told:
                    if news == "left":
                        room.others.discard(process)
                        watched.freed.set()
                    elif process in room.others or await self._processes.alive(process):
                        room.others.add(process)
                    if news == "came":  # what was drawn before it was known to be there
                        room.changed.set()
                if watched.drawing and room.others:
                    await self._check_pen(watched)
                async with room.lock:
                    await room.reread()

    async def _check_pen(self, watched: Watched) -> None:
        """A process that was silent for too long may have been taken for dead."""
        room = watched.room
        if not await self._pens.take(room.who.user_id, room.thread_id):
            watched.drawing = False
            watched.lost.set()

    async def _tell(self, watched: Watched) -> None:
        room = watched.room
        while True:
            await room.changed.wait()
            room.changed.clear()
            if watched.drawing and not room.others:
                continue
            try:
                await self._drawn.tell(room.who.user_id, room.thread_id, "drew")
            except Unavailable:
                room.changed.set()
                raise

    async def _wait_for_pen(self, watched: Watched) -> None:
        room = watched.room
        await self._drawn.tell(room.who.user_id, room.thread_id, "came")
        while not await self._pens.take(room.who.user_id, room.thread_id):
            with suppress(TimeoutError):
                async with asyncio.timeout(self._processes.every_s):
                    await watched.freed.wait()
            watched.freed.clear()
        async with room.lock:
            await room.load()
            watched.drawing = True

    async def _draw(self, watched: Watched) -> None:
        room = watched.room
        body = await self._threads.open(room.who.user_id, room.thread_id)
        cursor, seen = body.get("cursor"), body.get("seen", "")
        await self._threads.note(room.who.user_id, room.thread_id, seen="")
        if seen:
            await room.relist(str(body.get("name", "")))
        while True:
            try:
                async with room.lock:
                    await self._refresh_ageing(watched)
                feed = self._lightning.follow(room.who, room.thread_id, cursor)
                async with aclosing(feed):
                    async for update in feed:
                        async with room.lock:
                            if cursor and seen:
                                await self._tell_what_happened(watched.room, update, seen)
                            await self._take(watched, update)
                            cursor, seen = update.cursor, ""
                            await self._threads.note(
                                room.who.user_id, room.thread_id, cursor=cursor
                            )
                return
            except NotFound:
                return
            except Unavailable as error:
                log.warning("thread.unfollowed", thread=room.thread_id, error=error.message)
                await asyncio.sleep(AGAIN_S)

    async def _refresh_ageing(self, watched: Watched) -> None:
        """What a card says depends on now as well: a setting made since, a time gone by."""
        room = watched.room
        for element in list(room.cards.values()):
            props = element["props"]
            if props.get("kind") != "plan" or props.get("status") not in AGEING:
                continue
            with suppress(NotFound):
                view = await self._lightning.plan(room.who, props["plan"])
                if view.revision == props["revision"]:
                    await self._redraw(room, element, view, await self._run_of(watched, view))

    # --- an update ------------------------------------------------------------------------------------

    async def _take(self, watched: Watched, update: ThreadUpdate) -> None:
        touched = {plan.plan_id: plan for plan in update.plans}
        watched.views.update(touched)
        for run in update.runs:
            # While a run only goes on, its plan is as it was.
            goes_on = run.run_id in watched.runs and run.status not in ENDED_RUN
            watched.runs[run.run_id] = run
            if run.parent is not None:
                await self._firings.called(watched.room, run)
                continue
            if run.plan_id in touched:
                continue
            if goes_on and run.plan_id in watched.views:
                touched[run.plan_id] = watched.views[run.plan_id]
                continue
            with suppress(NotFound):
                view = await self._lightning.plan(watched.room.who, run.plan_id)
                touched[run.plan_id] = watched.views[run.plan_id] = view
        for view in touched.values():
            await self._show_plan(watched, view)
        await self._firings.show(watched.room, update, touched)
        for message in update.messages:
            await self._message(watched.room, message)
        for run in update.runs:
            if run.status in ENDED_RUN and not _current(run, touched):
                watched.runs.pop(run.run_id, None)

    async def refresh(self, thread_id: str, view: PlanView) -> None:
        """Draw a plan's cards as it is now, ahead of the log's news."""
        watched = self._watched.get(thread_id)
        if watched is None:
            return
        async with watched.room.lock:
            if watched.drawing:
                await self._show_plan(watched, view)
            else:
                await watched.room.reread()

    async def propose(self, thread_id: str, message_id: str, view: PlanView) -> None:
        """The card of a revision that a message brings; where another process draws, it does."""
        watched = self._watched[thread_id]
        async with watched.room.lock:
            if not watched.drawing:
                return
            id = card_id(view)
            props = await self._props(watched.room, view, await self._run_of(watched, view))
            await watched.room.show(id, message_id, props)
            await self._show_plan(watched, view)

    async def _show_plan(self, watched: Watched, view: PlanView) -> None:
        """All cards of a plan. An edit goes on in the card it was made in."""
        room = watched.room
        watched.views[view.plan_id] = view
        own = [
            c
            for c in room.cards.values()
            if c["props"].get("plan") == view.plan_id and c["props"].get("kind") == "plan"
        ]
        run = await self._run_of(watched, view)
        newest = max(own, key=lambda c: c["props"]["revision"], default=None)
        if newest is None or newest["props"]["revision"] < view.revision:
            if newest is not None and view.origin != "planner":
                await self._redraw(room, newest, view, run)
            elif not room.talking:
                id = card_id(view)
                message = await room.post("", id=derived("message", id))
                await room.show(id, message, await self._props(room, view, run))
        for element in own:
            revision = element["props"]["revision"]
            if revision == view.revision:
                await self._redraw(room, element, view, run)
            elif element["props"]["status"] != "superseded" and element is not newest:
                await self._supersede(room, element, revision)
        if newest is not None and newest["props"]["revision"] < view.revision:
            still = room.cards[newest["id"]]["props"]["revision"]
            if still < view.revision:
                await self._supersede(room, newest, still)

    async def _supersede(self, room: Room, element: Mapping[str, Any], revision: int) -> None:
        with suppress(NotFound):
            old = await self._lightning.plan(room.who, element["props"]["plan"], revision)
            await self._redraw(room, element, old, None)

    async def _redraw(
        self, room: Room, element: Mapping[str, Any], view: PlanView, run: RunState | None
    ) -> None:
        await room.show(element["id"], element["forId"], await self._props(room, view, run))

    async def _run_of(self, watched: Watched, view: PlanView) -> RunState | None:
        if view.run_id is None:
            return None
        if view.run_id not in watched.runs:
            try:
                state = await self._lightning.run_state(watched.room.who, view.run_id)
            except NotFound:
                return None
            watched.runs[view.run_id] = state
        return watched.runs[view.run_id]

    async def _props(self, room: Room, view: PlanView, run: RunState | None) -> dict[str, Any]:
        return card(
            view,
            await self._lightning.catalogue(room.who),
            now=self._lightning.now(),
            zone=room.zone,
            run=run,
        )

    async def _message(self, room: Room, message: Mapping[str, Any]) -> None:
        text = cut(str(message.get("text", "")), 20_000)
        at = datetime.fromisoformat(str(message["timestamp"]))
        await room.post(text, id=derived("said", str(message["id"])), at=stamp(at))

    async def _tell_what_happened(self, room: Room, update: ThreadUpdate, seen: str) -> None:
        """One line for somebody who comes back."""
        left = datetime.fromisoformat(seen)
        if told := what_happened(update, left, self._lightning.now(), room.zone):
            await room.post(told, id=derived("away", room.thread_id, seen), at=seen)


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def card_id(view: PlanView) -> str:
    return derived("plan", view.plan_id, view.revision)


def _current(run: RunState, views: Mapping[str, PlanView]) -> bool:
    view = views.get(run.plan_id)
    return view is not None and view.run_id == run.run_id
