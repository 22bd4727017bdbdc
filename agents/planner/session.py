"""One planning session outside a thread: discover, select, draft, validate, repair (at most four times)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from agents.planner.ready import ready_answer
from agents.planner.staged import StagedPlanner
from agents.repairs import mechanical, mendable
from backend.contracts.errors import Issue, LightningError
from backend.contracts.plans import Checked
from backend.contracts.ports import PlanAnswer, Planner, PlanRequest
from backend.plans.validation import check

MAX_REPAIRS = 4
OnStage = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Mended:
    """An answer after a repair; `repaired` are the issues that were mended in it, marked so."""

    answer: PlanAnswer
    repaired: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer and, for a plan, what validation says of it; `repairs` are the issues mended on the
    way, in order, marked so."""

    answer: PlanAnswer
    checked: Checked | None = None
    repairs: tuple[Issue, ...] = ()


async def plan_once(
    planner: Planner, request: PlanRequest, on_stage: OnStage | None = None
) -> Outcome:
    """The answer to `request`, its faults mended as far as that goes. `on_stage(name, status)` hears
    each stage begin ("running") and end ("done").

    Errors: those of the planner's model; while repairing they only end the repairs.
    """
    stages = _Stages(on_stage)
    answer = await _answer(planner, request, stages)
    if answer.kind != "plan":
        return Outcome(replace(answer, stages=stages.told(answer)))
    repairs: list[Issue] = []
    checked = _checked(request, answer, stages)
    for count in range(1, MAX_REPAIRS + 1):
        issues = mendable(checked.issues)
        if answer.kind != "plan" or not issues:
            break
        with stages.run(f"repair {count}/{MAX_REPAIRS}"):
            try:
                mended = await mend(planner, request, answer, issues)
            except LightningError:
                break  # what is there is shown with its issues, to be mended by hand
        if mended is None:
            break
        answer = mended.answer
        repairs += mended.repaired
        if answer.kind == "plan":
            checked = _checked(request, answer, stages)
    answer = replace(answer, stages=stages.told(answer))
    return Outcome(answer, checked if answer.kind == "plan" else None, tuple(repairs))


async def mend(
    planner: Planner, request: PlanRequest, answer: PlanAnswer, issues: Sequence[Issue]
) -> Mended | None:
    """Mechanical fixes first; else the model, with only what is wrong. None when neither can."""
    if fixed := mechanical(answer, issues):
        return Mended(*fixed)
    if not isinstance(planner, StagedPlanner):
        return None
    again = await planner.repair(request, answer, issues)
    changed = again.document != answer.document
    marked = tuple(i.model_copy(update={"repaired": True}) for i in issues) if changed else ()
    return Mended(again, marked)


async def _answer(planner: Planner, request: PlanRequest, stages: _Stages) -> PlanAnswer:
    if (ready := ready_answer(request)) is not None:
        return ready
    if not isinstance(planner, StagedPlanner):
        with stages.run("draft"):
            return await planner.plan(request)
    with stages.run("discover"):
        candidates = await planner.discover(request)
    with stages.run("select"):
        selection = await planner.select(request, candidates)
    if selection.kind == "plan":
        with stages.run("draft"):
            answer = await planner.draft(request, selection)
    else:
        answer = PlanAnswer(
            selection.kind,
            selection.text,
            choices=selection.choices,
            planner=planner.name,
            usage=selection.usage,
        )
    if answer.kind == "talk" and not answer.text:
        said = "".join([token async for token in planner.talk(request)])
        answer = replace(answer, text=said)
    told = answer.selection or selection.told()
    return replace(answer, selection={**told, "candidates": list(candidates)})


def _checked(request: PlanRequest, answer: PlanAnswer, stages: _Stages) -> Checked:
    with stages.run("validate"):
        return check(
            answer.document,
            request.catalogue,
            now=request.now,
            timezone=request.timezone,
            not_covered=answer.not_covered,
            request=request.text,
        )


class _Stages:
    def __init__(self, on_stage: OnStage | None) -> None:
        self._on_stage = on_stage or (lambda name, status: None)
        self._done: list[dict[str, Any]] = []

    @contextmanager
    def run(self, name: str) -> Iterator[None]:
        self._on_stage(name, "running")
        began = time.perf_counter()
        yield
        milliseconds = round((time.perf_counter() - began) * 1000, 1)
        self._done.append({"name": name, "duration_ms": milliseconds})
        self._on_stage(name, "done")

    def told(self, answer: PlanAnswer) -> tuple[dict[str, Any], ...]:
        """The planner's own account of its stages where it has one, and ours after it."""
        if not answer.stages:
            return tuple(self._done)
        return (*map(dict, answer.stages), *(s for s in self._done if s["name"] != "draft"))
