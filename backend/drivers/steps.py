"""The step executor: calls a step's tool, once, and says what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from backend.contracts.errors import Invalid, ToolError
from backend.contracts.events import Event, derived_id
from backend.contracts.ports import Bus, Delivery, Store
from backend.contracts.runs import ENDED_RUN
from backend.contracts.security import Verdict
from backend.contracts.tools import ToolCall, ToolResult
from backend.drivers.turn import Turn
from backend.tools.registry import Registry


class StepDriver:
    """Handles `plan.step.execute`.

    A tool with effects that cannot be repeated is claimed first: found claimed by an earlier,
    interrupted delivery, or timed out half way, its outcome is unknown and a person is asked.
    """

    handles: tuple[str, ...] = ("plan.step.execute",)

    def __init__(
        self, registry: Registry, bus: Bus, store: Store, *, notifies: bool = False
    ) -> None:
        self._registry = registry
        self._bus = bus
        self._store = store
        self._notifies = notifies

    async def handle(self, turn: Turn, delivery: Delivery) -> None:
        data = turn.cause.data
        catalogue = self._registry.catalogue()
        spec = catalogue.tools.get(data["tool"])
        if spec is None:
            gone = {"code": "EXEC_TOOL_UNKNOWN", "message": f"The tool {data['tool']} is gone."}
            self.failed(turn, gone)
            return
        if refusal := _refusal(catalogue.verdicts.get(spec.id), data):
            self.failed(turn, refusal)
            return
        if spec.purity != "pure" and await self._ended(data["run_id"]):
            return
        if spec.purity == "effect" and not await self._claim(turn, delivery):
            turn.emit("plan.step.unknown", _attempt(data))
            return
        began = time.perf_counter()
        try:
            async with asyncio.timeout(data.get("timeout_s") or spec.timeout_s):
                result = await self._registry.call(_call(turn.cause))
        except TimeoutError:
            if spec.purity == "effect":
                turn.emit("plan.step.unknown", _attempt(data))
                return
            seconds = data.get("timeout_s") or spec.timeout_s
            error = {"code": "EXEC_TIMEOUT", "message": f"It took longer than {seconds:g} s."}
            self._emit_failed(turn, error, transient=True, began=began)
        except (ToolError, Invalid) as error:
            if isinstance(error, ToolError) and error.unknown and spec.purity == "effect":
                turn.emit("plan.step.unknown", _attempt(data))
                return
            told = {"code": error.code, "message": error.message, "hint": error.hint}
            transient = isinstance(error, ToolError) and error.transient
            self._emit_failed(turn, told, transient=transient, began=began)
        else:
            self._emit_result(turn, result, began)

    def failed(self, turn: Turn, error: Mapping[str, Any]) -> None:
        self._emit_failed(turn, error, transient=False, began=time.perf_counter())

    async def _ended(self, run_id: str) -> bool:
        """Whether the run was stopped meanwhile: the last look before an effect."""
        run = await self._store.get("run", run_id, None)
        return run is not None and run.status in ENDED_RUN

    async def _claim(self, turn: Turn, delivery: Delivery) -> bool:
        started = Turn(turn.cause, turn.now)
        started.emit("plan.step.started", _attempt(turn.cause.data), id=f"{turn.cause.id[:-1]}s")
        return await self._bus.claim(delivery, turn.cause.data["key"], started.outputs)

    def _emit_failed(
        self, turn: Turn, error: Mapping[str, Any], *, transient: bool, began: float
    ) -> None:
        said = {"error": dict(error), "transient": transient, "duration_ms": _since(began)}
        turn.emit("plan.step.failed", {**_attempt(turn.cause.data), **said})

    def _emit_result(self, turn: Turn, result: ToolResult, began: float) -> None:
        data = turn.cause.data
        if result.question is not None:
            turn.emit("plan.step.waiting", {**_attempt(data), "question": dict(result.question)})
        else:
            said: dict[str, Any] = {
                "output": dict(result.output),
                "action": result.action,
                "duration_ms": _since(began),
            }
            if result.note:
                said["note"] = result.note
            if result.cost_usd:
                said["cost_usd"] = result.cost_usd
            turn.emit("plan.step.completed", {**_attempt(data), **said})
        thread_id = data.get("thread_id")
        for text in result.messages:
            said = {"text": text, "run_id": data["run_id"]}
            if thread_id:
                turn.emit("user.message", {"thread_id": thread_id, **said})
            elif self._notifies:
                turn.emit("notification.send", said)


def _refusal(verdict: Verdict | None, data: Mapping[str, Any]) -> dict[str, str] | None:
    """What policy says against a step since its plan was approved."""
    if verdict is None or verdict.allowed:
        return None
    if verdict.decision == "deny":
        return {"code": verdict.code, "message": verdict.reason}
    if data.get("allowed"):
        return None
    return {
        "code": "EXEC_GATE_MISSING",
        "message": f"{verdict.reason} This plan was approved without that.",
        "hint": "Have this step ask first, and approve the plan anew.",
    }


def _attempt(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data.get(name) for name in ("run_id", "step", "iteration", "index", "attempt")}


def _call(event: Event) -> ToolCall:
    data = event.data
    return ToolCall(
        tool=data["tool"],
        args=data["args"],
        user_id=event.user_id,
        # The same for every attempt, unlike the claim's: a retry must look like the first to a tool.
        key=derived_id(data["run_id"], data["step"], data["iteration"], str(data["index"])),
        run_id=data["run_id"],
        step=data["step"],
        attempt=data["attempt"],
        thread_id=data.get("thread_id"),
        asked_at=event.timestamp,
    )


def _since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
