"""What a card's buttons do. Nothing in a card is believed: it names a plan, a verb, a hash, values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from agents.conversation import Conversation
from backend.contracts.errors import Conflict, Invalid, LightningError
from backend.contracts.security import Principal
from backend.contracts.tools import ToolSpec
from backend.contracts.views import PlanView
from backend.lightning import Lightning
from backend.plans.edits import edit as edited
from chat_app.answers import answered
from chat_app.cards import issues_by_path
from chat_app.follow import Follower
from chat_app.steps import spoken

log = structlog.get_logger(__name__)

Verb = Literal[
    "approve",
    "reject",
    "edit",
    "check",
    "run",
    "cancel",
    "replay",
    "answer",
    "pause",
    "resume",
    "archive",
    "save",
]


class Press(BaseModel):
    """A button, as the browser sends it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    verb: Verb
    plan: str = Field(min_length=1, max_length=64)
    hash: str = Field(default="", max_length=128)
    catalogue: str = Field(default="", max_length=128)
    run: str | None = Field(default=None, max_length=64)
    step: str = Field(default="", max_length=64)
    index: int | None = Field(default=None, ge=0)
    iteration: int | None = Field(default=None, ge=1)
    answer: JsonValue = None
    reason: str = Field(default="", max_length=1_000)
    name: str = Field(default="", max_length=80)
    edits: dict[str, JsonValue] = Field(default_factory=dict, max_length=100)
    inputs: dict[str, JsonValue] = Field(default_factory=dict, max_length=100)


class Actions:
    """Each verb, checked by the backend for whoever pressed."""

    def __init__(
        self, lightning: Lightning, conversation: Conversation, follower: Follower
    ) -> None:
        self._lightning = lightning
        self._conversation = conversation
        self._follower = follower

    async def act(
        self, who: Principal, thread_id: str, payload: Mapping[str, Any], zone: str
    ) -> dict[str, Any]:
        """`{"ok": true, …}`, or `{"ok": false, "error": {"code", "message", "hint"}}`."""
        try:
            press = Press.model_validate(payload)
        except ValidationError:
            return _refused(Invalid("The page sent something unknown.", hint="Reload it."))
        try:
            return {"ok": True, **await self._do(who, thread_id, press)}
        except LightningError as error:
            await self._redraw(who, thread_id, press.plan)
            return _refused(error)

    async def _do(self, who: Principal, thread_id: str, press: Press) -> dict[str, Any]:
        view = await self._lightning.plan(who, press.plan)
        match press.verb:
            case "check":
                if not press.edits:  # looked at again: something outside may have been mended
                    await self._redraw(who, thread_id, press.plan)
                return {"issues": await self._check(who, view, press)}
            case "approve" | "reject" | "edit":
                view = await self._conversation.decide(
                    who,
                    view.thread_id or thread_id,
                    press.plan,
                    press.verb,
                    press.hash,
                    edits=press.edits,
                    reason=press.reason,
                    catalogue_hash=press.catalogue or None,
                    inputs=press.inputs,
                )
            case "run":
                await self._lightning.run(who, press.plan, press.inputs)
            case "archive":
                await self._lightning.archive(who, press.plan)
            case "save":
                await self._lightning.save(who, press.plan, press.name or None, view.revision)
            case "pause" | "resume":
                await self._switch(who, view, press.verb)
            case "cancel" | "replay" | "answer":
                await self._steer(who, view, press)
        await self._redraw(who, thread_id, press.plan)
        return {"hash": view.ir_hash}

    async def _check(self, who: Principal, view: PlanView, press: Press) -> list[dict[str, Any]]:
        """What would be wrong with the plan as it stands in the form. Nothing is kept."""
        if view.ir_hash != press.hash:
            raise Conflict(
                "The plan has changed since you saw it.",
                code="PLAN_REVISION_CHANGED",
                hint="Look at the newest card.",
            )
        catalogue = await self._lightning.catalogue(who)
        try:
            document = edited(view.document, press.edits, catalogue)
        except Invalid as error:
            if not error.issues:
                raise
            return issues_by_path(error.issues)
        checked = await self._lightning.validate(
            who, document.model_dump(mode="json"), view.timezone, view.not_covered, view.request
        )
        return issues_by_path(checked.issues, spoken(view, catalogue))

    async def _switch(self, who: Principal, view: PlanView, verb: str) -> None:
        wanted = "active" if verb == "pause" else "paused"
        change = self._lightning.pause if verb == "pause" else self._lightning.resume
        for schedule in view.schedules:
            if schedule.status == wanted:
                await change(who, schedule.id)

    async def _steer(self, who: Principal, view: PlanView, press: Press) -> None:
        run = await self._lightning.run_state(who, press.run or "")
        if run.plan_id != press.plan:
            raise Invalid("This run is of another plan.", code="EXEC_RUN_UNKNOWN")
        if press.verb == "cancel":
            await self._lightning.cancel(who, run.run_id)
        elif press.verb == "replay":
            await self._lightning.replay_run(who, run.run_id)
        else:
            tool = await self._tool_of(who, view, press.step)
            answer = answered(press.answer, run, press.step, press.index, tool)
            await self._lightning.answer(
                who, run.run_id, press.step, answer, press.index, press.iteration
            )

    async def _tool_of(self, who: Principal, view: PlanView, name: str) -> ToolSpec | None:
        step = next((s for s in view.document.steps if s.name == name), None)
        if step is None:
            return None
        return (await self._lightning.catalogue(who)).tools.get(step.action)

    async def _redraw(self, who: Principal, thread_id: str, plan_id: str) -> None:
        """At once, ahead of the log; also after a refusal: what was on the screen was old."""
        try:
            view = await self._lightning.plan(who, plan_id)
            await self._follower.refresh(thread_id, view)
        except LightningError as error:
            log.info("card.not_redrawn", plan=plan_id, error=error.message)


def _refused(error: LightningError) -> dict[str, Any]:
    return {
        "ok": False,
        "error": {"code": error.code, "message": error.message, "hint": error.hint},
        "issues": issues_by_path(error.issues),
    }
