"""The thinker's face: what a person says or decides in a thread, and what comes of it."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, StateSnapshot

from agents.checkpoints import StoreSaver
from agents.graph import ThreadGraph, build
from agents.processes import Processes
from agents.sessions import session
from agents.state import Message, ReplyKind, Said, ThreadState, Turn
from agents.turns import OpenTurn, Turns
from backend.contracts.errors import Conflict, Invalid, TooLarge, Unavailable
from backend.contracts.events import new_id
from backend.contracts.ports import Planner, Store
from backend.contracts.security import Principal
from backend.contracts.views import PlanView
from backend.lightning import Lightning

MAX_TEXT = 20_000
RECURSION_LIMIT = 60
RESUMED_AT_ONCE = 8
AGAIN_S = 0.1
Verb = Literal["approve", "reject", "edit"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of planning, told when it begins ("running") and when it ends ("done", "failed").
    `model_ms` of its time were spent waiting for a model."""

    name: str
    status: Literal["running", "done", "failed"]
    duration_ms: float = 0.0
    detail: str = ""
    model_ms: float = 0.0


OnStage = Callable[[Stage], Awaitable[None]]
OnToken = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a message. `plan` is there for kind "plan"; each of `choices` may be said back.
    Kind "error": the model failed; its choices try again, or go on offline, with the same words."""

    kind: ReplyKind
    text: str
    plan: PlanView | None = None
    choices: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Resumed:
    """The reply to a message that a restart, or the end of another process, had interrupted."""

    user_id: str
    thread_id: str
    turn_id: str
    text: str
    reply: Reply


Deliver = Callable[[Resumed], Awaitable[None]]
"""Shows a reply. Done before its turn ends, so that a crash in between has it shown all the same: again,
perhaps, so it must be repeatable by the turn's id."""


class Conversation:
    """One turn at a time per thread, in all `processes`; others wait. `planners` by name, the preferred
    one first.

    Every verb raises `LightningError`s; a model's failure is a reply of kind "error" instead.
    """

    def __init__(
        self,
        lightning: Lightning,
        planners: Mapping[str, Planner],
        store: Store | None = None,
        processes: Processes | None = None,
    ) -> None:
        self._lightning = lightning
        self._store = store or lightning.store
        self._graph = build(lightning, planners)
        alone = Processes(self._store, "", lightning.now, lightning.settings.lease_s)
        self._turns = Turns(self._store, processes or alone, lightning.now)
        self._in_hand: set[str] = set()
        self._locks: weakref.WeakValueDictionary[tuple[str, str], asyncio.Lock] = (
            weakref.WeakValueDictionary()
        )

    async def say(
        self,
        who: Principal,
        thread_id: str,
        text: str,
        timezone: str = "",
        on_stage: OnStage | None = None,
        on_token: OnToken | None = None,
        deliver: Deliver | None = None,
        turn_id: str = "",
    ) -> Reply | None:
        """Answer a message. It is kept before anything else happens, so a crash never loses it; of the
        same `turn_id` it is answered once. None when it was stopped, or is answered elsewhere.

        Errors: `Invalid` when it is empty, `TooLarge` over 20,000 characters.
        """
        words = text.encode("utf-8", "replace").decode().replace("\x00", "").strip()
        if not words:
            raise Invalid("Say what should happen.", code="PLAN_REQUEST_EMPTY")
        if len(words) > MAX_TEXT:
            raise TooLarge(
                f"A message may have {MAX_TEXT:,} characters; this one has {len(words):,}.",
                code="PLAN_REQUEST_TOO_LARGE",
                hint="Attach long texts as a file and say what to do with it.",
            )
        zone = timezone if _is_zone(timezone) else self._lightning.timezone
        id = turn_id or new_id()
        if id in self._in_hand:
            return None
        with self._holding(id):
            try:
                turn = await self._turns.begin(who.user_id, thread_id, words, zone, id)
            except Conflict:
                return None
            return await self._take(turn, who, on_stage, on_token, deliver)

    async def decide(
        self,
        who: Principal,
        thread_id: str,
        plan_id: str,
        verb: Verb,
        ir_hash: str,
        *,
        edits: Mapping[str, Any] | None = None,
        reason: str = "",
        catalogue_hash: str | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> PlanView:
        """Approve, reject or edit exactly the revision the person saw.

        The backend decides first and alone; the waiting graph is told after. Errors: `Conflict` when
        the plan has changed since, `Invalid` for edits that are none.
        """
        match verb:
            case "approve":
                view = await self._lightning.approve(who, plan_id, ir_hash, catalogue_hash, inputs)
            case "reject":
                view = await self._lightning.plan(who, plan_id)
                if view.ir_hash != ir_hash:
                    raise Conflict(
                        "The plan has changed since you saw it.",
                        code="PLAN_REVISION_CHANGED",
                        hint="Look at the newest card.",
                    )
                view = await self._lightning.reject(who, plan_id, reason)
            case "edit":
                return await self._lightning.edit(who, plan_id, ir_hash, edits or {})
            case _:
                raise Invalid(f"“{verb}” is not something to decide.", code="PLAN_VERB_UNKNOWN")
        await self._tell(who, thread_id, plan_id, verb)
        return view

    async def stop(self, who: Principal, thread_id: str) -> None:
        """Forget the messages being worked on here; a restart will not go on with them."""
        for turn in await self._turns.unfinished(who.user_id, thread_id):
            if await self._turns.take_over(turn):
                await self._turns.end(turn, "stopped")

    async def resume_unfinished(self, deliver: Deliver | None = None) -> tuple[Resumed, ...]:
        """Go on with what was asked and not yet answered, and that nobody works on: after a restart, and
        when another process is gone."""
        turns = [turn for turn in await self._turns.unfinished() if turn.id not in self._in_hand]
        gate = asyncio.Semaphore(RESUMED_AT_ONCE)

        async def resume(turn: OpenTurn) -> Resumed | None:
            with self._holding(turn.id):
                async with gate:
                    mine = await self._turns.take_over(turn)
                    who = Principal(turn.user_id)
                    reply = await self._take(mine, who, None, None, deliver) if mine else None
            return _resumed(turn, reply) if reply else None

        # one that fails again must not keep the others from their replies
        outcomes = await asyncio.gather(*map(resume, turns), return_exceptions=True)
        for turn, outcome in zip(turns, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                log.warning("turn.unresumed", turn=turn.id, error=repr(outcome))
        return tuple(outcome for outcome in outcomes if isinstance(outcome, Resumed))

    # --- one turn -------------------------------------------------------------------------------------

    async def _take(
        self,
        turn: OpenTurn,
        who: Principal,
        on_stage: OnStage | None,
        on_token: OnToken | None,
        deliver: Deliver | None,
    ) -> Reply | None:
        async with self._lock(who, turn.thread_id):
            leased = False
            while not leased:
                leased = await self._turns.lease(who.user_id, turn.thread_id, turn.id)
                if not await self._turns.is_open(turn):
                    return None
                if not leased:
                    await asyncio.sleep(AGAIN_S)
            return await self._answer(turn, who, on_stage, on_token, deliver)

    async def _answer(
        self,
        turn: OpenTurn,
        who: Principal,
        on_stage: OnStage | None,
        on_token: OnToken | None,
        deliver: Deliver | None,
    ) -> Reply | None:
        graph, config = self._bound(who, turn.thread_id)
        context = Turn(who, turn.thread_id)
        try:
            state = await graph.aget_state(config)
            if not _answered(state, turn.message):
                given = _next_input(state, turn.message)
                await self._run(graph, config, context, given, on_stage, on_token)
                state = await graph.aget_state(config)
            said: Said = state.values["said"]
            plan = await self._lightning.plan(who, said["plan_id"]) if said["plan_id"] else None
            stages = tuple(Stage(**stage) for stage in context.stages)
            reply = Reply(said["kind"], said["text"], plan, tuple(said["choices"]), stages)
            if not await self._turns.is_open(turn):
                return None
            if deliver is not None:
                await deliver(_resumed(turn, reply))
        except (Unavailable, asyncio.CancelledError):
            raise  # it stays open, and is gone on with
        except BaseException:
            await self._turns.end(turn, "failed")
            await self._lightning.record(who, session({"message": turn.message}, context))
            raise
        await self._lightning.record(who, session(cast(ThreadState, state.values), context, plan))
        await self._turns.end(turn, "done", said)
        await StoreSaver(self._store, who.user_id).aprune([turn.thread_id])
        return reply

    async def _run(
        self,
        graph: ThreadGraph,
        config: RunnableConfig,
        context: Turn,
        given: Any,
        on_stage: OnStage | None = None,
        on_token: OnToken | None = None,
    ) -> None:
        async for news in graph.astream(given, config, context=context, stream_mode="custom"):
            if "token" in news and on_token is not None:
                await on_token(news["token"])
            if "stage" in news and on_stage is not None:
                await on_stage(Stage(**news["stage"]))

    async def _tell(self, who: Principal, thread_id: str, plan_id: str, verb: Verb) -> None:
        """Let the graph go on from where it waits for this plan.

        While a message is being answered nothing waits; the next message finds the truth itself.
        """
        lock = self._lock(who, thread_id)
        if lock.locked():
            return
        async with lock:
            if not await self._turns.lease(who.user_id, thread_id):
                return
            try:
                await self._go_on(who, thread_id, plan_id, verb)
            finally:
                await self._turns.release(who.user_id, thread_id)

    async def _go_on(self, who: Principal, thread_id: str, plan_id: str, verb: Verb) -> None:
        graph, config = self._bound(who, thread_id)
        state = await graph.aget_state(config)
        waiting = next((i for i in state.interrupts if i.value["plan_id"] == plan_id), None)
        if not state.next or waiting is None:
            return
        given: Any = Command(resume={waiting.id: {"kind": "decided", "verb": verb}})
        await self._run(graph, config, Turn(who, thread_id), given)

    @contextmanager
    def _holding(self, turn_id: str) -> Iterator[None]:
        """While a turn is worked on or waits here, nobody here takes it up again."""
        self._in_hand.add(turn_id)
        try:
            yield
        finally:
            self._in_hand.discard(turn_id)

    def _bound(self, who: Principal, thread_id: str) -> tuple[ThreadGraph, RunnableConfig]:
        saver = StoreSaver(self._store, who.user_id)
        config: RunnableConfig = {
            "configurable": {"thread_id": thread_id},
            "recursion_limit": RECURSION_LIMIT,
        }
        return self._graph.copy({"checkpointer": saver}), config

    def _lock(self, who: Principal, thread_id: str) -> asyncio.Lock:
        return self._locks.setdefault((who.user_id, thread_id), asyncio.Lock())


def _resumed(turn: OpenTurn, reply: Reply) -> Resumed:
    return Resumed(turn.user_id, turn.thread_id, turn.id, turn.message["text"], reply)


def _answered(state: StateSnapshot, message: Message) -> bool:
    """Whether a crash came after the reply was made and before it was marked so."""
    mine = state.values.get("message", {}).get("turn") == message["turn"]
    # `next` leaves out tasks whose writes are kept already, though not their checkpoint
    return mine and bool(state.interrupts or not state.tasks)


def _next_input(state: StateSnapshot, message: Message) -> Any:
    if state.values.get("message", {}).get("turn") == message["turn"]:
        return None  # go on where a crash interrupted this very turn
    if state.interrupts:
        said = {"kind": "message", "message": message}
        return Command(resume={state.interrupts[0].id: said})
    fresh: ThreadState = {"message": message}
    return fresh


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return True
