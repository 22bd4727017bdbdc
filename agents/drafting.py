"""The nodes that make a plan: discover, select, draft, validate, repair. None has an effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from agents.planner.asked import planned
from agents.planner.ready import ready_answer
from agents.planner.selection import Selection
from agents.planner.session import MAX_REPAIRS, mend
from agents.planner.staged import StagedPlanner
from agents.repairs import mendable
from agents.stages import Run, stage, tell
from agents.state import (
    ThreadState,
    answer_from_state,
    answer_to_state,
    failed,
    plan_request,
    selection_from_state,
    selection_to_state,
)
from backend.contracts.errors import Issue, LightningError
from backend.contracts.ports import PlanAnswer, Planner, PlanRequest
from backend.lightning import Lightning


class Drafting:
    """`planners` by name, the preferred one first."""

    def __init__(self, lightning: Lightning, planners: Mapping[str, Planner]) -> None:
        self._lightning = lightning
        self._planners = planners

    def planner(self, state: ThreadState) -> Planner:
        return self._planners.get(state["planner"]) or next(iter(self._planners.values()))

    async def request(self, state: ThreadState, runtime: Run) -> PlanRequest:
        who = runtime.context.who
        return plan_request(state, who.user_id, await self._lightning.catalogue(who))

    async def discover(self, state: ThreadState, runtime: Run) -> ThreadState:
        planner = self.planner(state)
        if not isinstance(planner, StagedPlanner):
            return {}
        request = await self.request(state, runtime)
        async with stage(runtime, "discover") as done:
            if (ready := ready_answer(request)) is not None:
                done.detail = ready.selection.get("reason", "")
                return {"answer": answer_to_state(ready)}
            found = await planner.discover(request)
            done.detail = f"{len(found)} tools may fit"
        return {"candidates": list(found)}

    async def select(self, state: ThreadState, runtime: Run) -> ThreadState:
        planner = self.planner(state)
        if not isinstance(planner, StagedPlanner):
            return {}
        candidates = state.get("candidates", [])
        try:
            async with stage(runtime, "select") as done:
                request = await self.request(state, runtime)
                chosen = await planner.select(request, candidates, _said(runtime))
                done.detail = _chosen(chosen)
                done.model_ms = chosen.usage.get("model_ms", 0.0)
        except LightningError as error:
            return failed(error)
        if chosen.kind == "plan":
            return {"selection": selection_to_state(chosen)}
        answer = PlanAnswer(
            chosen.kind,
            chosen.text,
            choices=chosen.choices,
            planner=planner.name,
            selection=chosen.told(tuple(candidates)),
            usage=chosen.usage,
        )
        return {"answer": answer_to_state(answer)}

    async def draft(self, state: ThreadState, runtime: Run) -> ThreadState:
        planner, request = self.planner(state), await self.request(state, runtime)
        try:
            if isinstance(planner, StagedPlanner):
                chosen = selection_from_state(state["selection"])
                async with stage(runtime, "draft") as done:
                    answer = await planner.draft(request, chosen, _said(runtime))
                    done.detail = _size(answer)
                    done.model_ms = _since(answer, chosen.usage)
                told = answer.selection or chosen.told()
                candidates = list(state.get("candidates", ()))
                answer = replace(answer, selection={**told, "candidates": candidates})
            else:
                tell(runtime, "draft", "running")
                request, answer = await planned(planner, request, state.get("asked", ""))
                for past in answer.stages:
                    detail = _size(answer) if past["name"] == "draft" else ""
                    tell(runtime, past["name"], "done", past["duration_ms"], detail)
        except LightningError as error:
            return failed(error)
        return {"answer": answer_to_state(answer), "request": request.text}

    async def validate(self, state: ThreadState, runtime: Run) -> ThreadState:
        answer = answer_from_state(state["answer"] or {})
        async with stage(runtime, "validate") as done:
            checked = await self._lightning.validate(
                runtime.context.who,
                answer.document,
                state["message"]["timezone"],
                answer.not_covered,
                state["request"],
            )
            errors = [i for i in checked.issues if i.severity == "error"]
            done.detail = f"{len(errors)} to mend" if errors else "all right"
        return {"issues": [i.model_dump(mode="json") for i in checked.issues]}

    async def repair(self, state: ThreadState, runtime: Run) -> ThreadState:
        """Mechanical fixes first; then the model, with only what is wrong."""
        count = state.get("repairs", 0) + 1
        answer = answer_from_state(state["answer"] or {})
        issues = mendable([Issue.model_validate(i) for i in state.get("issues", ())])
        request = await self.request(state, runtime)
        try:
            async with stage(runtime, f"repair {count}/{MAX_REPAIRS}") as done:
                mended = await mend(self.planner(state), request, answer, issues)
                done.detail = ", ".join(dict.fromkeys(i.code for i in issues))
                done.model_ms = _since(mended.answer, answer.usage) if mended else 0.0
        except LightningError:
            mended = None  # what is there is shown with its issues, to be mended by hand
        if mended is None:
            return {"repairs": MAX_REPAIRS}
        repaired = [issue.model_dump(mode="json") for issue in mended.repaired]
        return {
            "repairs": count,
            "answer": answer_to_state(mended.answer),
            "mended": [*state.get("mended", ()), *repaired],
        }


def _said(runtime: Run) -> Callable[[str], None]:
    return lambda token: runtime.stream_writer({"token": token})


def _chosen(selection: Selection) -> str:
    return ", ".join(selection.tools) if selection.kind == "plan" else selection.kind


def _since(answer: PlanAnswer, before: Mapping[str, float]) -> float:
    """How long models took since `before` was counted."""
    spent: float = answer.usage.get("model_ms", 0.0) - before.get("model_ms", 0.0)
    return round(max(0.0, spent), 1)


def _size(answer: PlanAnswer) -> str:
    steps = len((answer.document or {}).get("steps", ()))
    return f"{steps} steps" if steps > 1 else "1 step" if steps else answer.kind
