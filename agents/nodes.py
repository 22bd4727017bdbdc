"""The nodes of the graph: converse, discover, select, draft, answer, validate, repair, propose, review,
launch. None before the interrupt has an effect that repeating would repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from langgraph.types import Command, interrupt

from agents.overview import overview
from agents.planner.asked import joined_words, planned
from agents.planner.staged import StagedPlanner
from agents.planner.talk import DROPPED
from agents.repairs import mechanical, mendable
from agents.simpler import simpler
from agents.stages import Run, stage, tell
from agents.state import (
    Failure,
    Said,
    ThreadState,
    answer_from_state,
    answer_to_state,
    plan_request,
    remembered,
)
from backend.contracts.errors import Conflict, Invalid, Issue, LightningError, NotFound
from backend.contracts.plans import Checked
from backend.contracts.ports import PlanAnswer, Planner, PlanRequest
from backend.contracts.views import PlanView
from backend.lightning import Lightning

MAX_REPAIRS = 4
OFFLINE = "offline"
TRY_AGAIN = "Try again"
PLAN_OFFLINE = "Plan offline"


class Nodes:
    """`planners` by name, the preferred one first; "offline" is the way on when a model fails."""

    def __init__(self, lightning: Lightning, planners: Mapping[str, Planner]) -> None:
        self._lightning = lightning
        self._planners = planners

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
            "selected": [],
            "answer": None,
            "issues": [],
            "repairs": 0,
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

    # --- plan -----------------------------------------------------------------------------------------

    async def discover(self, state: ThreadState, runtime: Run) -> ThreadState:
        planner = self._planner(state)
        if not isinstance(planner, StagedPlanner):
            return {}
        async with stage(runtime, "discover") as done:
            found = await planner.discover(await self._request(state, runtime))
            done["detail"] = f"{len(found)} tools may fit"
        return {"candidates": list(found)}

    async def select(self, state: ThreadState, runtime: Run) -> ThreadState:
        planner = self._planner(state)
        if not isinstance(planner, StagedPlanner):
            return {}
        try:
            async with stage(runtime, "select") as done:
                chosen = await planner.select(
                    await self._request(state, runtime), state.get("candidates", [])
                )
                done["detail"] = ", ".join(chosen.tools) if chosen.kind == "plan" else chosen.kind
        except LightningError as error:
            return _failed(error)
        if chosen.kind == "plan":
            return {"selected": list(chosen.tools)}
        answer = PlanAnswer(
            chosen.kind, chosen.text, choices=chosen.choices, planner=state["planner"]
        )
        return {"answer": answer_to_state(answer)}

    async def draft(self, state: ThreadState, runtime: Run) -> ThreadState:
        planner, request = self._planner(state), await self._request(state, runtime)
        try:
            if isinstance(planner, StagedPlanner):
                async with stage(runtime, "draft") as done:
                    answer = await planner.draft(request, state.get("selected", []))
                    done["detail"] = _size(answer)
            else:
                tell(runtime, "draft", "running")
                asked = state.get("asked", "")
                request, answer = await planned(planner, request, asked)
                for past in answer.stages:
                    detail = _size(answer) if past["name"] == "draft" else ""
                    tell(runtime, past["name"], "done", past["duration_ms"], detail)
        except LightningError as error:
            return _failed(error)
        return {"answer": answer_to_state(answer), "request": request.text}

    async def validate(self, state: ThreadState, runtime: Run) -> ThreadState:
        answer = answer_from_state(state["answer"] or {})
        async with stage(runtime, "validate") as done:
            checked = await self._check(answer, state, runtime)
            errors = [i for i in checked.issues if i.severity == "error"]
            done["detail"] = f"{len(errors)} to mend" if errors else "all right"
        return {"issues": [i.model_dump(mode="json") for i in checked.issues]}

    async def repair(self, state: ThreadState, runtime: Run) -> ThreadState:
        """Mechanical fixes first; then the model, with only what is wrong."""
        count = state.get("repairs", 0) + 1
        answer = answer_from_state(state["answer"] or {})
        issues = mendable([Issue.model_validate(i) for i in state.get("issues", ())])
        planner = self._planner(state)
        try:
            async with stage(runtime, f"repair {count}/{MAX_REPAIRS}") as done:
                mended = mechanical(answer, issues)
                if mended is None and isinstance(planner, StagedPlanner):
                    mended = await planner.repair(
                        await self._request(state, runtime), answer, issues
                    )
                done["detail"] = ", ".join(dict.fromkeys(i.code for i in issues))
        except LightningError:
            mended = None  # what is there is shown with its issues, to be mended by hand
        if mended is None:
            return {"repairs": MAX_REPAIRS}
        return {"repairs": count, "answer": answer_to_state(mended)}

    # --- answer ---------------------------------------------------------------------------------------

    async def answer(self, state: ThreadState, runtime: Run) -> ThreadState:
        """Say what is no plan: talk (streamed), a question, a refusal, an overview, a failure."""
        failure = state.get("failure")
        if failure is None:
            answer = answer_from_state(state["answer"] or {})
            try:
                return self._say(state, answer, await self._text(state, answer, runtime))
            except LightningError as error:
                failure = _failed(error)["failure"]
        assert failure is not None
        text = f"{failure['message']} Your words are kept. ({failure['code']})"
        choices = self._ways_on(state)
        said: Said = {"kind": "error", "text": text, "choices": choices, "plan_id": None}
        # not remembered as turns: they are asked again as if for the first time
        return {"failure": failure, "said": said}

    async def _text(self, state: ThreadState, answer: PlanAnswer, runtime: Run) -> str:
        planner = self._planner(state)
        if answer.kind == "manage":
            return await overview(
                self._lightning,
                runtime.context.who,
                state["request"],
                state["message"]["timezone"],
            )
        if answer.kind != "talk" or not isinstance(planner, StagedPlanner):
            return answer.text
        words = []
        async for token in planner.talk(await self._request(state, runtime)):
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
            return _failed(error, "PLAN_STRUCTURE_INVALID")
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
                origin="planner",
                planner=answer.planner,
                sources=answer.sources,
                not_covered=answer.not_covered,
                timezone=message["timezone"],
                proposal_id=message["turn"],
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

    def _planner(self, state: ThreadState) -> Planner:
        return self._planners.get(state["planner"]) or next(iter(self._planners.values()))

    async def _request(self, state: ThreadState, runtime: Run) -> PlanRequest:
        who = runtime.context.who
        return plan_request(state, who.user_id, await self._lightning.catalogue(who))

    async def _check(self, answer: PlanAnswer, state: ThreadState, runtime: Run) -> Checked:
        return await self._lightning.validate(
            runtime.context.who,
            answer.document,
            state["message"]["timezone"],
            answer.not_covered,
        )


def _still_asked(state: ThreadState, answer: PlanAnswer) -> str:
    """A greeting or a look at the runs in between leaves a question open."""
    aside = answer.kind in ("talk", "manage") and answer.text != DROPPED
    return state.get("asked", "") if aside else ""


def _document(view: PlanView) -> dict[str, Any]:
    return view.document.model_dump(mode="json", exclude_defaults=True)


def _failed(error: LightningError, code: str = "") -> ThreadState:
    failure: Failure = {"code": code or error.code, "message": error.message}
    return {"failure": failure, "answer": None}


def _size(answer: PlanAnswer) -> str:
    steps = len((answer.document or {}).get("steps", ()))
    return f"{steps} steps" if steps > 1 else "1 step" if steps else answer.kind
