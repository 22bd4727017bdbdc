"""The universal processor: authorize → audit → route → outputs. The same for every event and every bus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import structlog

from backend.contracts.events import Event, derived_id
from backend.contracts.ports import Commit, Delivery, Document, Output
from backend.contracts.security import Verdict
from backend.drivers.turn import Decider, Driver, Turn
from backend.security.authorize import authorize

log = structlog.get_logger()


class Decided:
    """What a stream made of one event: its commit, what leaves it, and its state afterwards."""

    __slots__ = ("commit", "documents", "outputs", "state")

    def __init__(
        self, commit: Commit, outputs: list[Output], documents: list[Document], state: Any
    ) -> None:
        self.commit = commit
        self.outputs = outputs
        self.documents = documents
        self.state = state


class Processor:
    """Knows all deciders (by stream prefix) and drivers (by event type)."""

    def __init__(
        self,
        deciders: Iterable[Decider[Any]],
        drivers: Iterable[Driver],
        now: Callable[[], datetime],
    ) -> None:
        self._deciders = {d.prefix: d for d in deciders}
        self._drivers = {type: d for d in drivers for type in d.handles}
        self._now = now

    def decider(self, stream: str) -> Decider[Any]:
        return self._deciders[stream.partition(":")[0]]

    def decide(
        self, decider: Decider[Any], stream: str, state: Any, event: Event, position: int
    ) -> Decided:
        """Let the stream's decider answer `event`. A refused event reaches no decider."""
        turn = Turn(event, self._now(), position)
        verdict = authorize(event, decider.owner(state))
        if not verdict.allowed:
            turn.emit("event.denied", {"type": event.type, **_reason(verdict)})
            return _decided(turn, stream, verdict, state)
        after = decider.decide(state, turn)
        if after is None:
            after = decider.evolve(state, event)
            for output in turn.outputs:
                after = decider.evolve(after, output.event)
        decider.project(state, after, turn)
        return _decided(turn, stream, verdict, after)

    def stall(
        self,
        decider: Decider[Any],
        stream: str,
        state: Any,
        event: Event,
        position: int,
        error: Mapping[str, Any],
    ) -> Decided:
        """The commit that stands for an event nobody could decide: shown, and replayable, because the
        event itself is not its cause. Where it stands is in its ids: what is replayed may stall again."""
        turn = Turn(event, self._now(), position, derived_id(event.id, "stalled", position))
        stalled = turn.emit("run.stalled", {**event.data, "type": event.type, "error": dict(error)})
        try:
            after = decider.evolve(state, stalled)
            decider.project(state, after, turn)
        except Exception:
            # The last resort: what is broken now may be the state itself.
            log.exception("stall.unshown", stream=stream)
            after, turn.outputs[1:], turn.documents[:] = state, [], []
        events = tuple(o.event for o in turn.outputs[1:])
        verdict = Verdict("allow", "dead", "EXEC_STALLED", "dead letter")
        commit = Commit(stream, position, stalled, events, verdict)
        return Decided(commit, turn.outputs[1:], turn.documents, after)

    async def work(self, delivery: Delivery) -> Turn:
        """Let a driver act on an event of the work lane. Errors of the driver pass through."""
        turn = Turn(delivery.event, self._now())
        driver = self._drivers.get(delivery.event.type)
        verdict = authorize(delivery.event, None)
        if verdict.allowed and driver is not None:
            await driver.handle(turn, delivery)
        return turn

    def work_failed(self, delivery: Delivery, error: Mapping[str, Any]) -> Turn:
        """What follows when a driver could not handle an event at all."""
        turn = Turn(delivery.event, self._now())
        driver = self._drivers.get(delivery.event.type)
        if driver is not None:
            driver.failed(turn, error)
        return turn


def _reason(verdict: Verdict) -> dict[str, str]:
    return {"code": verdict.code, "reason": verdict.reason, "rule": verdict.rule}


def _decided(turn: Turn, stream: str, verdict: Verdict, state: Any) -> Decided:
    events = tuple(o.event for o in turn.outputs)
    commit = Commit(stream, turn.position, turn.cause, events, verdict)
    return Decided(commit, turn.outputs, turn.documents, state)
