"""Who starts when: what each step still waits to hear from its upstream, counted down as it comes."""

from __future__ import annotations

from collections import deque

from backend.contracts.plans import RESERVED_ACTION
from backend.contracts.runs import RunState, StepState
from backend.plans.graph import Graph

SKIPPED = ""


class Joins:
    """The engine's part of a run's state, open for change; `steps` are the run's, as they are.

    `ready` are the steps that have become free to take up what is wanted of them.
    """

    __slots__ = ("_graph", "_steps", "fired", "ready", "waiting_on", "wanted")

    def __init__(self, graph: Graph, state: RunState, steps: dict[str, StepState]) -> None:
        self._graph = graph
        self._steps = steps
        self.waiting_on = dict(state.waiting_on)
        self.fired = set(state.fired)
        self.wanted = dict(state.wanted)
        self.ready: deque[str] = deque()

    def enter(self, trigger: str | None) -> None:
        """The run begins: by one of its triggers, or (None) as if by all of them."""
        for name, link in self._graph.entries:
            self._hear(link.to, link.bit, name is not None and trigger in (None, name))
        for vertex in self._graph.vertices.values():
            if not vertex.upstream:
                self._want(vertex.id, start=False)

    def announce(self, name: str, outcome: str) -> None:
        """Tell all who follow how a step ended: its action, "error", or "" for skipped."""
        done = outcome not in (SKIPPED, RESERVED_ACTION)
        called: set[str] = set()
        for link in self._graph.vertices[name].links:
            taken = done if link.outcome is None else link.outcome == outcome
            if self._graph.reactive and self._graph.vertices[link.to].any:
                # Two edges from one outcome (its own name and an emitted one) are one call.
                if taken and link.to not in called:
                    called.add(link.to)
                    self._want(link.to, start=True)
            else:
                self._hear(link.to, link.bit, taken)
        if name in self.wanted:
            self.ready.append(name)

    def take_up(self, name: str) -> None:
        """A step begins or is skipped: one thing less is wanted of it."""
        if name not in self.wanted:  # it was let go
            self._heard_all(name)
        later = self.wanted.pop(name, ())[1:]
        if later:
            self.wanted[name] = later

    def let_go(self) -> bool:
        """At a standstill nothing that is still awaited will come: it counts as skipped. One step that
        heard something good and never began becomes free, the one before the others where some wait
        for each other; whether there was any. One at a time, as each may make another's upstream speak."""
        waiting = [n for n in self._graph.vertices if n in self.fired and n not in self._steps]
        if not waiting:
            return False
        behind = self._behind(waiting) if len(waiting) > 1 else set()
        name = next((name for name in waiting if name not in behind), waiting[0])
        self._heard_all(name)
        self._want(name, start=True)
        return True

    def _behind(self, names: list[str]) -> set[str]:
        """What follows any of these steps, over however many others."""
        todo, found = list(names), set[str]()
        while todo:
            for link in self._graph.vertices[todo.pop()].links:
                if link.to not in found:
                    found.add(link.to)
                    todo.append(link.to)
        return found

    def _heard_all(self, name: str) -> None:
        self.waiting_on.pop(name, None)
        self.fired.discard(name)

    def clear(self) -> None:
        self.waiting_on, self.fired, self.wanted = {}, set(), {}
        self.ready.clear()

    def _hear(self, name: str, bit: int, taken: bool) -> None:
        vertex = self._graph.vertices[name]
        if self._graph.reactive:
            if vertex.any:
                if taken:
                    self._want(name, start=True)
                return
        elif name in self._steps or name in self.wanted:
            return  # it started at the first of several
        still = self.waiting_on.get(name, vertex.upstream) & ~bit
        if taken:
            self.fired.add(name)
        if still and not (taken and vertex.any):
            self.waiting_on[name] = still
            return
        self.waiting_on.pop(name, None)
        self._want(name, start=name in self.fired)
        self.fired.discard(name)

    def _want(self, name: str, *, start: bool) -> None:
        self.wanted[name] = (*self.wanted.get(name, ()), start)
        self.ready.append(name)
