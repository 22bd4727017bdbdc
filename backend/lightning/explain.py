"""Why it happened: any id of a person's own, explained back to the sentence behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from backend.contracts.errors import NotFound
from backend.contracts.events import Event
from backend.contracts.explanation import Explanation, Link
from backend.contracts.security import Principal
from backend.drivers.turn import commits_of
from backend.lightning import evidence
from backend.lightning.tracing import Tracing

MAX_ID = 300
_DIGITS = 9
_TOLD = frozenset({"plan.execute", "plan.step.execute", "plan.step.completed"})  # by their links
MAX_STREAMS = 500  # of each kind, the newest, looked through for an event


class Explaining(Tracing):
    """The verb that answers why."""

    async def explain(self, who: Principal, id: str) -> Explanation:
        """The chain from `id` back to what the person said.

        `id` names a run, a step of one ("run:step", or "run:step:index" for an item), a plan or a
        revision ("plan:number"), a schedule, a planning session, an event, the key of an effect, or
        the id of what it made (a mail's Message-ID). Raises `NotFound`, also for what is another's.
        """
        links = await self._links(who, id) if 0 < len(id) <= MAX_ID else []
        if not links:
            raise NotFound(
                "There is nothing of yours with this id.",
                hint="Give the id of a run, of a step as run:step, or of a plan.",
            )
        told = tuple(
            replace(
                link,
                words=self.redaction.text(link.words),
                detail=self.redaction.value(link.detail),
            )
            for link in links
        )
        return Explanation(id, told, " ← ".join(link.words for link in told))

    async def _links(self, who: Principal, id: str) -> list[Link]:
        whole, _, rest = id.partition(":")
        name, _, number = rest.partition(":")
        if await self._mine(who, "run", whole):
            return await self._of_run(who, whole, name or None, _count(number))
        if await self._mine(who, "plan", whole):
            return await self._of_plan(who, whole, _count(rest))
        if await self._mine(who, "planning", id):
            return await self._of_session(who, id)
        schedule = await self.store.get("schedule", id, who.user_id)
        if schedule is not None and schedule.body is not None:
            return await self._of_plan(who, schedule.body["plan_id"], None)
        async for stream in self._streams(who):
            for event in evidence.events_of(await commits_of(self.bus, stream)):
                if event.user_id == who.user_id and evidence.meant(event, id):
                    return await self._of_event(who, stream, event)
        return []

    async def _of_event(self, who: Principal, stream: str, event: Event) -> list[Link]:
        """From an event in a person's own stream."""
        kind, _, place = stream.partition(":")
        data = event.data
        words = f"{event.type} at {event.timestamp:%Y-%m-%d %H:%M} UTC"
        detail = {"type": event.type, "stream": stream, "correlation_id": event.correlation_id}
        link = Link("event", event.id, event.timestamp, words, detail)
        run_id = place if kind == "run" else data.get("run_id")
        if isinstance(run_id, str) and await self._mine(who, "run", run_id):
            step = data.get("step")
            if step is None and event.type == "user.message":
                step = await self._step_behind(run_id, event)
            links = await self._of_run(who, run_id, step, data.get("index"))
            return links if event.type in _TOLD else [link, *links]
        plan_id = place if kind == "plan" else data.get("plan_id")
        if kind == "schedule" and plan_id is None:
            schedule = await self._own(who, "schedule", place)
            plan_id = (schedule.body or {})["plan_id"]
        if not isinstance(plan_id, str) or not await self._mine(who, "plan", plan_id):
            return [link]
        revision = data.get("revision")
        return [link, *await self._of_plan(who, plan_id, revision)]

    async def _step_behind(self, run_id: str, message: Event) -> str | None:
        """The step whose call brought a message: what it reported has the same cause."""
        for event in evidence.events_of(await commits_of(self.bus, f"run:{run_id}")):
            if event.causation_id == message.causation_id and "step" in event.data:
                return str(event.data["step"])
        return None

    async def _of_session(self, who: Principal, planning_id: str) -> list[Link]:
        """From a planning session that may have come to no plan."""
        record = await self.planning(who, planning_id)
        if record.plan_id and await self._mine(who, "plan", record.plan_id):
            return await self._of_plan(who, record.plan_id, record.revision)
        came = f"{record.outcome} {record.code}".strip()
        words = f"planning by {record.planner or 'the planner'} came to: {came}"
        return [
            Link("planning", record.id, record.started_at, words, record.provenance()),
            Link("request", record.id, record.started_at, f"you said: “{record.request}”"),
        ]

    async def _mine(self, who: Principal, kind: str, id: str) -> bool:
        return await self.store.get(kind, id, who.user_id) is not None

    async def _streams(self, who: Principal) -> AsyncIterator[str]:
        """A person's own streams, the newest of each kind, threads last."""
        threads: dict[str, None] = {}
        for kind in ("run", "plan", "schedule"):
            cursor, left = None, MAX_STREAMS
            while left > 0:
                page = await self.store.list(
                    kind, owner=who.user_id, cursor=cursor, limit=min(left, 100)
                )
                for document in page.items:
                    if thread_id := (document.body or {}).get("thread_id"):
                        threads[str(thread_id)] = None
                    yield f"{kind}:{document.id}"
                left -= len(page.items)
                if (cursor := page.cursor) is None:
                    break
        for thread_id in threads:
            yield f"thread:{thread_id}"


def _count(text: str) -> int | None:
    """A number behind a colon, None for none. Raises `NotFound` for anything else."""
    if not text:
        return None
    if len(text) > _DIGITS or not (text.isascii() and text.isdigit()):
        raise NotFound("There is nothing of yours with this id.")
    return int(text)
