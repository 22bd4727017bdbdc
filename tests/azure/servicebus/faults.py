"""Faults on purpose, by number or by chance."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal[
    "drop-frame",  # break the connection at a frame
    "drop-operation",  # … at a send, settle or management request, before it is done
    "lose-send-reply",  # do it, then break the connection
    "lose-settle-reply",
    "lose-management-reply",
    "refuse-settle",  # message-lock-lost, though the lock holds
    "redeliver",  # confirm a completion, and deliver the message again
    "quota",  # refuse sends: the queue is full
    "busy",  # refuse sends and management requests: the server is busy
    "delay",  # answer late, by `seconds`
]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass
class Fault:
    """Strikes at each occasion, or every `every`-th, or at a `rate` (by `seed`); `count` times, or
    until it is lifted; on one queue, or on all."""

    kind: str
    queue: str | None = None
    count: int | None = None
    every: int = 1
    rate: float = 1.0
    seed: int = 0
    seconds: float = 0.0
    _occasions: int = 0
    _chance: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; there are: {', '.join(KINDS)}")
        self._chance.seed(self.seed)

    def strikes(self) -> bool:
        self._occasions += 1
        if self.count == 0 or self._occasions % self.every:
            return False
        if self.rate < 1 and self._chance.random() >= self.rate:
            return False
        if self.count is not None:
            self.count -= 1
        return True


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def strike(self, kind: Kind, queue: str | None = None) -> bool:
        return self._struck(kind, queue) is not None

    def delay(self, queue: str) -> float:
        fault = self._struck("delay", queue)
        return fault.seconds if fault else 0.0

    def _struck(self, kind: Kind, queue: str | None) -> Fault | None:
        concerned = (f for f in self._faults if f.kind == kind and f.queue in (None, queue))
        return next((fault for fault in concerned if fault.strikes()), None)
