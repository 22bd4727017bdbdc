"""The nodes of the graph: converse, discover, select, draft, answer, validate, repair, propose, review,
launch. None before the interrupt has an effect that repeating would repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from langgraph.types import Command, interrupt

from agents.drafting import Drafting
from agents.overview import overview
from agents.planner.agreement import PLAN_OFFLINE
from agents.planner.asked import joined_words
from agents.planner.ready import HAND
from agents.planner.staged import StagedPlanner
from agents.planner.talk import DROPPED
from agents.repairs import mendable
from agents.routines import routine
from agents.sessions import session
from agents.simpler import simpler
from agents.stages import Run
from agents.state import (
    Said,
    ThreadState,
    answer_from_state,
    failed,
    remembered,
)
from backend.contracts.errors import Conflict, Invalid, LightningError, NotFound
from backend.contracts.ports import PlanAnswer, Planner
from backend.contracts.views import PlanView
from backend.lightning import Lightning

OFFLINE = "offline"
TRY_AGAIN = "Try again"


class Nodes:
    """`planners` by name, the preferred one first; "offline" is the way on when a model fails."""

    def __init__(self, lightning: Lightning, planners: Mapping[str, Planner]) -> None:
        self._lightning = lightning
        self._planners = planners
        self.drafting = Drafting(lightning, planners)

    # --- what is asked --------------------------------------------------------------------------------

    async def converse(self, state: ThreadState, runtime: Run) -> ThreadState:
        """Take the message, or what an earlier failure left to be tried again."""
        text, last = state["message"]["text"], state.get("said")
        planner = next(iter(self._planners))
        if last is not None and text in last["choices"]:
            if text == PLAN_OFFLINE:
                planner = OFFLINE
            if text in (TRY_AGAIN, PLAN_OFFLINE):
                text = state["request"]
            elif last["kind"] == "question" and state.get("asked"):
                text = joined_words(state["asked"], text)
        view = await self._open_plan(state, runtime)
        return {
            "request": text,
            "planner": planner,
            "plan_id": view.plan_id if view else None,
            "waiting": view is not None and view.status == "proposed",
            "document": _document(view) if view else None,
            "candidates": [],
            "selection": {},
            "answer": None,
            "issues": [],
            "repairs": 0,
            "mended": [],
            "failure": None,
            "said": None,
        }

    async def _open_plan(self, state: ThreadState, runtime: Run) -> PlanView | None:
        """The backend's word on it: it may have been decided or edited elsewhere meanwhile."""
        plan_id = state.get("plan_id")
        if not plan_id:
            return None
        try:
            view = await self._lightning.plan(runtime.context.who, plan_id)
        except NotFound:
            return None
        return view if view.status in ("proposed", "approved", "scheduled") else None

    # --- answer ---------------------------------------------------------------------------------------

    async def answer(self, state: ThreadState, runtime: Run) -> ThreadState:
        """Say what is no plan: talk (streamed), a question, a refusal, an overview, a failure."""
        failure = state.get("failure")
        if failure is None:
            answer = answer_from_state(state["answer"] or {})
            try:
                return self._say(state, answer, await self._text(state, answer, runtime))
            except LightningError as error:
                failure = failed(error)["failure"]
        assert failure is not None
        text = f"{failure['message']} Your words are kept. ({failure['code']})"
        choices = self._ways_on(state)
        said: Said = {"kind": "error", "text": text, "choices": choices, "plan_id": None}
        # not remembered as turns: they are asked again as if for the first time
        return {"failure": failure, "said": said}

    async def _text(self, state: ThreadState, answer: PlanAnswer, runtime: Run) -> str:
        planner = self.drafting.planner(state)
        if answer.kind == "manage":
            who, asked = runtime.context.who, state["request"]
            told = await routine(self._lightning, who, state.get("plan_id"), asked)
            zone = state["message"]["timezone"]
            return told or await overview(self._lightning, who, asked, zone)
        if answer.kind != "talk" or not isinstance(planner, StagedPlanner):
            return answer.text
        words = []
        async for token in planner.talk(await self.drafting.request(state, runtime)):
            words.append(token)
            runtime.stream_writer({"token": token})
        return "".join(words)

    def _say(self, state: ThreadState, answer: PlanAnswer, text: str) -> ThreadState:
        said: Said = {
            "kind": answer.kind,
            "text": text or "I do not know what to make of that. What should happen?",
            "choices": list(answer.choices),
            "plan_id": None,
        }
        turns = (("user", state["request"]), ("assistant", said["text"]))
        return {
            "said": said,
            "asked": state["request"] if answer.kind == "question" else _still_asked(state, answer),
            "history": remembered(state.get("history", ()), *turns),
        }

    # --- propose and wait -----------------------------------------------------------------------------

    async def propose(self, state: ThreadState, runtime: Run) -> ThreadState:
        """Store the revision. The turn's id makes it one proposal, however often this runs."""
        answer = answer_from_state(state["answer"] or {})
        revised = state.get("plan_id") if answer.revises else None
        try:
            view = await self._propose(answer, state, runtime, revised)
        except Invalid as error:
            return failed(error, "PLAN_STRUCTURE_INVALID")
        text = answer.text or ("Changed as you said." if revised else "Here is the plan.")
        faulty = mendable(view.issues)
        other = simpler(view.document, faulty)
        said: Said = {
            "kind": "plan",
            "text": other.text if faulty else text,
            "choices": [*other.choices, *self._ways_on(state)] if faulty else list(answer.choices),
            "plan_id": view.plan_id,
        }
        told = f"Proposed the plan {view.document.plan_name}: {view.document.description}"
        turns = (("user", state["request"]), ("assistant", told))
        return {
            "plan_id": view.plan_id,
            "waiting": True,
            "document": _document(view),
            "asked": "",
            "said": said,
            "history": remembered(state.get("history", ()), *turns),
        }

    async def _propose(
        self, answer: PlanAnswer, state: ThreadState, runtime: Run, plan_id: str | None
    ) -> PlanView:
        turn, message = runtime.context, state["message"]

        async def propose(plan_id: str | None) -> PlanView:
            return await self._lightning.propose(
                turn.who,
                answer.document or {},
                plan_id=plan_id,
                thread_id=turn.thread_id,
                request=state["request"],
                origin="hand" if answer.planner == HAND else "planner",
                planner=answer.planner,
                sources=answer.sources,
                not_covered=answer.not_covered,
                timezone=message["timezone"],
                proposal_id=message["turn"],
                provenance=session(state, turn).provenance(),
            )

        try:
            return await propose(plan_id)
        except (Conflict, NotFound):
            if plan_id is None:
                raise
            return await propose(None)  # it was archived or deleted while we planned

    async def review(
        self, state: ThreadState, runtime: Run
    ) -> Command[Literal["converse", "launch", "__end__"]]:
        """Wait for a decision, or for a message, which is feedback on the proposal."""
        given = interrupt({"plan_id": state.get("plan_id")})
        if given["kind"] == "message":
            return Command(goto="converse", update={"message": given["message"]})
        if given["verb"] == "approve":
            return Command(goto="launch", update={"waiting": False})
        return Command(goto="__end__", update={"waiting": False, "plan_id": None, "document": None})

    async def launch(self, state: ThreadState, runtime: Run) -> ThreadState:
        """Approval itself is the backend's act, done before this; here it is only remembered."""
        document = state.get("document") or {}
        told = ("assistant", f"The plan {document.get('plan_name', '')} was approved.")
        return {"history": remembered(state.get("history", ()), told)}

    # --- inside ---------------------------------------------------------------------------------------

    def _ways_on(self, state: ThreadState) -> list[str]:
        """What can be said after a failure; both take the same words once more."""
        other = OFFLINE in self._planners and state["planner"] != OFFLINE
        return [TRY_AGAIN, PLAN_OFFLINE] if other else [TRY_AGAIN]


def _still_asked(state: ThreadState, answer: PlanAnswer) -> str:
    """A greeting or a look at the runs in between leaves a question open."""
    aside = answer.kind in ("talk", "manage") and answer.text != DROPPED
    return state.get("asked", "") if aside else ""


def _document(view: PlanView) -> dict[str, Any]:
    return view.document.model_dump(mode="json", exclude_defaults=True)
