"""A stream in memory: its state, its position, and the events that wait to be decided, one at a time."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

from backend.contracts.events import Event
from backend.contracts.ports import Delivery, Output
from backend.drivers.turn import Decider


@dataclass(slots=True)
class Pending:
    """An event to decide. Either leased itself (`delivery.event` is it), or the fresh result of a
    leased piece of work (a fused hop): then `extra` are that work's other outputs. `error` is why
    it is not to be decided: the bus gave it up, or what was decided on it could not be written."""

    event: Event
    delivery: Delivery
    fused: bool = False
    extra: tuple[Output, ...] = ()
    conflicts: int = 0
    error: Exception | None = None


@dataclass(slots=True)
class Stream:
    """`position` is the next commit's. `loaded` says whether `state` is there; `busy` that a commit
    is under way; `alone` that the next events are tried one by one, after a batch was refused.
    `snapshot_due` is the position from which on a commit brings a snapshot along."""

    name: str
    decider: Decider[Any]
    state: Any = None
    position: int = 0
    snapshot_due: int = 0
    loaded: bool = False
    busy: bool = False
    alone: bool = False
    inbox: deque[Pending] = field(default_factory=deque)


class Streams:
    """The streams in memory, the least recently used of the idle ones forgotten first."""

    def __init__(self, limit: int = 4000) -> None:
        self._streams: OrderedDict[str, Stream] = OrderedDict()
        self._limit = limit

    def get(self, name: str, decider: Decider[Any]) -> Stream:
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = Stream(name, decider)
            self._trim()
        else:
            self._streams.move_to_end(name)
        return stream

    def forget(self, stream: Stream) -> None:
        if not stream.busy and not stream.inbox:
            self._streams.pop(stream.name, None)

    def unsettled(self) -> bool:
        return any(stream.busy or stream.inbox for stream in self._streams.values())

    def _trim(self) -> None:
        while len(self._streams) > self._limit:
            oldest = next(iter(self._streams.values()))
            if oldest.busy or oldest.inbox:
                self._streams.move_to_end(oldest.name)
                return
            del self._streams[oldest.name]
