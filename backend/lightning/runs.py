"""Runs: started, stopped, answered, looked at, followed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any

from backend.contracts.errors import Conflict, NotFound
from backend.contracts.events import Event
from backend.contracts.runs import ENDED_RUN, RunState
from backend.contracts.security import Principal
from backend.drivers.children import calls
from backend.lightning.following import running
from backend.lightning.plans import Plans

_PAGES = 20  # read at most, where all that is there is to be left out


class Runs(Plans):
    """The verbs of runs."""

    async def run(
        self, who: Principal, plan_id: str, inputs: Mapping[str, Any] | None = None
    ) -> str:
        """Run the approved revision now; returns the run's id."""
        given = await self._inputs(who, plan_id, inputs or {})
        data = {"plan_id": plan_id, "inputs": given}
        commit = await self._command(who, "plan.trigger", data)
        return next(str(e.data["run_id"]) for e in commit.outputs if e.type == "plan.execute")

    async def cancel(self, who: Principal, run_id: str) -> RunState:
        """Stop a run: nothing new starts. What had been sent stays sent."""
        await self.run_state(who, run_id)
        await self._command(who, "run.cancel", {"run_id": run_id})
        return await self.run_state(who, run_id)

    async def answer(
        self,
        who: Principal,
        run_id: str,
        step: str,
        answer: Any,
        index: int | None = None,
        iteration: int | None = None,
    ) -> RunState:
        """Answer what a step asks. `index` names the item of a `for_each` step; `iteration`, where
        given, must be the one that asks, so that a late answer never meets the next question.
        `Conflict` when it no longer asks."""
        await self.run_state(who, run_id)
        data = {"run_id": run_id, "step": step, "answer": answer, "index": index}
        if iteration is not None:
            data["iteration"] = iteration
        commit = await self._command(who, "run.answer", data)
        if any(e.type == "event.ignored" for e in commit.outputs):
            raise Conflict("This step is not asking any more.", code="EXEC_TOO_LATE")
        return await self.run_state(who, run_id)

    async def run_state(self, who: Principal, run_id: str) -> RunState:
        state = (await running(self.bus, self.store, self._runs, run_id, who.user_id)).state.state
        if state is None:
            raise NotFound("There is no such run.", code="EXEC_RUN_UNKNOWN")
        return state

    async def runs(
        self,
        who: Principal,
        plan_id: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        *,
        called: bool = True,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Summaries, the newest first, with the cursor of the next page. Without `called` those are
        left out that other runs have called."""
        found: list[dict[str, Any]] = []
        for _ in range(_PAGES):
            page = await self.store.list(
                "run", owner=who.user_id, parent=plan_id, cursor=cursor, limit=limit - len(found)
            )
            bodies = [dict(d.body or {}) for d in page.items]
            found += [run for run in bodies if called or not run.get("parent")]
            cursor = page.cursor
            if cursor is None or len(found) >= limit:
                break
        return found, cursor

    async def follow_calls(
        self, who: Principal, run_id: str
    ) -> AsyncGenerator[tuple[RunState, ...], None]:
        """The run, and behind it all that it has called, at any depth: as they are and then live. Ends
        with the run."""
        await self._own(who, "run", run_id)
        cursors: dict[str, str | None] = {f"run:{run_id}": None}
        ended: dict[str, RunState] = {}
        widened = True
        while widened:
            widened = False
            async with aclosing(self.bus.follow(dict(cursors))) as feed:
                async for news in feed:
                    cursors |= {stream: page.cursor for stream, page in news.items()}
                    states, called = await self._called(who, run_id, ended)
                    yield states
                    if states[0].status in ENDED_RUN:
                        return
                    if widened := not called <= cursors.keys():
                        cursors = dict.fromkeys(called) | cursors
                        break

    async def _called(
        self, who: Principal, run_id: str, ended: dict[str, RunState]
    ) -> tuple[tuple[RunState, ...], set[str]]:
        """The states of a run and those it called, so far as they have begun; the streams of all. Those
        that have `ended` are read once."""
        found: list[RunState] = []
        waiting = [run_id]
        for id in waiting:
            with suppress(NotFound):
                state = ended.get(id) or await self.run_state(who, id)
                if state.status in ENDED_RUN:
                    ended[id] = state
                found.append(state)
                waiting += [cell.child for cell in calls(found[-1])]
        return tuple(found), {f"run:{id}" for id in waiting}

    async def run_events(
        self, who: Principal, run_id: str, cursor: str | None = None
    ) -> tuple[list[Event], str]:
        await self._own(who, "run", run_id)
        page = await self.bus.history(f"run:{run_id}", cursor)
        return [e for c in page.commits for e in (c.cause, *c.outputs)], page.cursor

    async def follow_run(
        self, who: Principal, run_id: str, cursor: str | None = None
    ) -> AsyncGenerator[tuple[list[Event], str], None]:
        """The run's events since `cursor`, then live. Ends with the run."""
        await self._own(who, "run", run_id)
        stream = f"run:{run_id}"
        async with aclosing(self.bus.follow({stream: cursor})) as feed:
            async for news in feed:
                page = news[stream]
                events = [e for c in page.commits for e in (c.cause, *c.outputs)]
                yield events, page.cursor
                if any(e.type in ("run.completed", "run.failed", "run.cancelled") for e in events):
                    return
